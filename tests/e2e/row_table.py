"""A subscriber's copy of the table, which checks what the stream promises."""
import time


class RowTable:
    """Folds messages of SubscribeJoinedRows, taken from a client.Subscription."""

    def __init__(self, subscription, every_revision=False):
        """every_revision: the stream began before the first row and has no filter, so that each
        revision of each row must come, once. Sequences may be left out: those of alerts alone."""
        self.rows = {}
        self.messages = 0
        self.progress_in_a_row = 0
        self.deleted = set()
        self.sequence = 0
        self.snapshot_sequence = None
        self.resume_token = ""
        self.store_id = None
        self.provisional = set()  # ids of rows that are not final
        self.first_sequences = {}  # of each row, deleted ones too
        self._every_revision = every_revision
        self._subscription = subscription
        self._starts = True

    def resume(self, subscription):
        """Goes on with a stream that was asked for with resume_token."""
        self._subscription = subscription
        self._starts = True

    def read_until(self, condition, seconds, what, check=lambda: None):
        """Takes messages until condition(), which is asked after each. check() may raise."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}; there is {self.shown()}")
            check()
            self.read(0.2)

    def shown(self):
        """How far it has come, for people."""
        return (f"sequence {self.sequence} after {self.messages} messages: {len(self.rows)} rows, "
                f"{len(self.provisional)} of them not final")

    def read(self, seconds):
        """Takes the next message if one comes in that time."""
        message = self._subscription.next(seconds)
        if message is not None:
            self.take(message)

    def take(self, message):
        """Folds one message."""
        kind = message.WhichOneof("message")
        expect(message.resume_token, f"a {kind} message has no resume token")
        expect((kind == "started") == self._starts, f"message {self.messages} is {kind}")
        self._starts = False
        self.messages += 1
        self.progress_in_a_row = self.progress_in_a_row + 1 if kind == "progress" else 0
        if kind == "started":
            self._take_started(message.started)
        elif kind == "rows":
            expect(message.rows.rows, "a message of no rows")
            for row in message.rows.rows:
                self._apply(row)
        elif kind == "snapshot_complete":
            expect(self.snapshot_sequence is None, "a second snapshot_complete")
            self.snapshot_sequence = message.snapshot_complete.sequence
            self._advance(self.snapshot_sequence)
        elif kind == "progress":
            self._advance(message.progress.sequence)
        else:
            expect(False, f"unexpected message {kind}: {message}")
        self.resume_token = message.resume_token

    def _take_started(self, started):
        expect(self.store_id in (None, started.store_id), "another store")
        expect(started.sequence >= self.sequence,
               f"the store is at {started.sequence}, and had sent {self.sequence}")
        self.store_id = started.store_id

    def _apply(self, row):
        known = self.rows.get(row.row_id)
        # A row that was deleted and comes again begins anew.
        before = known.revision if known else 0
        if self.snapshot_sequence is not None:
            expect(row.sequence > self.snapshot_sequence, f"a change of the snapshot again: {row}")
            self._advance(row.sequence)
        expect(row.revision > before, f"no new revision: {known} {row}")
        expect(not self._every_revision or row.revision == before + 1,
               f"revision {before} is followed by {row}")
        self.first_sequences.setdefault(row.row_id, row.sequence)
        if row.operation == 2:
            expect(known is not None, f"DELETE of a row that was never sent: {row}")
            self.deleted.add(row.row_id)
            self.provisional.discard(row.row_id)
            del self.rows[row.row_id]
        else:
            expect(row.operation == 1, f"neither UPSERT nor DELETE: {row}")
            self.rows[row.row_id] = row
            (self.provisional.discard if row.final else self.provisional.add)(row.row_id)

    def _advance(self, sequence):
        expect(sequence >= self.sequence, f"sequence {sequence} after {self.sequence}")
        self.sequence = sequence


def expect(condition, message):
    if not condition:
        raise AssertionError(message)
