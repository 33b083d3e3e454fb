"""The command line: alertjoin tail | list | as-of | export | forward."""
from __future__ import annotations

import argparse
import os
import sys

import grpc

from alertjoin.cli import export, forward, tail
from alertjoin.client import DEFAULT_ADDRESS, Client, connect
from alertjoin.errors import AlertjoinError
from alertjoin.security import tls


def _rows(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--filter", default="", help="matchers, such as severity=page")
    parser.add_argument("--state", type=str.upper, choices=["FIRING", "RESOLVED"])
    parser.add_argument("--query", default="", help="only rows of the query with this name")
    parser.add_argument("--final", action="store_true", help="only what will not change any more")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alertjoin", description="What were the metrics at the moment this alert fired?")
    parser.add_argument("--address", default=os.environ.get("ALERTJOIN_ADDRESS", DEFAULT_ADDRESS),
                        help="of the correlator (default: $ALERTJOIN_ADDRESS or %(default)s)")
    secure = parser.add_argument_group("a correlator with TLS")
    secure.add_argument("--tls", action="store_true", help="speak TLS (as with any of the next)")
    secure.add_argument("--ca-file", default="", help="its authority (default: the machine's)")
    secure.add_argument("--cert-file", default="", help="this client's certificate")
    secure.add_argument("--key-file", default="", help="and its key")
    secure.add_argument("--credentials-file", default="", help="a bearer token")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("tail", help="print rows as they happen, until Ctrl-C")
    _rows(command)
    command.add_argument("--since", default="1h", help="print the rows of so long ago first")
    command.add_argument("--no-color", action="store_true")
    command.set_defaults(run=tail.run_tail)

    command = commands.add_parser("list", help="print the rows that there are")
    _rows(command)
    command.add_argument("--since", default="now-1d", help="such as now-30d, or RFC 3339")
    command.add_argument("--until")
    command.add_argument("--limit", type=int, default=100)
    command.add_argument("--no-color", action="store_true")
    command.set_defaults(run=tail.run_list)

    command = commands.add_parser("as-of", help="what a query said at a moment")
    command.add_argument("query")
    command.add_argument("time", nargs="?", default="now")
    command.add_argument("--filter", default="", help="matchers on the labels of the series")
    command.set_defaults(run=export.run_as_of)

    command = commands.add_parser("export", help="write rows, alerts or samples to a file")
    command.add_argument("what", choices=["joined", "alerts", "samples"])
    command.add_argument("file", help="*.csv, *.ndjson or *.parquet; - for CSV on standard output")
    _rows(command)
    command.add_argument("--since", help="such as now-30d, or RFC 3339")
    command.add_argument("--until")
    command.add_argument("--label", action="append", default=[], help="as a column; may be repeated")
    command.set_defaults(run=export.run_export)

    command = commands.add_parser(
        "forward", help="send alerts with their values to Sysdig, Grafana or a webhook")
    forward.add_arguments(command)
    return parser


def _credentials(options: argparse.Namespace) -> grpc.ChannelCredentials | None:
    files = (options.ca_file, options.cert_file, options.key_file, options.credentials_file)
    return tls(*files) if options.tls or any(files) else None


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        client: Client
        with connect(options.address, credentials=_credentials(options)) as client:
            return options.run(client, options)
    except AlertjoinError as error:
        print(f"alertjoin: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"alertjoin: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"alertjoin: {place}{error.strerror or error}", file=sys.stderr)
        return 1
