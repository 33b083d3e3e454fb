"""`ingest-service backfill` on a real Prometheus with data of many days: complete, repeatable, resumable.

The alerts come from an instance of ingest-service whose own metrics source is dead, so that every
sample in a row was backfilled. ALERTJOIN_TEST_BACKFILL_DAYS=30 and ALERTJOIN_TEST_BACKFILL_SERIES=50
make the full size of it.
"""
import datetime
import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import support
from fault_stack import notification
from process import Child, stop_all
from stack import choose_ports, is_ready
from support import BINARIES, wait_until

DAYS = float(os.environ.get("ALERTJOIN_TEST_BACKFILL_DAYS", "2"))
SERIES = int(os.environ.get("ALERTJOIN_TEST_BACKFILL_SERIES", "20"))
RUN_WITHIN_SECONDS = 300 * max(1, DAYS * SERIES / 40)
SPACING_MS = 15_000
LOOKBACK_MS = 300_000
ALERTS = 300
MATCHED = 1  # MatchState

_CORRELATOR = """
grpc: {{listen_address: "{grpc}"}}
http: {{listen_address: "{correlator}"}}
data: {{path: "{directory}/data"}}
retention: {{samples: {retention}}}
"""
_INGEST = """
producer_id: {name}
correlator: {{address: "{grpc}"}}
http: {{listen_address: "{http}"}}
alert_sources: [{{name: alertmanager}}]
spool: {{path: "{directory}/{name}-spool"}}
metrics_sources:
  - name: prometheus
    url: http://{prometheus}
    settle_delay: 1s
    queries: [{{name: depth, expr: depth, interval: 1h}}]
    {more}
bindings: [{{match: 'alertname="Deep"', query: depth, on: [instance], tolerance: 1m}}]
"""


