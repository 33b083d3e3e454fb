"""Events of Sysdig Monitor.

Version 2 is POST /api/v2/events with the scope as `scope` and times in milliseconds; version 1, of
older installations, is POST /api/events with `filter` and microseconds. Its events cannot be
changed and have no state of their own: a RESOLVED one is an event besides, with the same tag
alertjoin_episode as its FIRING one.
"""
from __future__ import annotations

import re
from typing import Any, Mapping

from alertjoin.forward.events import AlertEvent
from alertjoin.forward.request import Request

# Severities as in syslog, from 0 (worst) to 7, for what rules usually say.
SEVERITIES: dict[str, int | str] = {
    "emergency": 0, "page": 1, "critical": 2, "error": 3, "high": 3, "major": 3, "warning": 4,
    "medium": 4, "minor": 5, "notice": 5, "low": 5, "info": 6, "information": 6, "none": 7,
    "debug": 7}
SEVERITY_OF_OTHERS = 4
SEVERITY_OF_RESOLVED = 6
TIME_UNITS = {"s": 1, "ms": 1000, "us": 1_000_000}
NAME_MOST = 256
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(value: str) -> str:
    """The value as a string of a scope. In double quotes; in single ones where that spares an
    escape. Other control characters, which no scope can have, become U+FFFD."""
    quote = "'" if '"' in value and "'" not in value else '"'
    escapes = {**_ESCAPES, quote: "\\" + quote}
    text = "".join(escapes.get(c) or ("\N{REPLACEMENT CHARACTER}" if _CONTROL.match(c) else c)
                   for c in value)
    return f"{quote}{text}{quote}"


def scope_of(labels: Mapping[str, str]) -> str:
    """The labels that can be part of a scope, all of which must hold: host = "a" and job = "b".
    Left out are empty ones, and names that Sysdig could not read."""
    return " and ".join(f"{name} = {quoted(value)}" for name, value in sorted(labels.items())
                        if value and _NAME.fullmatch(name))


class Sysdig:
    per_row = False

    def __init__(self, api: str = "v2", scope: Mapping[str, str] | None = None,
                 severities: Mapping[str, int | str] | None = None,
                 severity_label: str = "severity", time_unit: str = ""):
        """scope: names in Sysdig, such as "host.hostName", and the label that each is taken from;
        None for all labels of the alert under their own names, {} for no scope.
        severities: beside SEVERITIES, in small letters. time_unit: of TIME_UNITS; "" for the API's.
        """
        self._path, self._scope_field, unit = \
            ("/api/v2/events", "scope", "ms") if api == "v2" else ("/api/events", "filter", "us")
        self._scope = scope
        self._severities = {**SEVERITIES, **(severities or {})}
        self._severity_label = severity_label
        self._per_second = TIME_UNITS[time_unit or unit]

    def request(self, event: AlertEvent, remote: str) -> Request:
        name = event.alert[:NAME_MOST] + (" resolved" if event.resolved else "")
        said: dict[str, Any] = {
            "name": name, "description": event.description(), "severity": self._severity(event),
            "tags": self._tags(event), "timestamp": event.time_ms * self._per_second // 1000}
        scope = scope_of(self._scope_labels(event))
        if scope:
            said[self._scope_field] = scope
        return Request("POST", self._path, {"event": said})

    def remote(self, event: AlertEvent, before: str, answer: bytes) -> str:
        return ""

    def _severity(self, event: AlertEvent) -> int | str:
        if event.resolved:
            return self._severities.get("resolved", SEVERITY_OF_RESOLVED)
        said = event.labels.get(self._severity_label, "").lower()
        return self._severities.get(said, self._severities.get("default", SEVERITY_OF_OTHERS))

    def _scope_labels(self, event: AlertEvent) -> dict[str, str]:
        labels = event.labels
        if self._scope is not None:
            return {name: labels.get(label, "") for name, label in self._scope.items()}
        return {name: value for name, value in labels.items()
                if name not in ("alertname", self._severity_label)}

    def _tags(self, event: AlertEvent) -> dict[str, str]:
        tags = {**event.labels, "alertjoin_episode": event.episode,
                "alertjoin_status": "resolved" if event.resolved else "triggered",
                "alertjoin_source": event.at.source, "alertjoin_revision": str(event.revision)}
        value = event.value()
        if value is not None:
            tags["alertjoin_value"] = repr(value)
        if event.resolved:
            tags["alertjoin_duration_seconds"] = event.lasted
        return tags
