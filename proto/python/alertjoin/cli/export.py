"""Rows and samples as files."""
from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import os
import shutil
import sys
from typing import Any, Callable, Iterator, TextIO

import pandas as pd

from alertjoin import frames
from alertjoin.cli.tail import visible
from alertjoin.client import Client

_ROWS_AT_ONCE = 10_000


def _visible(frame: pd.DataFrame) -> pd.DataFrame:
    columns = {name: column.map(visible, na_action="ignore")
               if pd.api.types.is_string_dtype(column) else column
               for name, column in frame.items()}
    # Two names may look the same by then, so they come last.
    return pd.DataFrame(columns).set_axis([visible(name) for name in columns], axis="columns")


def run_as_of(client: Client, options: argparse.Namespace) -> int:
    frame = client.as_of(options.query, options.time, filter=options.filter)
    if frame.empty:
        print(f'alertjoin: no series of "{options.query}" is known', file=sys.stderr)
        return 1
    print(_visible(frame).to_string(index=False))
    return 0


def _joined(client: Client, options: argparse.Namespace) -> Iterator[pd.DataFrame]:
    rows = client.joined_rows(filter=options.filter, state=options.state, query=options.query,
                              final_only=options.final, since=options.since, until=options.until,
                              progress=_progress("rows"))
    return _in_parts(rows, frames.joined_frame, options)


def _alerts(client: Client, options: argparse.Namespace) -> Iterator[pd.DataFrame]:
    alerts = client.alert_messages(filter=options.filter, state=options.state, since=options.since,
                                   until=options.until, progress=_progress("alerts"))
    return _in_parts(alerts, frames.alerts_frame, options)


def _in_parts(messages: Iterator[Any], frame: Callable[..., pd.DataFrame],
              options: argparse.Namespace) -> Iterator[pd.DataFrame]:
    """Frame by frame, so that memory does not grow with the number of messages."""
    while True:
        part = list(itertools.islice(messages, _ROWS_AT_ONCE))
        yield frame(part, options.label).reset_index()
        if len(part) < _ROWS_AT_ONCE:
            return


def _samples(client: Client, options: argparse.Namespace) -> Iterator[pd.DataFrame]:
    yield client.samples(options.query, filter=options.filter, since=options.since,
                         until=options.until, labels=options.label or None,
                         progress=_progress("samples"))


def _progress(what: str) -> Any:
    if not sys.stderr.isatty():
        return None
    return lambda count: print(f"\r{count} {what}", end="", file=sys.stderr, flush=True)


class _Lines:
    """Ends lines of CSV with \\n that csv ends with \\r\\n. It has to take \\r for a part of the end
    to put values with it into quotes, before Python 3.13. On a terminal nothing in them moves the
    cursor; elsewhere they stay as they are."""

    def __init__(self, file: TextIO):
        self._file = file
        self._text: Callable[[str], str] = visible if file.isatty() else str

    def write(self, line: str) -> int:
        return self._file.write(self._text(line.removesuffix("\r\n")) + "\n")


def _json_value(value: Any) -> Any:
    """Numbers as over HTTP: all their digits, and as text what JSON has no number for."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, pd.Timestamp):
        return value.tz_localize(None).isoformat(timespec="milliseconds") + "Z"
    return value.isoformat() if isinstance(value, pd.Timedelta) else value


def _write_json(part: pd.DataFrame, file: TextIO) -> None:
    columns = [[None if missing else _json_value(value)
                for value, missing in zip(column, column.isna())] for _, column in part.items()]
    for values in zip(*columns):
        file.write(json.dumps(dict(zip(part.columns, values)), allow_nan=False) + "\n")


def _write_text(parts: Iterator[pd.DataFrame], file: TextIO, ndjson: bool) -> int:
    count = 0
    for part in parts:
        if ndjson:
            _write_json(part, file)
        else:
            part.to_csv(_Lines(file), index=False, header=count == 0, lineterminator="\r\n",
                        date_format="%Y-%m-%dT%H:%M:%S.%fZ")
        count += len(part)
    return count


@contextlib.contextmanager
def _replacing(name: str) -> Iterator[str]:
    """The name of a file to write, which takes the place of this one once it is whole. What is no
    regular file, such as a pipe, is written itself."""
    if os.path.exists(name) and not os.path.isfile(name):
        yield name
        return
    name = os.path.realpath(name)  # Where it is a link, it stays one.
    part = name + ".part"
    try:
        open(part, "wb").close()
        if os.path.exists(name):
            shutil.copymode(name, part)
        yield part
        os.replace(part, name)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


_READERS = {"joined": _joined, "alerts": _alerts, "samples": _samples}
# The flags by which not every table can be narrowed down, and the tables that can.
_TABLES_WITH = {"state": ("joined", "alerts"), "query": ("joined", "samples"), "final": ("joined",)}


def _refuse_what_has_no_effect(options: argparse.Namespace) -> None:
    """A file with more in it than was asked for would be taken for what was asked for."""
    for flag, tables in _TABLES_WITH.items():
        if getattr(options, flag) and options.what not in tables:
            raise ValueError(f"export {options.what} has no --{flag}: "
                             f"only {' and '.join(tables)} can be selected by it")


def run_export(client: Client, options: argparse.Namespace) -> int:
    _refuse_what_has_no_effect(options)
    parts = _READERS[options.what](client, options)
    name = options.file
    if name == "-":
        count = _write_text(parts, sys.stdout, False)
    elif name.endswith((".csv", ".ndjson")):
        with _replacing(name) as path, open(path, "w", encoding="utf-8", newline="") as file:
            count = _write_text(parts, file, name.endswith(".ndjson"))
    elif name.endswith(".parquet"):
        frame = pd.concat(list(parts), ignore_index=True)
        try:
            with _replacing(name) as path:
                frame.to_parquet(path, index=False)
        except ImportError as error:
            raise ValueError("Parquet needs pyarrow: pip install 'alertjoin[parquet]'") from error
        count = len(frame)
    else:
        raise ValueError(f'"{name}" ends in none of .csv, .ndjson, .parquet')
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    what = "rows" if options.what == "joined" else options.what
    print(f"{count} {what} written to {name}", file=sys.stderr)
    return 0
