"""What the target will never take, kept for people."""
from __future__ import annotations

import datetime
import json
import os

from alertjoin.errors import AlertjoinError
from alertjoin.forward.events import AlertEvent
from alertjoin.forward.metrics import Metrics
from alertjoin.forward.request import Request


class DeadLetters:
    """A file of JSON lines. When it is full it becomes PATH.1, in place of the one before: the
    oldest letters go, and are counted. No secret is in them."""

    def __init__(self, path: str, metrics: Metrics, bytes_most: int = 16 << 20):
        """path: "" keeps none. bytes_most: of the file and of PATH.1, each."""
        self._path = path
        self._metrics = metrics
        self._bytes_most = bytes_most

    def put(self, event: AlertEvent, request: Request, error: AlertjoinError) -> None:
        """On the disk when this returns."""
        if not self._path:
            return
        line = json.dumps({
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "reason": error.hint, "alert": event.alert, "state": event.state,
            "episode": event.episode, "rows": [row.row_id for row in event.rows],
            "method": request.method, "path": request.path, "body": request.body,
        }).encode() + b"\n"
        self._make_room(len(line))
        with open(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _make_room(self, size: int) -> None:
        try:
            full = os.path.getsize(self._path) + size > self._bytes_most
        except FileNotFoundError:
            return
        if not full:
            return
        older = self._path + ".1"
        if os.path.exists(older):
            with open(older, "rb") as file:
                self._metrics.add("dead_letters_dropped", sum(1 for _ in file))
        os.replace(self._path, older)
