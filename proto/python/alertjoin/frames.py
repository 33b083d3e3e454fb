"""Messages of the correlator as tidy pandas frames: one row for each joined row or sample, times in
UTC, one column for each label that was asked for, categories for states. No value is NA; NaN is a
value that the metric had."""
from __future__ import annotations

import collections
from typing import Any, Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from alertjoin.times import millis
from alertjoin.v1 import alerts_pb2, events_pb2, joined_row_pb2, samples_pb2

_STATES = ["FIRING", "RESOLVED"]
_ORIGINS = [name.removeprefix("ORIGIN_") for name in events_pb2.Origin.keys()]
_HEALTHS = [name.removeprefix("SOURCE_HEALTH_") for name in events_pb2.SourceHealth.keys()]
_MATCHES = ["MATCHED", "NO_SERIES", "NO_SAMPLE", "TOO_OLD", "STALE", "UNBOUND"]


def enum_name(enum: Any, prefix: str, number: int) -> str:
    """Without the prefix; of what only a newer correlator knows, the number."""
    value = enum.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix(prefix) if value else str(number)


def state_name(state: events_pb2.AlertState) -> str:
    return enum_name(events_pb2.AlertState, "ALERT_STATE_", state)


def match_name(state: joined_row_pb2.MatchState) -> str:
    return enum_name(joined_row_pb2.MatchState, "MATCH_STATE_", state)


def _times(values: Sequence[int | None]) -> pd.Series:
    times = pd.Series(pd.to_datetime(pd.array(values, dtype="Int64"), unit="ms", utc=True))
    return times.dt.as_unit("ms")


def _time(message, field: str) -> int | None:
    return millis(getattr(message, field)) if message.HasField(field) else None


def _optional(message, field: str) -> float | None:
    return getattr(message, field) if message.HasField(field) else None


def floats(values: Sequence[float | None]) -> pd.Series:
    """Where a value is missing it is NA; a NaN stays NaN."""
    present = np.array([value is not None for value in values], dtype=bool)
    filled = np.array([0.0 if value is None else value for value in values], dtype=float)
    return pd.Series(pd.arrays.FloatingArray(filled, ~present))


def _category(values: Sequence[str], categories: list[str]) -> pd.Series:
    """What is none of the categories, as what a newer correlator says, is NA."""
    known = [value if value in categories else None for value in values]
    return pd.Series(pd.Categorical(known, categories=categories))


def _span_ms(message, field: str) -> int | None:
    if not message.HasField(field):
        return None
    span = getattr(message, field)
    return span.seconds * 1000 + span.nanos // 10**6


def _spans(values: Sequence[int | None]) -> pd.Series:
    spans = pd.Series(pd.to_timedelta(pd.array(values, dtype="Int64"), unit="ms"))
    return spans.dt.as_unit("ms")


def _label_columns(labels: Iterable[str], taken: Iterable[str],
                   values: Callable[[str], Sequence[str]]) -> dict[str, pd.Series]:
    """A column for each label, by its name, or as label_<name> where that one is taken."""
    taken = set(taken)
    columns: dict[str, pd.Series] = {}
    for label in dict.fromkeys(labels):
        name = label
        while name in taken or name in columns:
            name = f"label_{name}"
        columns[name] = pd.Series(values(label), dtype=str)
    return columns