def value_of(series, time_ms):
    return (time_ms // SPACING_MS * 7919 + series * 104729) % 1_000_003 / 8


class Past:
    """The samples of all series: as many as there are, and the newest at a moment."""

    def __init__(self, end_ms):
        self.begin_ms = end_ms - int(DAYS * 86_400_000)
        self.per_series = (end_ms - self.begin_ms) // SPACING_MS
        self.count = self.per_series * SERIES
        self.end_ms = end_ms

    def time_of(self, series, index):
        return self.begin_ms + index * SPACING_MS + series * 37

    def newest(self, series, time_ms):
        index = (time_ms - self.begin_ms - series * 37) // SPACING_MS
        at_ms = self.time_of(series, index)
        return at_ms, value_of(series, at_ms)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("# TYPE depth gauge\n")
            for series in range(SERIES):
                for index in range(self.per_series):
                    at_ms = self.time_of(series, index)
                    file.write(f'depth{{instance="i{series}"}} {value_of(series, at_ms)!r} '
                               f"{at_ms // 1000}.{at_ms % 1000:03d}\n")
            file.write("# EOF\n")


def metric(address, name):
    """The values of one metric, by its labels as text."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {labels: float(value)
            for labels, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.M)}


def rfc3339(time_ms):
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.timezone.utc).isoformat(
        timespec="milliseconds")


@unittest.skipUnless(shutil.which("promtool"), "promtool makes the data")
class BackfillTest(unittest.TestCase):
    """One story, told by the tests in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.rng = support.seeded_random()
        directory = tempfile.TemporaryDirectory(prefix="alertjoin-backfill-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        ports = choose_ports(dict.fromkeys(
            ["grpc", "correlator", "alerts", "service", "prometheus", "dead"], 0))
        cls.address = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        cls.children = {}
        cls.addClassCleanup(lambda: stop_all(list(cls.children.values())))
        # Nothing of it is younger than what the commands ask for.
        cls.past = Past(int(time.time() - 120) * 1000 // SPACING_MS * SPACING_MS)
        cls.make_data()
        cls.start("prometheus", [
            shutil.which("prometheus"), f"--config.file={cls.directory}/prometheus.yml",
            f"--storage.tsdb.path={cls.directory}/prometheus",
            "--storage.tsdb.retention.time=10y", f"--web.listen-address={cls.address['prometheus']}"])
        cls.write("correlator", _CORRELATOR, retention=f"{int(DAYS) + 3}d")
        cls.write("alerts", _INGEST, prometheus="127.0.0.1:1", more="")
        cls.write("once", _INGEST, more="")
        cls.write("half", _INGEST,
                  more=f"\n  - {{name: dead, url: 'http://{cls.address['dead']}'}}")
        cls.write("silent", _INGEST, more="\ngrafana_sources: "
                  f"[{{name: hub, url: 'http://{cls.address['dead']}'}}]")
        cls.write("service", _INGEST, more="backfill: {from: now-12h, rate: 100}")
        for service, name in (("correlator", "correlator"), ("ingest", "alerts")):
            cls.start_service(service, name)

    @classmethod
    def make_data(cls):
        (cls.directory / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
        text = cls.directory / "past.om"
        cls.past.write(text)
        # It reads the whole text for each block.
        subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics",
                        "--max-block-duration=486h", text, cls.directory / "prometheus"],
                       check=True, stdout=subprocess.DEVNULL, timeout=RUN_WITHIN_SECONDS)
        text.unlink()

    @classmethod
    def write(cls, name, template, prometheus=None, **values):
        (cls.directory / f"{name}.yml").write_text(template.format(
            **{**cls.address, "prometheus": prometheus or cls.address["prometheus"], **values},
            name=name, http=cls.address.get(name, "127.0.0.1:0"), directory=cls.directory),
            encoding="utf-8")

    @classmethod
    def start(cls, name, argv):
        cls.children[name] = Child(name, argv, cls.directory / f"{name}.log",
                                   directory=cls.directory)

        def ready():
            cls.children[name].wait(0)
            return is_ready(cls.address[name])
        wait_until(ready, 60, f"{name} is ready")

    @classmethod
    def start_service(cls, service, name):
        binary = f"{service}-service"
        cls.start(name, [str(BINARIES / binary / binary), f"--config.file={cls.directory}/{name}.yml"])

    def backfill(self, config, *arguments):
        process = subprocess.Popen(
            [str(BINARIES / "ingest-service" / "ingest-service"), "backfill",
             f"--config.file={self.directory}/{config}.yml", "--rate=1000", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def run_backfill(self, config, *arguments, status=0):
        started = time.monotonic()
        process = self.backfill(config, *arguments)
        output, errors = process.communicate(timeout=RUN_WITHIN_SECONDS)
        print(f"\n{' '.join(arguments)}: {time.monotonic() - started:.1f} s\n{output}", flush=True)
        self.assertEqual(process.returncode, status, output + errors)
        return output, errors

    def samples(self):
        """How many samples the correlator has met, by what they were to it."""
        counted = metric(self.address["correlator"], "alertjoin_join_samples_total")
        return {labels.split('"')[1]: int(value) for labels, value in counted.items()}

    def grown(self, before):
        """The same, since then, without those that did not grow. All is applied that was synced."""
        return {outcome: count - before[outcome] for outcome, count in self.samples().items()
                if count != before[outcome]}

    def wait_grown(self, before, count):
        wait_until(lambda: sum(self.grown(before).values()) >= count, 120, f"{count} samples",
                   seen=lambda: self.grown(before))
        return self.grown(before)

    def rows(self):
        with support.client.open_channel(self.address["grpc"]) as channel:
            return support.list_all_rows(
                stub=support.api().CorrelatorServiceStub(channel))[0]

    def final_rows(self):
        """One row of each alert, all of them final; None so far."""
        rows = [row for row in self.rows() if row.query.name == "depth"]
        return rows if len(rows) >= ALERTS and all(row.final for row in rows) else None

    def post_alerts(self):
        """Alerts at random times of all the past. Returns series and time by fingerprint."""
        posted, alerts = {}, []
        for number in range(ALERTS):
            series = self.rng.randrange(SERIES)
            at_ms = self.rng.randrange(self.past.begin_ms + LOOKBACK_MS + 60_000,
                                       self.past.begin_ms + self.past.per_series * SPACING_MS)
            fingerprint = f"{number:016x}"
            posted[fingerprint] = (series, at_ms)
            alerts.append({"status": "firing", "fingerprint": fingerprint,
                           "labels": {"alertname": "Deep", "instance": f"i{series}",
                                      "number": str(number)},
                           "annotations": {}, "startsAt": rfc3339(at_ms),
                           "endsAt": "0001-01-01T00:00:00Z", "generatorURL": ""})
        connection = http.client.HTTPConnection(self.address["alerts"], timeout=30)
        connection.request("POST", "/webhook/alertmanager", notification(alerts),
                           {"Content-Type": "application/json"})
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        return posted

    def test_1_what_prometheus_has_is_in_the_rows(self):
        posted = self.post_alerts()
        before = self.samples()
        output, _ = self.run_backfill("once", "--query=depth", f"--from=now-{DAYS * 86400 + 600:.0f}s")
        self.assertIn(f"{self.past.count:,} samples", output)
        self.assertEqual(sum(self.wait_grown(before, self.past.count).values()), self.past.count)
        self.assertNotIn("unchanged", self.grown(before))
        # The alerts came another way, and what makes them final comes behind the samples.
        rows = wait_until(self.final_rows, 60, f"{ALERTS} final rows",
                          seen=lambda: [(row.match.state, row.final) for row in self.rows()])
        self.assertEqual(len(rows), ALERTS)
        for row in rows:
            series, at_ms = posted[row.transition.fingerprint]
            self.assertEqual(row.match.state, MATCHED, row)
            self.assertEqual((row.match.sample_time.ToMilliseconds(), row.match.value),
                             self.past.newest(series, at_ms))
        print(f"{ALERTS} rows at random times are exact and final")

    def test_2_the_same_again_changes_nothing(self):
        before, rows = self.samples(), {row.row_id: row for row in self.rows()}
        output, _ = self.run_backfill("once", "--query=depth", "--from=now-1h")
        self.assertRegex(output, "was done before|: 0 samples")
        self.run_backfill("once", "--query=depth", f"--from=now-{DAYS * 86400 + 600:.0f}s",
                          "--again")
        self.assertEqual(self.wait_grown(before, self.past.count), {"unchanged": self.past.count})
        self.assertEqual({row.row_id: row for row in self.rows()}, rows)

    def test_3_killed_and_resumed_it_is_complete(self):
        # Another text, and so another query.
        arguments = ("--query={__name__=\"depth\"}", f"--from=now-{DAYS * 86400 + 600:.0f}s")
        before = self.samples()
        kills = 0
        for _ in range(3):
            # So slow that it is not over before it is seen to have begun.
            process = self.backfill("once", *arguments, "--rate=1")
            met = sum(self.grown(before).values())
            wait_until(lambda: sum(self.grown(before).values()) > met or process.poll() is not None,
                       60, "some more samples")
            kills += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)
        output, _ = self.run_backfill("once", *arguments)
        grown = self.wait_grown(before, self.past.count)
        told = int(re.search(r"([\d,]+) samples in", output)[1].replace(",", ""))
        print(f"killed {kills} times, the last run sent {told} of {self.past.count}; {grown}")
        self.assertGreaterEqual(kills, 1)
        self.assertLess(told, self.past.count)
        self.assertEqual(sum(grown.values()) - grown.get("unchanged", 0), self.past.count)

    def test_4_a_grid_is_evaluated(self):
        before = self.samples()
        output, _ = self.run_backfill("once", "--query=max by (instance) (max_over_time(depth[1h]))",
                                      "--from=now-1d", "--step=1h")
        self.assertIn(f"{25 * SERIES:,} samples in 1 chunk", output)
        self.assertEqual(sum(self.wait_grown(before, 25 * SERIES).values()), 25 * SERIES)

    def test_5_a_dead_source_delays_no_other_and_is_named(self):
        output, errors = self.run_backfill("half", "--query=depth", "--from=now-6h", status=1)
        self.assertRegex(output, r"prometheus: depth: \S+ to \S+ [\d,]+ samples in")
        self.assertRegex(output, r"dead: depth: FAILED \S+ to \S+: dead: ")
        self.assertIn("not complete", errors)

    def test_5_a_grafana_that_is_silent_delays_no_other_and_is_named(self):
        arguments = ("--query=depth", "--from=now-6h")
        output, errors = self.run_backfill("silent", *arguments, status=1)
        self.assertRegex(output, r"prometheus: depth: \S+ to \S+ [\d,]+ samples in")
        self.assertRegex(output, r"(?m)^hub: FAILED, none of its data sources was asked: .*Failed to connect")
        self.assertIn("not complete", errors)
        # It is not in the way of others, and said at once when it is wanted.
        output, _ = self.run_backfill("silent", *arguments, "--source=prometheus")
        self.assertNotIn("hub", output)
        output, errors = self.run_backfill("silent", *arguments, "--source=hub/a", status=1)
        self.assertNotIn("samples in", output)
        self.assertIn("hub", errors)

    def test_6_wrong_arguments_are_refused(self):
        for arguments, words in ((["--from=yesterday"], "--from: \"yesterday\" is not a time"),
                                 (["--from=now-1h", "--source=x"], "no such metrics source"),
                                 (["--from=now", "--to=now-1h"], "the end must be after the begin"),
                                 (["--from=now-1h", "--rate=no"], "--rate \"no\"")):
            _, errors = self.run_backfill("once", "--query=depth", *arguments, status=1)
            self.assertIn(words, errors)
        _, errors = self.run_backfill("once", "--query=max(depth)", "--from=now-1h", status=1)
        self.assertIn("give a step", errors)

    def test_7_the_service_fills_its_past_by_itself(self):
        before = self.samples()
        self.start_service("ingest", "service")
        wait_until(lambda: list(metric(self.address["service"],
                                       "alertjoin_backfill_left_seconds").values()) == [0], 120,
                   "the service's backfill")
        filled = metric(self.address["service"], "alertjoin_backfill_samples")['source="prometheus"']
        print(f"\nthe service filled {filled:.0f} samples")
        type(self).filled = filled
        self.assertGreater(filled, 11 * 3600 * 1000 / SPACING_MS * SERIES)
        self.assertEqual(self.wait_grown(before, filled), {"unchanged": filled})

    def test_8_what_the_correlator_does_not_keep_is_told(self):
        stop_all([self.children.pop("correlator")])
        self.write("correlator", _CORRELATOR, retention="1h")
        self.start_service("correlator", "correlator")
        output, errors = self.run_backfill("once", "--query=depth{instance=\"i0\"}", "--from=now-3h")
        self.assertIn("the correlator refuses samples that are older", errors)
        told = int(re.search(r"([\d,]+) samples are older", output)[1].replace(",", ""))
        self.assertAlmostEqual(told, 2 * 240, delta=5)

    def test_9_what_the_correlator_has_lost_is_filled_again(self):
        stop_all([self.children.pop("correlator")])
        shutil.rmtree(self.directory / "data")
        self.write("correlator", _CORRELATOR, retention=f"{int(DAYS) + 3}d")
        self.start_service("correlator", "correlator")
        # By the service, which runs all the time, and its polls have but the newest.
        def kept():
            counted = self.samples()
            # The window has moved on, and behind it there is nothing new.
            return counted["new"] + counted["late"] >= 0.9 * self.filled
        wait_until(kept, 120, f"0.9 of {self.filled:.0f} samples again", seen=self.samples)
        # By whoever does it again: this query was whole.
        output, _ = self.run_backfill("once", "--query={__name__=\"depth\"}", "--from=now-1h")
        told = int(re.search(r"([\d,]+) samples in", output)[1].replace(",", ""))
        hour_ms = self.past.end_ms - (time.time() * 1000 - 3_600_000)
        self.assertGreaterEqual(told, (hour_ms // SPACING_MS - 1) * SERIES)
        self.assertGreater(told, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
