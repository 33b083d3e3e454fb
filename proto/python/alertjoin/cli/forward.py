"""alertjoin forward."""
from __future__ import annotations

import argparse
import signal
import sqlite3
import sys

from alertjoin.client import Client
from alertjoin.errors import AlertjoinError
from alertjoin.forward import Forwarder
from alertjoin.forward.dead_letters import DeadLetters
from alertjoin.forward.forwarder import Deliverer, DryRun, log_line
from alertjoin.forward.http import TOKEN_VARIABLE, Secret, Sender
from alertjoin.forward.metrics import Metrics, serve
from alertjoin.forward.options import TARGETS, Options, load
from alertjoin.forward.sysdig import TIME_UNITS
from alertjoin.forward.state import State


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f'expected NAME=VALUE, found "{text}"')
    return name, value


def _severity(text: str) -> tuple[str, int | str]:
    name, value = _pair(text)
    return name, int(value) if value.isdigit() else value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--config", default="", help="a TOML file with the names of these flags as keys (_ for -)")
    add("--target", choices=TARGETS, help="what to send to; webhook gets CloudEvents")
    add("--url", help="of Sysdig or Grafana without /api, or of the webhook itself")
    add("--token-file", help=f"of the bearer token, read for each request (or ${TOKEN_VARIABLE})")
    add("--header", dest="headers", action="append", type=_pair, metavar="NAME=VALUE",
        help="besides, such as SysdigTeamID=5; no secrets")
    add("--state-file", help="remembers where this was and what was sent")
    add("--dead-letter-file", help="of what was refused (default: STATE_FILE.dead-letters)")
    add("--dead-letter-bytes-max", type=int, help="of it and the one before it (default: 16 MiB)")
    add("--filter", help="matchers, such as severity=page")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--final-only", dest="all", action="store_const", const=False,
                       help="only what will not change any more (default)")
    which.add_argument("--all", action="store_const", const=True,
                       help="at once, and again with each change")
    add("--max-wait", help="send what is not final after so long all the same (default: never)")
    add("--since", help="how far the first run reaches back, such as 1d (default: not at all)")
    add("--timeout", help="of a connection and an answer (default: 10s)")
    add("--retry-first", help="first pause before another attempt (default: 1s)")
    add("--retry-max", help="longest one (default: 60s)")
    add("--metrics-address", help="host:port to serve /metrics at")
    add("--dry-run", action="store_const", const=True,
        help="print what would be sent as JSON lines, and note nothing")
    add("--once", action="store_const", const=True, help="end when all that there is was sent")
    sysdig = parser.add_argument_group("sysdig")
    sysdig.add_argument("--api", choices=["v1", "v2"], help="of the events (default: v2)")
    sysdig.add_argument("--time-unit", choices=list(TIME_UNITS),
                        help="of their times (default: ms for v2, us for v1)")
    sysdig.add_argument("--severity-label", help="(default: severity)")
    sysdig.add_argument("--severity", action="append", type=_severity, metavar="TEXT=0..7",
                        help="for a severity, or `default`, or `resolved`")
    sysdig.add_argument("--scope", action="append", type=_pair, metavar="NAME=LABEL",
                        help="as host.hostName=instance (default: all labels by their names)")
    sysdig.add_argument("--no-scope", dest="scope", action="store_const", const=[])
    grafana = parser.add_argument_group("grafana")
    grafana.add_argument("--dashboard-uid", help="only on this one (default: the organisation's)")
    grafana.add_argument("--panel-id", type=int)
    parser.set_defaults(run=run_forward)


def _options(arguments: argparse.Namespace) -> Options:
    names = Options.__dataclass_fields__.keys()
    flags = {name: value for name, value in vars(arguments).items() if name in names}
    for name in ("headers", "severity", "scope"):
        if flags[name] is not None:
            flags[name] = dict(flags[name])
    return load(arguments.config, flags)


def run_forward(client: Client, arguments: argparse.Namespace) -> int:
    options = _options(arguments)
    try:
        return _run(client, options)
    except (OSError, sqlite3.Error) as error:
        if options.dry_run:  # It has no files: what it prints is not taken.
            raise
        raise AlertjoinError("UNAVAILABLE", f"{error}: nothing more is sent; mend it and start "
                             "again, and it goes on where it was", "STATE_NOT_USABLE") from error


def _run(client: Client, options: Options) -> int:
    target = options.make_target()
    metrics = Metrics()
    # systemd and containers stop with it; what was sent is noted before, so this may be any moment.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if options.dry_run:
        deliverer: Deliverer = DryRun()
        state = State(":memory:", options.target, target.per_row)
        dead_letters = DeadLetters("", metrics)
    else:
        sender = Sender(options.url, Secret(options.token_file), log_line, metrics,
                        headers=options.headers, timeout=options.seconds("timeout"),
                        retry_first=options.seconds("retry_first"),
                        retry_most=options.seconds("retry_max"))
        deliverer = sender
        state = State(options.state_file, f"{options.target} {sender.place}", target.per_row)
        dead_letters = DeadLetters(options.dead_letter_file or options.state_file + ".dead-letters",
                                   metrics, options.dead_letter_bytes_max)
    server = serve(metrics, options.metrics_address) if options.metrics_address else None
    try:
        log_line("info", "forwarding", target=options.target, filter=options.filter,
                 metrics_port=server.server_port if server else None)
        Forwarder(client, options, target, deliverer, state, dead_letters, log_line, metrics).run()
    finally:
        state.close()
        if server is not None:
            server.shutdown()
    return 0