def joined_frame(rows: Iterable[joined_row_pb2.JoinedRow], labels: Sequence[str] = (), *,
                 of_alert: bool = False) -> pd.DataFrame:
    """of_alert: the labels are the alert's, also where the series has others of that name."""
    rows = list(rows)
    transitions = [row.transition for row in rows]
    matches = [row.match for row in rows]
    queries = [row.query for row in rows]
    columns = {
        "event_time": _times([millis(t.event_time) for t in transitions]),
        "state": _category([state_name(t.state) for t in transitions], _STATES),
        "alert": pd.Series([t.alert_name for t in transitions], dtype=str),
        "job": pd.Series([t.job for t in transitions], dtype=str),
        "instance": pd.Series([t.instance for t in transitions], dtype=str),
        "query": pd.Series([q.name for q in queries], dtype=str),
        "value": floats([_optional(m, "value") for m in matches]),
        "operator": pd.Series([q.comparison_operator for q in queries], dtype=str),
        "threshold": floats([_optional(q, "threshold") for q in queries]),
        "reported_value": floats([_optional(t, "reported_value") for t in transitions]),
        "match": _category([match_name(m.state) for m in matches], _MATCHES),
        "sample_time": _times([_time(m, "sample_time") for m in matches]),
        "final": pd.Series([row.final for row in rows], dtype=bool),
        "revision": pd.Series([row.revision for row in rows], dtype="int64"),
        "starts_at": _times([millis(t.starts_at) for t in transitions]),
        "ends_at": _times([_time(t, "ends_at") for t in transitions]),
        "duration": _spans([_span_ms(t, "duration") for t in transitions]),
        "source": pd.Series([t.source for t in transitions], dtype=str),
        "fingerprint": pd.Series([t.fingerprint for t in transitions], dtype=str),
        "metrics_source": pd.Series([q.source for q in queries], dtype=str),
    }
    columns |= _label_columns(labels, [*columns, "row_id"], lambda label: [
        row.transition.labels.get(label, "") if of_alert else _label(row, label) for row in rows])
    frame = pd.DataFrame(columns)
    frame.index = pd.Index([row.row_id for row in rows], name="row_id", dtype=str)
    return frame


def _label(row: joined_row_pb2.JoinedRow, name: str) -> str:
    """Of the series, else of the alert."""
    return row.match.series_labels.get(name) or row.transition.labels.get(name, "")


def samples_frame(series: Iterable[samples_pb2.SeriesSamples],
                  labels: Sequence[str] | None = None) -> pd.DataFrame:
    """`labels` None: all that any of the series has."""
    series = list(series)
    if labels is None:
        labels = sorted({name for one in series for name in one.series.labels})
    counts = [len(one.samples) for one in series]

    def repeated(values: list[str]) -> Any:
        return np.repeat(np.array(values, dtype=object), counts)

    samples = [sample for one in series for sample in one.samples]
    columns = {
        "time": _times([millis(sample.time) for sample in samples]),
        "value": floats([_optional(sample, "value") for sample in samples]),
        "query": pd.Series(repeated([one.series.query.name for one in series]), dtype=str),
        "source": pd.Series(repeated([one.series.query.source for one in series]), dtype=str),
    }
    columns |= _label_columns(labels, columns, lambda label: repeated(
        [one.series.labels.get(label, "") for one in series]))
    return pd.DataFrame(columns)


def as_of_frame(results: Iterable[samples_pb2.AsOfResult],
                labels: Sequence[str] | None = None) -> pd.DataFrame:
    results = list(results)
    if labels is None:
        labels = sorted({name for one in results for name in one.series.labels})
    columns = {
        "value": floats([_optional(one.match, "value") for one in results]),
        "match": _category([match_name(one.match.state) for one in results], _MATCHES),
        "sample_time": _times([_time(one.match, "sample_time") for one in results]),
        "next_value": floats([_optional(one.match, "next_value") for one in results]),
        "final": pd.Series([one.final for one in results], dtype=bool),
        "query": pd.Series([one.series.query.name for one in results], dtype=str),
        "source": pd.Series([one.series.query.source for one in results], dtype=str),
    }
    columns |= _label_columns(labels, columns, lambda label: [
        one.series.labels.get(label, "") for one in results])
    return pd.DataFrame(columns)


