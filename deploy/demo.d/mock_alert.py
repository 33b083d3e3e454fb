"""Sends made-up alerts through the whole path and waits for their joined rows."""
import argparse
import datetime
import http.client
import json
import secrets
import shutil
import sys
import tempfile
import time
import urllib.parse

import grpc

from client import Subscription, load_api, open_channel
from table import RESOLVED, Table

NAME = "MockAlert"
TAKEN = (200, 202)

EPILOG = """\
The way is that of a real alert: --ingest takes it as a notification of Alertmanager; with --alertmanager
it goes there, and comes by the routes of that (and as late as its group_wait says). It is joined with
--expr on the series that contradict none of its labels, asked from the metrics source whose address, or
external_url, is --prometheus.

exit status:
  0  every alert had its rows, firing and resolved
  1  something did not answer, or rows did not come: the last line says where it ended
  2  wrong arguments
"""


class PathBroken(Exception):
    """It came only so far. The message says where."""


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="deploy/mock-alert", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ingest", default="http://127.0.0.1:9752", metavar="URL")
    parser.add_argument("--source", default="alertmanager", metavar="NAME",
                        help="the alert source that it is sent as (default: alertmanager)")
    parser.add_argument("--alertmanager", metavar="URL", help="send it there, not to ingest-service")
    parser.add_argument("--correlator", default="127.0.0.1:9750", metavar="HOST:PORT")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", metavar="URL")
    parser.add_argument("--expr", default="up", help="what it is joined with (default: up)")
    parser.add_argument("--label", action="append", default=[], metavar="NAME=VALUE",
                        help="one more label; may be repeated")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="so many alerts at once")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS")
    options = parser.parse_args()
    if options.count < 1:
        parser.error("--count: at least 1")
    if any("=" not in label for label in options.label):
        parser.error("--label: expected NAME=VALUE")
    return options


def rfc3339(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_alerts(options, run):
    """The alerts as they fire, in the form that webhooks and Alertmanager's API have in common."""
    labels = dict(label.split("=", 1) for label in options.label)
    expression = urllib.parse.urlencode({"g0.expr": options.expr, "g0.tab": "1"})
    return [{"labels": {"alertname": NAME, "severity": "none", **labels, "mock": run,
                        "mock_number": str(number)},
             "annotations": {"summary": "Made up by deploy/mock-alert."},
             "startsAt": rfc3339(time.time() - 1), "endsAt": "0001-01-01T00:00:00Z",
             "generatorURL": f"{options.prometheus}/graph?{expression}"}
            for number in range(options.count)]


def resolved(alerts):
    return [{**alert, "endsAt": rfc3339(time.time())} for alert in alerts]


def send(options, alerts, status):
    if options.alertmanager:
        url, body = options.alertmanager + "/api/v2/alerts", alerts
        if status == "firing":
            body = [{key: value for key, value in alert.items() if key != "endsAt"}
                    for alert in alerts]
    else:
        url = f"{options.ingest}/webhook/{options.source}"
        body = {"version": "4", "status": status, "receiver": "mock", "groupKey": "{}:{}",
                "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
                "truncatedAlerts": 0, "alerts": [{"status": status, **alert} for alert in alerts]}
    code, text = post(url, json.dumps(body))
    if code not in TAKEN:
        raise PathBroken(f"{url} answered {code}: {text.strip()}")


def post(url, body):
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=10)
    try:
        connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise PathBroken(f"{url} cannot be reached: {error}") from None
    finally:
        connection.close()


class Rows:
    """The rows of this run, printed as they come."""

    def __init__(self, subscription):
        self._subscription = subscription
        terminal = sys.stdout.isatty()
        columns = shutil.get_terminal_size((160, 24)).columns if terminal else 160
        self._table = Table(columns, colours=terminal)
        self._seen = set()  # (number of the alert, whether it is resolved)
        print(self._table.heading(), flush=True)

    def await_all(self, count, is_resolved, seconds):
        wanted = {(str(number), is_resolved) for number in range(count)}
        deadline = time.monotonic() + seconds
        while not wanted <= self._seen:
            message = self._subscription.next(max(0.0, deadline - time.monotonic()))
            if message is None:
                state = "resolved" if is_resolved else "firing"
                raise PathBroken(
                    f"{len(wanted - self._seen)} of {count} alerts were taken and have no {state} "
                    f"row after {seconds:g} s: see alertjoin_spool_events and "
                    "alertjoin_uplink_connected of ingest-service")
            self._take(message)

    def _take(self, message):
        for row in message.rows.rows if message.WhichOneof("message") == "rows" else ():
            print(self._table.line(row), flush=True)
            self._seen.add((row.transition.labels["mock_number"],
                            row.transition.state == RESOLVED))


def run(options, directory):
    api = load_api(directory)
    name = secrets.token_hex(4)
    with open_channel(options.correlator) as channel:
        request = api.SubscribeJoinedRowsRequest(
            filter=f'alertname="{NAME}",mock="{name}"', start=api.SUBSCRIPTION_START_LIVE)
        call = api.CorrelatorServiceStub(channel).SubscribeJoinedRows(request)
        subscription = Subscription(call)
        if subscription.next(10) is None:
            raise PathBroken(f"the correlator at {options.correlator} does not answer")
        rows = Rows(subscription)
        alerts = make_alerts(options, name)
        send(options, alerts, "firing")
        rows.await_all(options.count, False, options.timeout)
        send(options, resolved(alerts), "resolved")
        rows.await_all(options.count, True, options.timeout)
        subscription.cancel()


def main():
    options = parse_arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="alertjoin-mock-") as directory:
            run(options, directory)
    except (PathBroken, EOFError) as error:
        sys.exit(f"mock-alert: {error}")
    except grpc.RpcError as error:
        sys.exit(f"mock-alert: the correlator at {options.correlator}: {error.code().name}: "
                 f"{error.details()}")


if __name__ == "__main__":
    main()
