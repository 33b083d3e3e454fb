"""Times as people write them."""
from __future__ import annotations

import datetime
import math
import numbers
import re

import pandas as pd
from google.protobuf import duration_pb2, timestamp_pb2

Time = "str | int | float | datetime.datetime | pd.Timestamp"

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
# Seconds up to the year 5138; beyond, a number is taken for milliseconds.
_SECONDS_MOST = 1e11
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
# So many digits are a date of ISO 8601: 2026, 20260301, 202603011030 or 20260301103015.
_DIGITS_OF_DATES = (4, 8, 12, 14)


def parse_duration(text) -> datetime.timedelta:
    """A Prometheus duration ("1h30m"), seconds as a number, or a timedelta."""
    if isinstance(text, datetime.timedelta):
        return text
    if isinstance(text, numbers.Real):  # A timedelta takes none of NumPy's integers.
        return datetime.timedelta(seconds=float(text))
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        raise ValueError(f'expected a duration such as "90s" or "1h30m", found "{text}"')
    return datetime.timedelta(seconds=sum(int(n) * _UNITS[u] for n, u in parts))


def _number(time) -> float | None:
    """Of a number of any kind, NumPy's too, or of a text that is one; None of anything else."""
    if isinstance(time, numbers.Real) and not isinstance(time, bool):
        return float(time)
    if not isinstance(time, str) or not _NUMBER.fullmatch(time):
        return None
    return None if time.isdigit() and len(time) in _DIGITS_OF_DATES else float(time)


def parse_time(time, now: datetime.datetime | None = None) -> pd.Timestamp:
    """A time in UTC: "now", "now-30d", RFC 3339, seconds or milliseconds since 1970 (as a text,
    too), a datetime (one without a zone is taken for UTC)."""
    number = _number(time)
    if number is not None:
        if not math.isfinite(number):
            raise ValueError(f'expected a time, found "{time}"')
        # A float of seconds is exact to less than a microsecond, and no further.
        micros = number * 1e3 if abs(number) > _SECONDS_MOST else number * 1e6
        return pd.Timestamp(round(micros), unit="us", tz="UTC")
    if isinstance(time, str) and time.startswith("now"):
        moment = pd.Timestamp(now or datetime.datetime.now(datetime.timezone.utc))
        if time == "now":
            return moment
        if time[3] not in "+-":
            raise ValueError(f'expected a time such as "now-30d", found "{time}"')
        span = parse_duration(time[4:])
        return moment - span if time[3] == "-" else moment + span
    try:
        moment = pd.Timestamp(time)
    except (ValueError, TypeError) as error:
        raise ValueError(f'expected "now-30d", RFC 3339 or seconds since 1970, found "{time}"') \
            from error
    if moment is pd.NaT:
        raise ValueError(f'expected a time, found "{time}"')
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def to_proto(time) -> timestamp_pb2.Timestamp | None:
    if time is None:
        return None
    nanos = parse_time(time).as_unit("ns").value
    return timestamp_pb2.Timestamp(seconds=nanos // 10**9, nanos=nanos % 10**9)


def to_proto_duration(span) -> duration_pb2.Duration | None:
    if span is None:
        return None
    proto = duration_pb2.Duration()
    proto.FromTimedelta(parse_duration(span))
    return proto


def millis(time: timestamp_pb2.Timestamp) -> int:
    return time.seconds * 1000 + time.nanos // 10**6
