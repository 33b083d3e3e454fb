"""A subscriber that outlives its connections: it goes on with its last resume token."""
import threading

import grpc

import support
from row_table import RowTable

PROGRESS_SECONDS = 1
RETRY_SECONDS = 0.1


class Follower:
    """Folds SubscribeJoinedRows into a RowTable on a thread of its own, whatever breaks."""

    def __init__(self, address, every_revision=True):
        """every_revision: the store is empty as yet, and every change must come."""
        self.table = None  # its contents: after stop() only
        self.breaks = 0
        self.fault = None
        self._address = address
        self._every_revision = every_revision
        self._stopping = threading.Event()
        self._begun = threading.Event()
        self._subscription = None
        self._sequence = 0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Returns once the snapshot is complete: no change will be missed."""
        self._thread.start()
        if not self._begun.wait(30) or self.fault:
            shown = self.table and self.table.shown()
            raise AssertionError(f"no snapshot within 30 s: {self.fault or shown}")

    @property
    def sequence(self):
        """Up to which everything has come."""
        return self._sequence

    def wait_for(self, sequence, seconds):
        """Waits until everything up to this sequence has come."""
        with self._changed:
            self._changed.wait_for(lambda: self._sequence >= sequence or self.fault, seconds)
            if self.fault or self._sequence < sequence:
                raise AssertionError(
                    f"subscriber at {self._sequence}, not {sequence}: {self.fault}")

    def wait_for_rows(self, count, seconds, final=True):
        """Waits until there are so many rows, with `final` each of them final."""
        def there():
            if self.fault:
                raise self.fault
            return len(self.table.rows) >= count and not (final and self.table.provisional)
        support.wait_until(there, seconds, f"{count} rows{' that are final' if final else ''}",
                           seen=lambda: f"{self.table.shown()}, after {self.breaks} breaks")

    def stop(self):
        """Ends the subscription. Raises what its table has found wrong."""
        self._stopping.set()
        self._thread.join(30)
        if self.fault:
            raise self.fault
        if self._thread.is_alive():
            raise AssertionError(f"the subscriber goes on for 30 s: {self.table.shown()}")

    def _run(self):
        try:
            while not self._stopping.is_set():
                try:
                    self._follow()
                except (grpc.RpcError, EOFError) as error:
                    code = getattr(error, "code", lambda: None)()
                    if code not in (None, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                        raise
                    self.breaks += 1
                    self._stopping.wait(RETRY_SECONDS)
        except BaseException as fault:  # pylint: disable=broad-except
            self.fault = fault
            self._begun.set()
            with self._changed:
                self._changed.notify_all()

    def _follow(self):
        api = support.api()
        request = api.SubscribeJoinedRowsRequest(
            resume_token=self.table.resume_token if self.table else "")
        request.progress_interval.FromMilliseconds(PROGRESS_SECONDS * 1000)
        with support.client.open_channel(self._address) as channel:
            call = api.CorrelatorServiceStub(channel).SubscribeJoinedRows(request)
            subscription = support.Subscription(call)
            if self.table is None:
                self.table = RowTable(subscription, every_revision=self._every_revision)
            else:
                self.table.resume(subscription)
            while not self._stopping.is_set():
                self.table.read(0.2)
                if self.table.snapshot_sequence is not None:
                    self._begun.set()
                with self._changed:
                    self._sequence = self.table.sequence
                    self._changed.notify_all()
            call.cancel()
