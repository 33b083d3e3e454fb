"""CloudEvents 1.0 as JSON (structured mode), for any webhook: one event for each row."""
from __future__ import annotations

import urllib.parse
from typing import Any

from google.protobuf import json_format

from alertjoin.forward.events import DELETE, AlertEvent, iso
from alertjoin.forward.request import Request


class CloudEvents:
    per_row = True

    def request(self, event: AlertEvent, remote: str) -> Request:
        """The data is the row, as grpcurl shows it: proto's JSON form."""
        row = event.rows[0]
        kind = "alertjoin.row.deleted" if row.operation == DELETE \
            else f"alertjoin.alert.{event.state.lower()}"
        body: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"{row.row_id}/{row.revision}",
            "source": "/alertjoin/" + urllib.parse.quote(event.at.source, safe=""),
            "type": kind,
            "subject": urllib.parse.quote(event.at.fingerprint),
            "time": iso(event.time_ms),
            "datacontenttype": "application/json",
            "episode": event.episode,
            "final": row.final,
            "sequence": str(row.sequence),
            "data": json_format.MessageToDict(row),
        }
        if event.at.traceparent:
            body["traceparent"] = event.at.traceparent
        return Request("POST", "", body, "application/cloudevents+json; charset=utf-8")

    def remote(self, event: AlertEvent, before: str, answer: bytes) -> str:
        return ""