def series_name(labels: dict[str, str], metric: str = "") -> str:
    """As Prometheus writes it: metric{a="b"}."""
    name = labels.get("__name__", metric)
    pairs = ",".join(f'{key}="{_escape(value)}"' for key, value in sorted(labels.items())
                     if key != "__name__")
    return f"{name}{{{pairs}}}" if pairs else name


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _wide_names(series: Iterable[samples_pb2.Series]) -> list[str]:
    """Of equal names each says more: its query, where it has no metric; its source; its query."""
    def with_query(one: samples_pb2.Series) -> str:
        return series_name(dict(one.labels), one.query.name)

    series = list(series)
    names = [series_name(dict(one.labels)) for one in series]
    more: tuple[Callable[[samples_pb2.Series], str], ...] = (
        with_query, lambda one: f"{with_query(one)} ({one.query.source})",
        lambda one: f"{with_query(one)} ({one.query.source}, {one.query.name})")
    for name_of in more:
        counts = collections.Counter(names)
        names = [name if counts[name] == 1 else name_of(one) for name, one in zip(names, series)]
    return names


def wide_frame(series: Iterable[samples_pb2.SeriesSamples]) -> pd.DataFrame:
    """A column for each series, named as prometheus-pandas names it; times as index. Series that
    would have the same name have their query or their source in it, too."""
    series = list(series)
    columns = {}
    for one, name in zip(series, _wide_names(one.series for one in series)):
        times = pd.to_datetime([millis(s.time) for s in one.samples], unit="ms", utc=True)
        values = [s.value if s.HasField("value") else None for s in one.samples]
        columns[name] = pd.Series(floats(values).array, index=times)
    frame = pd.DataFrame(columns).sort_index()
    frame.index.name = "time"
    return frame


def summary_frame(summaries: Iterable[samples_pb2.SampleSummary],
                  labels: Sequence[str] | None = None) -> pd.DataFrame:
    summaries = list(summaries)
    if labels is None:
        labels = sorted({name for one in summaries for name in one.series.labels})
    pairs = [(one, figures) for one in summaries for figures in one.statistics]
    columns: dict[str, pd.Series] = {
        "start": _times([millis(figures.start) for _, figures in pairs]),
        "end": _times([millis(figures.end) for _, figures in pairs]),
        "count": pd.Series([figures.count for _, figures in pairs], dtype="int64"),
        "nan_count": pd.Series([figures.nan_count for _, figures in pairs], dtype="int64"),
    }
    for name in ("min", "max", "mean", "last", "ema"):
        columns[name] = floats([_optional(figures, name) for _, figures in pairs])
    columns["query"] = pd.Series([one.series.query.name for one, _ in pairs], dtype=str)
    columns["source"] = pd.Series([one.series.query.source for one, _ in pairs], dtype=str)
    columns |= _label_columns(labels, columns, lambda label: [
        one.series.labels.get(label, "") for one, _ in pairs])
    return pd.DataFrame(columns)


def firing_intervals(joined: pd.DataFrame) -> pd.DataFrame:
    """One row for each episode, from a frame of joined rows; with its labels, which are behind the
    columns that every such frame has."""
    episode = ["source", "fingerprint", "starts_at"]
    labels = joined.columns[joined.columns.get_loc("metrics_source") + 1:]
    kept = [*episode, "ends_at", "alert", "job", "instance", *labels]
    # RESOLVED rows know the end; FIRING ones come first in the order of the alphabet.
    last = joined.sort_values("state").groupby(episode, observed=True, sort=False).tail(1)
    intervals = last[kept].sort_values("starts_at", ascending=False).reset_index(drop=True)
    intervals["duration"] = intervals["ends_at"] - intervals["starts_at"]
    return intervals


