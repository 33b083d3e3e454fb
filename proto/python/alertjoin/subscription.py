"""Subscriptions that go on by themselves."""
from __future__ import annotations

import dataclasses
import random
from typing import Any

from alertjoin.errors import AlertjoinError

# The token is of no use any more: what comes next begins anew.
_LOST = {"RESUME_TOKEN_TOO_OLD", "RESUME_TOKEN_FOREIGN", "RESUME_TOKEN_FROM_FUTURE"}


@dataclasses.dataclass(frozen=True)
class Message:
    """One message of a subscription.

    kind: "started", "rows" ("alerts", "samples"), "snapshot_complete", "progress", "gap", as the
        correlator sends them;
        "reset": what was received so far is void, since the place where it ended is known no more.
        A new snapshot follows.
    rows: of "rows"; alerts: of "alerts"; series: of "samples", each with its new samples.
    resume_token: give it to subscribe() to go on behind this message, today or next week.
    """
    kind: str
    rows: list[Any] = dataclasses.field(default_factory=list)
    sequence: int = 0
    resume_token: str = ""
    raw: Any = None
    alerts: list[Any] = dataclasses.field(default_factory=list)
    series: list[Any] = dataclasses.field(default_factory=list)


class Resumption:
    """Where a subscription stands, and what to do when it breaks. Without any input or output."""

    BACKOFF_FIRST_SECONDS = 0.2
    BACKOFF_MOST_SECONDS = 10.0

    def __init__(self, request: Any, retry: bool = True, rng: random.Random | None = None):
        """request: of any of the subscriptions."""
        self._request = request
        self._retry = retry
        self._rng = rng or random.Random()
        self._failures = 0

    def request(self) -> Any:
        copy = type(self._request)()
        copy.CopyFrom(self._request)
        return copy

    def took(self, response: Any) -> Message:
        self._failures = 0
        self._request.resume_token = response.resume_token
        kind = response.WhichOneof("message") or "unknown"
        body: Any = getattr(response, kind, None)
        rows = list(body.rows) if kind == "rows" else []
        alerts = list(body.alerts) if kind == "alerts" else []
        series = list(body.series) if kind == "samples" else []
        sequence = max((one.sequence for one in (*rows, *alerts)),
                       default=getattr(body, "sequence", 0))
        return Message(kind, rows, sequence, response.resume_token, response, alerts, series)

    def broke(self, error: AlertjoinError) -> tuple[float, Message | None]:
        """How long to wait before the next attempt, and what to tell the reader before it. Raises
        the error when there shall be none."""
        if not self._retry:
            raise error
        if error.reason in _LOST:
            self._request.resume_token = ""
            self._failures += 1
            return self._pause(), Message("reset")
        if error.code == "UNAVAILABLE" or error.reason in ("SUBSCRIBER_TOO_SLOW",
                                                           "TOO_MANY_SUBSCRIBERS"):
            self._failures += 1
            return self._pause(), None
        raise error

    def ended(self) -> float:
        """The stream ended without an error: a proxy, or a server that is going away."""
        self._failures += 1
        return self._pause()

    def _pause(self) -> float:
        longest = min(self.BACKOFF_MOST_SECONDS,
                      self.BACKOFF_FIRST_SECONDS * 2 ** min(self._failures - 1, 10))
        return longest * self._rng.uniform(0.5, 1)
