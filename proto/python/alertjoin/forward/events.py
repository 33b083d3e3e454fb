"""What there is to tell: a transition with all its rows, or one row of it."""
from __future__ import annotations

import datetime
import hashlib
from typing import Iterable

from alertjoin.frames import match_name, series_name
from alertjoin.times import millis
from alertjoin.v1 import events_pb2, joined_row_pb2
from alertjoin.v1.joined_row_pb2 import JoinedRow

FIRING = events_pb2.ALERT_STATE_FIRING
RESOLVED = events_pb2.ALERT_STATE_RESOLVED
DELETE = joined_row_pb2.OPERATION_DELETE
UNNAMED = "alert"  # the name of an alert without the label alertname
TEXT_MOST = 8192  # characters of a description


def episode_key(row: JoinedRow) -> str:
    """Names the firing period that the row belongs to."""
    at = row.transition
    return f"{at.source}\0{at.fingerprint}\0{millis(at.starts_at)}"


def transition_key(row: JoinedRow) -> str:
    return f"{episode_key(row)}\0{row.transition.state}"


def short_id(key: str) -> str:
    """The same for the same key, always; fit for a tag."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def iso(milliseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def _number(value: float) -> str:
    return f"{value:.6g}"


def digest(rows: Iterable[JoinedRow]) -> str:
    """Equal for rows that say the same, whatever their revision and place in the order."""
    said = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.row_id):
        facts = JoinedRow(row_id=row.row_id, operation=row.operation, final=row.final,
                          transition=row.transition, query=row.query, match=row.match)
        said.update(facts.SerializeToString(deterministic=True))
    return said.hexdigest()


class AlertEvent:
    """One transition of an alert, as all its rows tell it. `episode` is the same for FIRING and
    RESOLVED, also when the start was amended between them."""

    def __init__(self, rows: Iterable[JoinedRow], episode: str):
        self.rows = sorted(rows, key=lambda row: (row.query.name, row.row_id))
        self.episode = episode
        self.at = self.rows[0].transition
        self.resolved = self.at.state == RESOLVED
        self.final = all(row.final for row in self.rows)
        self.revision = max(row.revision for row in self.rows)
        self.digest = digest(self.rows)

    @property
    def alert(self) -> str:
        return self.at.alert_name or UNNAMED

    @property
    def state(self) -> str:
        return "RESOLVED" if self.resolved else "FIRING"

    @property
    def time_ms(self) -> int:
        return millis(self.at.event_time)

    @property
    def starts_ms(self) -> int:
        return millis(self.at.starts_at)

    @property
    def lasted(self) -> str:
        """Seconds from the start to this transition, to the millisecond."""
        return f"{(self.time_ms - self.starts_ms) / 1000:.3f}".rstrip("0").rstrip(".")

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.at.labels)

    def value(self) -> float | None:
        """Of the alert's own rule, or of its only row."""
        own = [row for row in self.rows if row.query.comparison_operator] or self.rows
        return own[0].match.value if len(own) == 1 and own[0].match.HasField("value") else None

    def description(self) -> str:
        """What the annotations say, then a line for each row."""
        texts = [self.at.annotations[name] for name in ("summary", "description", "message")
                 if self.at.annotations.get(name)]
        lines = [f"RESOLVED at {iso(self.time_ms)} after {self.lasted} s" if self.resolved
                 else f"FIRING since {iso(self.starts_ms)}"]
        lines += [line for line in map(_row_line, self.rows) if line]
        if not self.final:
            lines.append("Provisional: a later sample may still change it.")
        text = "\n".join([*texts, *lines])
        return text if len(text) <= TEXT_MOST else text[:TEXT_MOST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _row_line(row: JoinedRow) -> str:
    """What a query said at that moment, or why it said nothing."""
    query, match = row.query, row.match
    if match.state == joined_row_pb2.MATCH_STATE_UNBOUND:
        return ""
    labels = dict(match.series_labels)
    name = series_name(labels) if "__name__" in labels else series_name(labels, query.name)
    if not match.HasField("value"):
        return f"{name}: no value ({match_name(match.state)})" + (f": {query.error}" if query.error else "")
    limit = f" ({query.comparison_operator} {_number(query.threshold)})" \
        if query.HasField("threshold") else ""
    return f"{name} = {_number(match.value)}{limit} at {iso(millis(match.sample_time))}"