def alerts_frame(alerts: Iterable[alerts_pb2.Alert], labels: Sequence[str] = ()) -> pd.DataFrame:
    """One row for each episode; `ends_at` is NaT while it lasts."""
    alerts = list(alerts)
    transitions = [alert.transition for alert in alerts]
    columns = {
        "starts_at": _times([millis(t.starts_at) for t in transitions]),
        "ends_at": _times([_time(t, "ends_at") for t in transitions]),
        "duration": _spans([_span_ms(t, "duration") for t in transitions]),
        "state": _category([state_name(t.state) for t in transitions], _STATES),
        "alert": pd.Series([t.alert_name for t in transitions], dtype=str),
        "job": pd.Series([t.job for t in transitions], dtype=str),
        "instance": pd.Series([t.instance for t in transitions], dtype=str),
        "active_at": _times([_time(t, "active_at") for t in transitions]),
        "source": pd.Series([t.source for t in transitions], dtype=str),
        "origin": _category([enum_name(events_pb2.Origin, "ORIGIN_", t.origin)
                             for t in transitions], _ORIGINS),
        "fingerprint": pd.Series([t.fingerprint for t in transitions], dtype=str),
        "received_time": _times([_time(alert, "received_time") for alert in alerts]),
    }
    columns |= _label_columns(labels, [*columns, "alert_id"], lambda label: [
        t.labels.get(label, "") for t in transitions])
    frame = pd.DataFrame(columns)
    frame.index = pd.Index([alert.alert_id for alert in alerts], name="alert_id", dtype=str)
    return frame


def _group_frame(summaries: Sequence[alerts_pb2.AlertSummary], labels: Sequence[str] | None,
                 figures: dict[str, pd.Series]) -> pd.DataFrame:
    """The labels of the groups, and their figures behind them."""
    if labels is None:
        labels = sorted({name for one in summaries for name in one.labels})
    columns = _label_columns(labels, figures, lambda label: [
        one.labels.get(label, "") for one in summaries])
    return pd.DataFrame({**columns, **figures})


def alert_summary_frame(summaries: Iterable[alerts_pb2.AlertSummary],
                        labels: Sequence[str] | None = None) -> pd.DataFrame:
    """One row for each group of alerts. `labels` None: all that any group has."""
    summaries = list(summaries)
    columns: dict[str, pd.Series] = {}
    for name in ("alerts", "episodes", "firing", "flaps"):
        columns[name] = pd.Series([getattr(one, name) for one in summaries], dtype="int64")
    for name in ("firing_time", "mean_firing_time"):
        columns[name] = _spans([_span_ms(one, name) for one in summaries])
    columns["last_state"] = _category([state_name(one.last_state) for one in summaries], _STATES)
    columns["last_event_time"] = _times([_time(one, "last_event_time") for one in summaries])
    return _group_frame(summaries, labels, columns)


def alert_bucket_frame(summaries: Iterable[alerts_pb2.AlertSummary],
                       labels: Sequence[str] | None = None) -> pd.DataFrame:
    """One row for each group and each bucket in which something of it fired."""
    pairs = [(one, bucket) for one in summaries for bucket in one.buckets]
    columns = {"start": _times([millis(bucket.start) for _, bucket in pairs])}
    for name in ("fired", "resolved"):
        columns[name] = pd.Series([getattr(bucket, name) for _, bucket in pairs], dtype="int64")
    columns["firing_time"] = _spans([_span_ms(bucket, "firing_time") or 0 for _, bucket in pairs])
    return _group_frame([one for one, _ in pairs], labels, columns)


def sources_frame(sources: Iterable[events_pb2.SourceStatus]) -> pd.DataFrame:
    """One row for each source and each producer that reads it."""
    sources = list(sources)
    kinds = [enum_name(events_pb2.SourceStatus.Kind, "KIND_", one.kind) for one in sources]
    healths = [enum_name(events_pb2.SourceHealth, "SOURCE_HEALTH_", one.health)
               for one in sources]
    return pd.DataFrame({
        "source": pd.Series([one.source for one in sources], dtype=str),
        "kind": _category(kinds, ["METRICS", "ALERTS"]),
        "producer": pd.Series([one.producer_id for one in sources], dtype=str),
        "health": _category(healths, _HEALTHS),
        "time": _times([_time(one, "time") for one in sources]),
        "last_error": pd.Series([one.last_error for one in sources], dtype=str),
        "last_error_time": _times([_time(one, "last_error_time") for one in sources]),
        "description": pd.Series([one.description for one in sources], dtype=str),
    })
