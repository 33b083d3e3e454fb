"""Builds alertjoin, starts the whole path and prints joined rows as they happen."""
import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import sys
import time

import grpc

from client import Subscription, load_api, open_channel
from process import Child, ProcessDied, stop_all
from stack import PREFERRED_PORTS, Stack, StackError, serves_page
from table import DELETE, RESOLVED, Table, shows_difference

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SILENCE_SECONDS_MAX = 120

EPILOG = """\
exit status:
  0    what --rows or --seconds asked for was reached (with --seconds: at least one row came)
  1    a process ended by itself, or rows did not come
  2    wrong arguments
  130  stopped by Ctrl-C (143 by SIGTERM, 129 by SIGHUP)
"""


class Stopped(BaseException):
    """A signal asked the demo to end. Not an Exception, so that nothing else swallows it."""

    def __init__(self, signal_number):
        super().__init__(signal_number)
        self.signal_number = signal_number


class DemoFailed(Exception):
    """The demo cannot go on. The message says why."""


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_on_signals():
    """Turns the first of these signals into Stopped and ignores those that follow."""
    def stop(signal_number, _):
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped(signal_number)

    for number in SIGNALS:
        signal.signal(number, stop)


@contextlib.contextmanager
def signals_held():
    """Lets them wait: for what an exception from nowhere would leave locked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def parse_arguments():
    def positive(text):
        number = int(text)
        if number < 1:
            raise ValueError
        return number

    parser = argparse.ArgumentParser(
        prog="deploy/demo", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=positive, metavar="N",
                        help="end when N rows, FIRING and (from 2 on) RESOLVED ones, are printed")
    parser.add_argument("--seconds", type=positive, metavar="N",
                        help="end N seconds after the start of the processes")
    parser.add_argument("--binaries", metavar="DIR",
                        help="use the services in this CMake build folder and build nothing")
    return parser.parse_args()


def build():
    """Builds both services as users run them. Returns the build folder."""
    say("Building the services (the first time takes some minutes) ...")
    for command in (["cmake", "--preset", "release"],
                    ["cmake", "--build", "--preset", "release",
                     "--target", "ingest-service", "correlator-service"]):
        child = Child("the build", command, directory=REPOSITORY)
        try:
            if child.result() != 0:
                raise DemoFailed(f"{' '.join(command)} failed")
        finally:
            stop_all([child])
    return REPOSITORY / "build" / "release"


def introduce(stack):
    at = stack.addresses
    page = f"http://{at['correlator_http']}/"
    if not serves_page(at["correlator_http"]):
        page = "not in this build (it needs nodejs and npm, and the network when it is built)"
    say(f"""
The live page       {page}

Prometheus          http://{at['prometheus']}/alerts
Alertmanager        http://{at['alertmanager']}
demo target         http://{at['target']}/metrics
ingest-service      http://{at['ingest_http']}/metrics
correlator-service  http://{at['correlator_http']}/metrics, gRPC at {at['correlator_grpc']}

In another terminal:
  grpcurl -plaintext {at['correlator_grpc']} alertjoin.v1.CorrelatorService/SubscribeJoinedRows

Ctrl-C ends it. The first alert fires within half a minute. VALUE is what the query gave at TIME,
the moment of the change; $value SENT is what the notification claimed: on RESOLVED rows that is
still the last firing value.
""")


class Printer:
    """Prints every revision of every row and keeps the newest."""

    def __init__(self):
        terminal = sys.stdout.isatty()
        columns = shutil.get_terminal_size((160, 24)).columns if terminal else 160
        self._table = Table(columns, colours=terminal and "NO_COLOR" not in os.environ)
        self._heading_printed = False
        self.rows = {}

    def print(self, rows):
        if not self._heading_printed:
            print(self._table.heading())
            self._heading_printed = True
        for row in rows:
            print(self._table.line(row), flush=True)
            if row.operation == DELETE:
                self.rows.pop(row.row_id, None)
            else:
                self.rows[row.row_id] = row

    def states(self):
        return {row.transition.state for row in self.rows.values()}

    def has(self, rows_wanted):
        return len(self.rows) >= rows_wanted and len(self.states()) >= min(2, rows_wanted)

    def summary(self):
        resolved = [row for row in self.rows.values() if row.transition.state == RESOLVED]
        other = sum(shows_difference(row) for row in resolved)
        return (f"{len(self.rows)} rows, {len(resolved)} of them RESOLVED. In {other} of these the "
                "notification's $value was not the value at that moment.")


def follow(stack, subscription, printer, rows_wanted, seconds):
    """Prints rows until one of the limits is reached."""
    started = last_news = time.monotonic()
    while True:
        now = time.monotonic()
        if rows_wanted and printer.has(rows_wanted):
            return
        if seconds and now - started >= seconds:
            if not printer.rows:
                raise DemoFailed(f"no row came within {seconds} s")
            if rows_wanted:
                raise DemoFailed(f"{rows_wanted} rows with both states were asked for; "
                                 f"{len(printer.rows)} came within {seconds} s")
            return
        if now - last_news >= SILENCE_SECONDS_MAX:
            raise DemoFailed(f"no row came for {SILENCE_SECONDS_MAX} s")
        stack.check()
        message = subscription.next(0.2)
        if message is not None and message.WhichOneof("message") == "rows":
            printer.print(message.rows.rows)
            last_news = now


def run(options):
    binaries = options.binaries or build()
    printer = Printer()
    say("Starting Prometheus, Alertmanager, the demo target and both services ...")
    with Stack(binaries, ports=PREFERRED_PORTS) as stack:
        introduce(stack)
        api = load_api(stack.directory / "stubs")
        with contextlib.ExitStack() as opened:
            # gRPC takes locks of its own, and would keep them.
            with signals_held():
                channel = opened.enter_context(open_channel(stack.addresses["correlator_grpc"]))
                call = api.CorrelatorServiceStub(channel).SubscribeJoinedRows(
                    api.SubscribeJoinedRowsRequest())
                opened.callback(call.cancel)
                subscription = Subscription(call)
            try:
                follow(stack, subscription, printer, options.rows, options.seconds)
            except (grpc.RpcError, EOFError) as error:
                stack.check(1)  # a process that died is the better message
                raise DemoFailed(f"the subscription ended: {error}") from error
            finally:
                if printer.rows:
                    say("\n" + printer.summary())


def main():
    stop_on_signals()
    sys.stdout.reconfigure(errors="backslashreplace")
    options = parse_arguments()
    try:
        run(options)
    except (ProcessDied, StackError, DemoFailed) as error:
        say(f"deploy/demo: {error}")
        return 1
    except BrokenPipeError:  # the reader of the table has gone, as in `deploy/demo | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Stopped as stop:
        say("Stopped.")
        return 128 + stop.signal_number
    return 0


if __name__ == "__main__":
    sys.exit(main())
