"""Annotations of Grafana: one for each firing period, from its start to its end."""
from __future__ import annotations

import html
import json
from typing import Any

from alertjoin.forward.events import AlertEvent
from alertjoin.forward.request import Request

_PATH = "/api/annotations"
TAG_MOST = 100  # characters that Grafana keeps of either half of a tag
_DONE = ":done"


class Grafana:
    """`remote` of an episode is the annotation's id, with `:done` behind it once it has an end."""
    per_row = False

    def __init__(self, dashboard_uid: str = "", panel_id: int | None = None):
        """dashboard_uid, panel_id: None and "" for annotations of the whole organisation, which any
        dashboard shows that asks for the tag `alertjoin`."""
        self._place: dict[str, Any] = {}
        if dashboard_uid:
            self._place["dashboardUID"] = dashboard_uid
        if panel_id is not None:
            self._place["panelId"] = panel_id

    def request(self, event: AlertEvent, remote: str) -> Request | None:
        identity = remote.removesuffix(_DONE)
        if remote.endswith(_DONE) and not event.resolved:
            return None  # The end has been told already, with the start.
        body: dict[str, Any] = {"text": self._text(event), "tags": self._tags(event)}
        if event.resolved:
            body["timeEnd"] = event.time_ms
        body["time"] = event.starts_ms
        if identity:
            return Request("PATCH", f"{_PATH}/{identity}", body)
        return Request("POST", _PATH, {**self._place, **body})

    def remote(self, event: AlertEvent, before: str, answer: bytes) -> str:
        identity = before.removesuffix(_DONE) or _identity(answer)
        done = event.resolved or before.endswith(_DONE)
        return identity + _DONE if identity and done else identity

    @staticmethod
    def _text(event: AlertEvent) -> str:
        """Grafana shows it as HTML."""
        return f"<b>{html.escape(event.alert)}</b>\n{html.escape(event.description())}"

    @staticmethod
    def _tags(event: AlertEvent) -> list[str]:
        """Grafana reads name:value, the name up to the first colon."""
        labels = {"alertname": event.alert, **event.labels}
        tags = [f"{name.replace(':', '_')[:TAG_MOST]}:{value[:TAG_MOST]}"
                for name, value in sorted(labels.items()) if value]
        return ["alertjoin", *tags, f"alertjoin_episode:{event.episode}"]


def _identity(answer: bytes) -> str:
    try:
        identity = json.loads(answer).get("id")
    except (ValueError, AttributeError):
        return ""
    return str(identity) if isinstance(identity, int) else ""
