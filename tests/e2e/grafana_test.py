"""Each Prometheus data source of a Grafana is a metrics source of its own; the ill delay no other."""
import json
import math
import shutil
import subprocess
import sys
import time
import unittest
from datetime import datetime, timezone

import fake_grafana
import fake_prometheus
import support
from direct_test import metrics_of
from fault_stack import FaultStack, notification
from process import Child
from stack import choose_ports
from support import BINARIES, HERE, wait_for, wait_until

TOKEN = "grafana-token"
MATCHED = 1
RECONCILIATION = 4
SOURCES = {"hub a": "well", "hub b": "well", "hub n": "nan", "hub f": "forbidden",
           "hub d": "dead", "hub s": "slow", "test": "well"}
HEALTHY = {"grafana/hub a", "grafana/hub b", "grafana/hub n"}
ILL = {"grafana/hub f", "grafana/hub d", "grafana/hub s"}

_INGEST = """
producer_id: one
correlator: {{address: "{uplink}"}}
http: {{listen_address: "{http}"}}
spool: {{path: "{directory}/one-spool"}}
reconcile: {{interval: 1s, wait: 1s}}
grafana_sources:
  - name: grafana
    url: http://{grafana}/
    authorization: {{credentials_file: token}}
    include: 'hub .*'
    interval: 1s
    timeout: 5s
    settle_delay: {settle_delay}
    queries:
      - {{name: load, expr: load, interval: 1s}}
bindings:
  - {{match: 'kind="measured"', query: load, on: [instance], tolerance: 30s}}
"""


_PROMETHEUS = """
global: {{evaluation_interval: 1s, external_labels: {{cluster: east}}}}
rule_files: ["{directory}/rules.yml"]
"""
_RULES = """
groups:
  - name: unsent
    rules: [{alert: Unsent, expr: vector(1)}]
"""


class GrafanaStack(FaultStack):
    """One correlator, one ingest that knows nothing but a Grafana."""

    def __init__(self, test):
        self._state = {"token": TOKEN, "list": 200, "settings": 200, "sources": dict(SOURCES)}
        super().__init__(test, ingests=("one",))

    def _start_prometheus(self, port):
        self.change()
        argv = [sys.executable, str(HERE / "fake_grafana.py"), "--port", str(port),
                "--state", str(self.directory / "state.json")]
        self._children["prometheus"] = Child("grafana", argv, self.directory / "grafana.log")
        self.wait_until_ready("prometheus")

    def start_real_prometheus(self):
        """Behind a data source of the kind `real`. It has an alert and no Alertmanager."""
        (self.directory / "rules.yml").write_text(_RULES, encoding="utf-8")
        config = self.directory / "prometheus.yml"
        config.write_text(_PROMETHEUS.format(directory=self.directory), encoding="utf-8")
        self.address["real"] = f'127.0.0.1:{choose_ports({"real": 0})["real"]}'
        self._children["real"] = Child(
            "real", [shutil.which("prometheus"), f"--config.file={config}",
                     f"--storage.tsdb.path={self.directory / 'tsdb'}",
                     f"--web.listen-address={self.address['real']}"],
            self.directory / "real.log")
        self.wait_until_ready("real")
        self.change(real=self.address["real"])

    def _write_configuration(self, uplink, settle_delay):
        super()._write_configuration(uplink, settle_delay)
        self.write_token(TOKEN)
        (self.directory / "one.yml").write_text(_INGEST.format(
            uplink=uplink, http=self.address["one"], directory=self.directory,
            settle_delay=settle_delay, grafana=self.address["prometheus"]), encoding="utf-8")

        with open(self.directory / "correlator.yml", "a", encoding="utf-8") as file:
            file.write("retention: {samples: 60d}\n")

    def daily_maxima(self):
        """The samples of the daily maximum by metrics source: {source: {time: value}}."""
        with support.client.open_channel(self.address["grpc"]) as channel:
            request = support.api().ListSamplesRequest(page_size=1000)
            request.series.query_name = fake_grafana.DAILY_MAXIMUM
            answer = support.api().CorrelatorServiceStub(channel).ListSamples(request, timeout=10)
        found = {}
        for part in answer.series:
            samples = found.setdefault(part.series.query.source, {})
            samples.update({sample.time.ToMilliseconds(): sample.value
                            for sample in part.samples})
        return found

    def write_token(self, token):
        (self.directory / "token").write_text(token + "\n", encoding="utf-8")

    def change(self, **state):
        self._state |= state
        new = self.directory / "state.new"
        new.write_text(json.dumps(self._state), encoding="utf-8")
        new.rename(self.directory / "state.json")

    def metric(self, name):
        return metrics_of(self.address["one"], name)

    def wait_for_sources(self, count):
        wait_until(lambda: self.metric("alertjoin_grafana_data_sources") ==
                   {'grafana="grafana"': count}, 60, f"{count} data sources")

    def wait_for_state(self, state):
        label = f'grafana="grafana",state="{state}"'
        wait_until(lambda: self.metric("alertjoin_grafana_state").get(label) == 1, 60,
                   f"Grafana is {state}")

    def restart_with_timeout(self, timeout):
        """ingest-service waits so long for the answers of data sources."""
        self.kill("one")
        path = self.directory / "one.yml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("timeout: 5s", f"timeout: {timeout}"), encoding="utf-8")
        self.start("one")

    def fire(self, name, starts_at_ms):
        """Takes an alert that fired then."""
        starts_at = datetime.fromtimestamp(starts_at_ms / 1000, timezone.utc)
        status = self.post("one", notification([{
            "status": "firing", "startsAt": starts_at.isoformat(timespec="milliseconds"),
            "endsAt": "0001-01-01T00:00:00Z", "annotations": {}, "generatorURL": "",
            "labels": {"alertname": name, "kind": "measured", "instance": "i3"}}]))
        if status != 200:
            raise AssertionError(f"answered {status}")

    def rows_of(self, name):
        """The alert's rows by metrics source."""
        found = {}
        for row in self.rows(filter=f"alertname={name}")[0]:
            found.setdefault(row.query.source, []).append(row)
        return found


