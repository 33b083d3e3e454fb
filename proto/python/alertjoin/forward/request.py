"""What a target is asked."""
from __future__ import annotations

import dataclasses
import json
from typing import Any, Protocol

from alertjoin.forward.events import AlertEvent


@dataclasses.dataclass(frozen=True)
class Request:
    """path: below the target's URL, which is used as it is when this is empty."""
    method: str
    path: str
    body: dict[str, Any]
    content_type: str = "application/json"

    def encoded(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False, allow_nan=False).encode()


class Target(Protocol):
    """One kind of place to send to. Without any input or output."""

    # Each row by itself, rather than each transition with all its rows.
    per_row: bool

    def request(self, event: AlertEvent, remote: str) -> Request | None:
        """What to send; None for nothing. remote: what is kept of this episode, "" for nothing."""

    def remote(self, event: AlertEvent, before: str, answer: bytes) -> str:
        """What to keep of the episode once the target has taken the event."""
