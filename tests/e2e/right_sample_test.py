"""Alerts at random phases between scrape, evaluation and poll have the right sample, once final.

A real Prometheus scrapes fast changing values from targets that take their time to answer, so that
samples appear after alerts that are younger than they. Beside it, for comparison, somebody asks an
instant query at the same interval and takes the newest answer for the value, as simple tools do.
"""
import bisect
import http.client
import json
import math
import pathlib
import tempfile
import threading
import time
import unittest
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import support
from prometheus_truth import PrometheusTruth, bits, frozen
from stack import PREFERRED_PORTS, Stack
from support import BINARIES, wait_until

ALERTS = 500
TARGETS = 6
SERIES_PER_TARGET = 4
POLL_SECONDS = 2
SETTLE_SECONDS = 5  # more than a target may take to answer, on a machine that stands still for 2 s

_PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["${{rules}}"]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["${{ingest_http}}"]}}]
scrape_configs:
{jobs}
"""
_JOB = """  - job_name: t{number}
    metrics_path: /t{number}
    static_configs: [{{targets: ["{address}"]}}]
"""
_INGEST = f"""
producer_id: ingest-right
correlator: {{address: "${{correlator_grpc}}"}}
http: {{listen_address: "${{ingest_http}}"}}
alert_sources: [{{name: alertmanager}}]
spool: {{path: "${{spool}}"}}
reconcile: {{enabled: false}}
metrics_sources:
  - name: prometheus
    url: http://${{prometheus}}
    external_url: http://${{prometheus}}
    timeout: 5s
    settle_delay: {SETTLE_SECONDS}s
    queries:
      - {{name: polled, expr: 'wave{{part="0"}}', interval: {POLL_SECONDS}s}}
"""


class WavingTargets:
    """Targets whose values rise and fall, each with a period of its own, and never stand still."""

    def __init__(self, rng):
        waves = {(target, part): (rng.uniform(9, 17), rng.random())
                 for target in range(TARGETS) for part in range(SERIES_PER_TARGET)}
        slowness = [rng.uniform(0, 0.6) for _ in range(64)]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                now = time.time()
                target = int(self.path.removeprefix("/t"))
                lines = []
                for part in range(SERIES_PER_TARGET):
                    period, shift = waves[target, part]
                    value = 50 + 50 * math.sin(2 * math.pi * (now / period + shift))
                    lines.append(f'wave{{part="{part}"}} {value!r}\n')
                # A scrape has the time at which it began.
                time.sleep(slowness[int(now * 7 + target) % len(slowness)])
                body = "".join(lines).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """Who asked has not waited for the answer: a scrape that failed."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class NaivePoller:
    """Asks for the values at an interval, and holds them to be those of that time."""

    def __init__(self, address, expression, interval_seconds):
        self._address, self._expression = address, expression
        self._interval_seconds = interval_seconds
        self._stopping = threading.Event()
        self.times_ms, self._answers = [], []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopping.wait(self._interval_seconds):
            connection = http.client.HTTPConnection(self._address, timeout=5)
            asked_ms = time.time() * 1000
            try:
                connection.request("GET", "/api/v1/query?" +
                                   urllib.parse.urlencode({"query": self._expression}))
                answer = json.loads(connection.getresponse().read())
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()
            self._answers.append({frozen(series["metric"]): float(series["value"][1])
                                  for series in answer["data"]["result"]})
            self.times_ms.append(asked_ms)

    def value_at(self, labels, time_ms):
        """What it would say the value was at that time."""
        index = bisect.bisect_right(self.times_ms, time_ms) - 1
        return self._answers[index].get(labels) if index >= 0 else None

    def stop(self):
        self._stopping.set()
        self._thread.join(30)


def rules(rng):
    """Groups that are evaluated at intervals of their own, each with thresholds of its own."""
    groups = []
    for part in range(SERIES_PER_TARGET):
        interval_ms = rng.randrange(700, 1700)
        groups.append(f"  - name: g{part}\n    interval: {interval_ms}ms\n    rules:\n" + "".join(
            f"      - alert: Wave{part}at{number}\n"
            f"        expr: wave{{part=\"{part}\"}} > {rng.uniform(15, 85):.3f}\n"
            for number in range(3)))
    return "groups:\n" + "".join(groups)


class RightSampleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = support.seeded_random()
        targets = WavingTargets(rng)
        cls.addClassCleanup(targets.stop)
        directory = tempfile.TemporaryDirectory(prefix="alertjoin-right-")
        cls.addClassCleanup(directory.cleanup)
        files = {name: pathlib.Path(directory.name) / f"{name}.yml"
                 for name in ("prometheus", "ingest", "rules")}
        jobs = "".join(_JOB.format(number=number, address=targets.address)
                       for number in range(TARGETS))
        files["prometheus"].write_text(_PROMETHEUS.format(jobs=jobs), encoding="utf-8")
        files["ingest"].write_text(_INGEST, encoding="utf-8")
        files["rules"].write_text(rules(rng), encoding="utf-8")
        cls.stack = Stack(BINARIES, ports=dict.fromkeys(PREFERRED_PORTS, 0), **files)
        cls.stack.__enter__()
        cls.addClassCleanup(cls.stack.stop)
        cls.naive = NaivePoller(cls.stack.addresses["prometheus"], "wave", POLL_SECONDS)
        cls.addClassCleanup(cls.naive.stop)
        channel = support.client.open_channel(cls.stack.addresses["correlator_grpc"])
        cls.addClassCleanup(channel.close)
        cls.stub = support.api().CorrelatorServiceStub(channel)
        # The naive one has begun, too.
        wait_until(lambda: cls.naive.times_ms, 30, "an answer to the naive poller")
        cls.from_ms = cls.naive.times_ms[0]
        wait_until(lambda: len(cls.list_rows()) >= ALERTS, 180, f"{ALERTS} rows")
        cls.until_ms = time.time() * 1000
        wait_until(lambda: all(row.final for row in cls.list_rows()), 60, "every row is final")

    @classmethod
    def list_rows(cls):
        """The rows with event times within the run."""
        cls.stack.check()
        until_ms = getattr(cls, "until_ms", math.inf)
        return [row for row in support.list_all_rows(stub=cls.stub)[0]
                if cls.from_ms <= row.transition.event_time.ToMilliseconds() < until_ms]

    def test_the_sample_is_the_one_that_prometheus_has(self):
        truth = PrometheusTruth(self.stack.addresses["prometheus"])
        rows = self.list_rows()
        exact, naive_exact, wrong, provisional = 0, 0, [], 0
        for row in rows:
            alert = row.transition.labels
            fault = truth.find_fault(row, lambda series, alert=alert: all(
                alert[name] == value for name, value in series.items() if name in alert))
            if not row.final:
                provisional += 1
            elif fault is None:  # also that there was none, after a scrape that failed
                exact += 1
            else:
                wrong.append(f"{fault}\n{row}")
            labels = frozen(row.match.series_labels)
            time_ms = row.transition.event_time.ToMilliseconds()
            _, value = truth.newest_raw(row.query.expression, time_ms).get(labels, (None, None))
            naive_value = self.naive.value_at(labels, time_ms)
            if None not in (value, naive_value) and bits(naive_value) == bits(value):
                naive_exact += 1
        print(f"\n{len(rows)} rows: alertjoin has the exact sample in {exact} "
              f"({100 * exact / len(rows):.2f} %), {len(wrong)} final ones are wrong, "
              f"{provisional} are not final; naive polling every {POLL_SECONDS} s has it in "
              f"{naive_exact} ({100 * naive_exact / len(rows):.2f} %)", flush=True)
        self.assertGreaterEqual(len(rows), ALERTS)
        self.assertGreaterEqual(exact, 0.99 * len(rows), "\n".join(wrong[:5]))
        self.assertLess(naive_exact, 0.9 * len(rows), "the run was too easy")
        self.assertEqual({row.query.name == "polled" for row in rows}, {True, False})
        self.assertEqual({row.transition.state for row in rows}, {1, 2})


if __name__ == "__main__":
    unittest.main(verbosity=2)
