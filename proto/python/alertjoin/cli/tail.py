"""Rows as lines for people."""
from __future__ import annotations

import argparse
import sys

from alertjoin.client import Client
from alertjoin.errors import AlertjoinError
from alertjoin.frames import match_name, state_name
from alertjoin.times import millis
from alertjoin.v1 import joined_row_pb2

HEADER = ("TIME (UTC)", "STATE", "ALERT", "INSTANCE", "QUERY", "VALUE", "THRESHOLD", "AGE", "REV",
          "FINAL")
_WIDTHS = (23, 8, 24, 22, 34, 11, 11, 8, 3, 5)
_COLORS = {"FIRING": "\033[31m", "RESOLVED": "\033[32m"}


def _number(value: float) -> str:
    return f"{value:.6g}"


def cells(row: joined_row_pb2.JoinedRow) -> tuple[str, ...]:
    transition, match, query = row.transition, row.match, row.query
    value = (_number(match.value) if match.HasField("value")
             else match_name(match.state))
    threshold = f"{query.comparison_operator} {_number(query.threshold)}" \
        if query.HasField("threshold") else query.comparison_operator
    age = f"{match.sample_age.seconds + match.sample_age.nanos / 1e9:.3f}s" \
        if match.HasField("sample_age") else "-"
    time = transition.event_time.ToDatetime().isoformat(" ", "milliseconds")
    return (time, state_name(transition.state), transition.alert_name or "-",
            transition.instance or "-", query.name or "-", value, threshold or "-",
            age, str(row.revision), "yes" if row.final else "no")


def visible(text: str, width: int | None = None) -> str:
    """Labels are anybody's text: nothing in them moves the cursor, and where there is a width they
    do not push the rest away."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    if width is None or len(text) <= width:
        return text
    return text[:width - 1] + "\N{HORIZONTAL ELLIPSIS}"


def line(texts: tuple[str, ...], color: str = "") -> str:
    padded = "  ".join(visible(text, width).ljust(width) for text, width in zip(texts, _WIDTHS))
    return f"{color}{padded.rstrip()}\033[0m" if color else padded.rstrip()


def _print(row: joined_row_pb2.JoinedRow, colored: bool) -> None:
    texts = cells(row)
    print(line(texts, _COLORS.get(texts[1], "") if colored else ""), flush=True)


def _colored(options: argparse.Namespace) -> bool:
    return sys.stdout.isatty() and not options.no_color


def run_tail(client: Client, options: argparse.Namespace) -> int:
    colored = _colored(options)
    told: set[str] = set()  # of what is wrong now

    def broken(error: AlertjoinError) -> None:
        if str(error) not in told:
            print(f"alertjoin: {error}: is tried again", file=sys.stderr, flush=True)
        told.add(str(error))

    print(line(HEADER), flush=True)
    for message in client.subscribe(filter=options.filter, state=options.state,
                                    query=options.query, final_only=options.final,
                                    since=options.since, broken=broken):
        told.clear()
        if message.kind == "reset":
            print("alertjoin: the correlator forgot where this was: all rows come again",
                  file=sys.stderr)
        for row in sorted(message.rows, key=lambda row: millis(row.transition.event_time)):
            if row.operation == joined_row_pb2.OPERATION_UPSERT:
                _print(row, colored)
    return 0


def run_list(client: Client, options: argparse.Namespace) -> int:
    colored = _colored(options)
    print(line(HEADER))
    for row in client.joined_rows(filter=options.filter, state=options.state, query=options.query,
                                  final_only=options.final, since=options.since,
                                  until=options.until, limit=options.limit):
        _print(row, colored)
    return 0