class GrafanaTest(unittest.TestCase):
    def setUp(self):
        self.stack = GrafanaStack(self)
        self.stack.start_all()

    def wait_for_final(self, name, sources, seconds=30):
        def final():
            rows = self.stack.rows_of(name)
            return set(sources) <= set(rows) and all(
                row.final for source in sources for row in rows[source])
        wait_until(final, seconds, f"rows of {name} from {sorted(sources)} are final")
        return self.stack.rows_of(name)

    def check_values(self, rows, time_ms):
        """Those of a well data source."""
        wanted = {series["part"]: fake_prometheus.newest_sample(series, time_ms)
                  for series in fake_prometheus.find_series("load", 'instance="i3"')}
        self.assertEqual({row.match.series_labels["part"]: (row.match.sample_time.ToMilliseconds(),
                                                            row.match.value) for row in rows},
                         wanted)

    def test_the_ill_delay_nobody_and_are_named(self):
        # So that the slow one is waited for to the end of the test.
        self.stack.restart_with_timeout("60s")
        self.stack.wait_for_sources(len(SOURCES) - 1)
        fired_ms = time.time_ns() // 1_000_000
        self.stack.fire("First", fired_ms)
        began = time.monotonic()
        rows = self.wait_for_final("First", HEALTHY)
        print(f"\nfinal from {len(HEALTHY)} healthy sources after {time.monotonic() - began:.1f} s")
        self.assertEqual(set(rows), HEALTHY | ILL)
        for source in ("grafana/hub a", "grafana/hub b"):
            self.check_values(rows[source], fired_ms)
        for row in rows["grafana/hub n"]:
            self.assertEqual(row.match.state, MATCHED)
            self.assertTrue(math.isnan(row.match.value))
        for source in ILL:
            for row in rows[source]:
                self.assertFalse(row.final, source)
                self.assertNotEqual(row.match.state, MATCHED)
        for source in ("grafana/hub f", "grafana/hub d"):
            wait_until(lambda source=source: any(
                f'source="{source}"' in labels
                for labels in self.stack.metric("alertjoin_query_errors_total")), 30,
                       f"an error of {source} is counted")

    def test_they_come_and_go_at_run_time(self):
        self.stack.wait_for_sources(len(SOURCES) - 1)
        self.stack.change(sources={"hub a": "well", "hub new": "well"})
        self.stack.wait_for_sources(2)
        fired_ms = time.time_ns() // 1_000_000
        self.stack.fire("Second", fired_ms)
        rows = self.wait_for_final("Second", {"grafana/hub a", "grafana/hub new"})
        self.assertEqual(set(rows), {"grafana/hub a", "grafana/hub new"})
        self.check_values(rows["grafana/hub new"], fired_ms)

    def test_alerts_that_nobody_sends_are_found_in_them(self):
        self.stack.wait_for_sources(len(SOURCES) - 1)
        self.stack.start_real_prometheus()
        self.stack.change(sources={"hub real": "real", "hub f": "forbidden"})
        wait_until(lambda: self.stack.rows_of("Unsent"), 60, "rows of the alert that nobody sends")
        for row in self.stack.rows_of("Unsent")["grafana/hub real"]:
            self.assertEqual(RECONCILIATION, row.transition.origin)
            self.assertEqual({"alertname": "Unsent", "cluster": "east"}, row.transition.labels)
            self.assertEqual("alertmanager", row.transition.source)
        # Who never answers is told of, too: it falls behind.
        real, forbidden = 'source="grafana/hub real"', 'source="grafana/hub f"'
        wait_for([forbidden, real],
                 lambda: sorted(self.stack.metric("alertjoin_reconcile_through_seconds")), 30,
                 "who is reconciled")
        # The one that is not to be reconciled no longer is.
        self.stack.change(sources={"hub f": "forbidden"})
        wait_for([forbidden],
                 lambda: list(self.stack.metric("alertjoin_reconcile_through_seconds")), 20,
                 "who is reconciled still")

    def test_the_list_has_a_fallback_and_the_token_is_read_again(self):
        self.stack.wait_for_sources(len(SOURCES) - 1)
        self.stack.change(list=403, sources={"hub z": "well"})
        self.stack.wait_for_sources(1)  # By the settings.
        self.stack.change(list=200, token="another-token")
        self.stack.wait_for_state("auth")
        self.stack.write_token("another-token")
        self.stack.wait_for_state("ok")
        fired_ms = time.time_ns() // 1_000_000
        self.stack.fire("Third", fired_ms)
        self.check_values(self.wait_for_final("Third", {"grafana/hub z"})["grafana/hub z"],
                          fired_ms)
        log = (self.stack.directory / "one.log").read_text(encoding="utf-8")
        self.assertNotIn(TOKEN, log)
        self.assertNotIn("another-token", log)

    def test_the_past_of_all_healthy_ones_is_complete(self):
        self.stack.kill("one")  # Its polls are not wanted here.
        to_ms = time.time_ns() // 1_000_000 // fake_grafana.DAY_MS * fake_grafana.DAY_MS
        wanted = {f"grafana/{name}": {
            at_ms: fake_grafana.daily_maximum(fake_grafana.uid_of(name, kind), at_ms)
            for at_ms in range(to_ms - 29 * fake_grafana.DAY_MS, to_ms + 1, fake_grafana.DAY_MS)}
            for name, kind in SOURCES.items() if f"grafana/{name}" in HEALTHY}
        began = time.monotonic()
        command = subprocess.Popen(
            [BINARIES / "ingest-service" / "ingest-service", "backfill",
             f"--config.file={self.stack.directory}/one.yml",
             "--query", fake_grafana.DAILY_MAXIMUM, "--step", "1d",
             "--from", str(to_ms - 29 * fake_grafana.DAY_MS), "--to", str(to_ms)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.stack.directory)
        self.addCleanup(command.kill)
        wait_until(lambda: set(self.stack.daily_maxima()) == HEALTHY and
                   all(len(samples) == 30 for samples in self.stack.daily_maxima().values()),
                   20, "a month from every healthy data source")
        print(f"\na month from {len(HEALTHY)} healthy sources after "
              f"{time.monotonic() - began:.1f} s")
        self.assertIsNone(command.poll())  # The slow one is still being waited for.
        output, _ = command.communicate(timeout=90)
        print(f"all after {time.monotonic() - began:.1f} s")
        self.assertNotEqual(0, command.returncode, output)
        # repr, because NaN does not equal itself.
        self.assertEqual(repr(sorted((source, sorted(samples.items()))
                                     for source, samples in self.stack.daily_maxima().items())),
                         repr(sorted((source, sorted(samples.items()))
                                     for source, samples in wanted.items())))
        for source in ILL:
            self.assertRegex(output, rf"(?m)^{source}: .*: FAILED .*: {source}: ")
        for source in HEALTHY:
            self.assertRegex(output, rf"(?m)^{source}: .*: 30 samples in 1 chunk$")

    def test_a_restart_asks_again(self):
        self.stack.wait_for_sources(len(SOURCES) - 1)
        self.stack.kill("one")
        self.stack.start("one")
        fired_ms = time.time_ns() // 1_000_000
        self.stack.fire("Fourth", fired_ms)  # At once: the data sources are known by then.
        rows = self.wait_for_final("Fourth", HEALTHY)
        self.check_values(rows["grafana/hub b"], fired_ms)


if __name__ == "__main__":
    unittest.main(verbosity=2)
