"""A frame that keeps itself current."""
from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Sequence

import pandas as pd

from alertjoin import frames
from alertjoin.errors import AlertjoinError
from alertjoin.subscription import Message
from alertjoin.v1 import joined_row_pb2

if TYPE_CHECKING:
    from alertjoin.client import Client

_DELETE = joined_row_pb2.OPERATION_DELETE


class LiveTable:
    """The joined rows of a subscription, folded. Thread-safe."""

    def __init__(self, client: Client, labels: Sequence[str], arguments: dict[str, Any]):
        self._labels = labels
        self._changed = threading.Condition()
        self._rows: dict[str, joined_row_pb2.JoinedRow] = {}
        self._sequence = 0
        self._complete = bool(arguments.get("live_only"))
        self._error: AlertjoinError | None = None
        self._stop = threading.Event()
        messages = client.subscribe(stop=self._stop, progress_interval="1s", **arguments)
        self._thread = threading.Thread(target=self._follow, args=(messages,), daemon=True)
        self._thread.start()

    def frame(self, wait: float | None = 30.0) -> pd.DataFrame:
        """The table as it stands, newest event time first. Waits up to `wait` seconds until the
        first snapshot is complete. Raises the error that ended the subscription."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._complete or self._error, wait):
                raise TimeoutError("the snapshot is not complete yet")
            if self._error is not None:
                raise self._error
            rows = list(self._rows.values())
        return frames.joined_frame(rows, self._labels).sort_values("event_time", ascending=False)

    def wait_for_change(self, after: int, timeout: float | None = None) -> int:
        """Waits until the sequence is greater than `after`; returns it as it is then."""
        with self._changed:
            self._changed.wait_for(lambda: self._sequence > after or self._error, timeout)
            return self._sequence

    @property
    def sequence(self) -> int:
        with self._changed:
            return self._sequence

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> LiveTable:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _follow(self, messages: Any) -> None:
        try:
            for message in messages:
                with self._changed:
                    self._take(message)
                    self._changed.notify_all()
        except AlertjoinError as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _take(self, message: Message) -> None:
        if message.kind == "reset":
            self._rows.clear()
            self._complete = False
        elif message.kind == "snapshot_complete":
            self._complete = True
        for row in message.rows:
            if row.operation == _DELETE:
                self._rows.pop(row.row_id, None)
            else:
                self._rows[row.row_id] = row
        self._sequence = max(self._sequence, message.sequence)
