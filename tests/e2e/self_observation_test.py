"""alertjoin watched by Prometheus with the alerts that are shipped: both services are up, a healthy
one fires nothing, each fault makes its alert, and what is mended ends it.

Faults that do not touch each other are made at the same time: waiting takes most of this test."""
import json
import math
import re
import subprocess
import time
import unittest
from datetime import datetime, timezone

import grpc
import yaml

import support
from alert_feed import Episode, now_ms
from fault_stack import notification
from observed_stack import CLOSED, FAULTY, OPEN, SHIPPED, ObservedStack, quickened_rules
from support import REPOSITORY, wait_for, wait_until

# What the stack is made with, and what always fires therefore.
INBORN = {"AlertjoinTokenRejected", "AlertjoinSourceClockSkew", "AlertjoinPollFailing"}
HEARTBEAT = json.dumps([{"labels": {"alertname": "Heart"}}])
ROWS = 4000  # whose notifications are more than what waits in a connection that nobody reads
UNBOUND_ROWS = 20  # in so short a time more than others, and more than a few
TOO_SLOW_AFTER_SECONDS = 30
WITHIN_SECONDS = 60


class SelfObservationTest(unittest.TestCase):
    """The tests of one stack, in the order of their names; each mends what it broke."""

    @classmethod
    def setUpClass(cls):
        support.api()
        cls.cleanups = support.of_class(cls)
        cls.stack = ObservedStack(cls.cleanups)
        cls.stack.start_all()
        cls.stack.start_observer()
        cls.observed_since = time.time()
        cls.metrics = set()
        cls.number = 0
        cls.healthy_at = None  # Nothing but what is inborn fired then.
        cls.broken_at = {}  # When what an alert says became true for the first time.
        cls.seen = set()  # The labels of every alert that was seen to fire since then.

    def setUp(self):
        self.stack.check()

    def post(self, count, kind="measured", padding=""):
        episodes = [self.next_episode(kind) for _ in range(count)]
        alerts = [episode.as_alert() | {"annotations": {"padding": padding}}
                  for episode in episodes]
        self.assertEqual(200, self.stack.post("one", notification(alerts)))

    @classmethod
    def next_episode(cls, kind):
        cls.number += 1
        return Episode(cls.number, kind, f"i{cls.number % 10}", now_ms() - 1000)

    def beat(self):
        self.assertEqual(200, self.stack.post_to("/api/v2/alerts", HEARTBEAT))

    def note_metrics(self):
        for name in ("one", "correlator"):
            self.metrics.update(re.findall(r"^(alertjoin_\w+)", self.stack.exposition(name), re.M))

    def rows(self):
        return sum(map(int, re.findall(r"^alertjoin_rows\{.*\} (\d+)$",
                                       self.stack.exposition("correlator"), re.M)))

    def breaks(self, *names, after=0):
        """From now on these alerts may fire."""
        for name in names:
            self.broken_at.setdefault(name, time.time() + after)

    def look(self):
        """The names of the alerts that fire now. Notes their labels; annotations are well."""
        firing = [alert for alert in self.stack.observe("alerts")["alerts"]
                  if alert["state"] == "firing"]
        for alert in firing:
            self.seen.add(frozenset(alert["labels"].items()))
            for text in alert["annotations"].values():
                self.assertNotRegex(text, r"\{\{|error|no value", alert["labels"]["alertname"])
        return {alert["labels"]["alertname"] for alert in firing}

    def await_alert(self, name, **labels):
        """Waits until one with these labels has been seen to fire, if only for a moment."""
        wanted = {"alertname": name, **labels}.items()

        def was_seen():
            self.look()
            return any(wanted <= alert for alert in self.seen)
        wait_until(was_seen, WITHIN_SECONDS, f"{name} fires with {labels}", seen=self.look)

    def evaluations(self):
        """Of the rules since the observer's start: their own alerts are counted by it each time."""
        found = self.stack.observe("query", query='count_over_time(up{job="alertjoin-ingest"}[1h])')
        return int(found["result"][0]["value"][1])

    def test_1_both_targets_are_up(self):
        up = {"alertjoin-ingest": "up", "alertjoin-correlator": "up"}
        wait_for(up, self.stack.targets, 30, "targets")

    def test_2_a_healthy_system_fires_nothing(self):
        for _ in range(ROWS // 100):
            self.post(100, padding="x" * 1000)
        self.beat()
        wait_until(lambda: self.rows() >= ROWS, 30, f"{ROWS} rows", seen=self.rows)
        self.follow_without_reading()
        # As long as the longest `for`: who wants to fire has fired.
        longest = max(_seconds(rule.get("for", "0ms")) for rule in _rules())
        evaluations = self.evaluations()

        def well():
            self.beat()
            firing = self.look()
            if time.time() >= self.broken_at["AlertjoinSubscriberDropped"]:
                firing.discard("AlertjoinSubscriberDropped")  # This took long.
            return self.evaluations() > evaluations + longest and firing == INBORN
        wait_until(well, 120, f"only {INBORN} fire, for {longest} evaluations",
                   seen=lambda: (self.look(), self.evaluations() - evaluations))
        # Until a service is scraped for the first time it counts as down, and its alert may fire.
        self.seen.clear()
        type(self).healthy_at = time.time()
        for name in INBORN:
            self.assertEqual({"refusing"} if name != "AlertjoinTokenRejected"
                             else {"refusing", "grafana"},
                             {alert["labels"].get("source", alert["labels"].get("grafana"))
                              for alert in self.stack.observe("alerts")["alerts"]
                              if alert["labels"]["alertname"] == name}, name)

    def follow_without_reading(self):
        """A subscriber that will be dropped in half a minute."""
        options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536),
                   ("grpc.enable_http_proxy", 0)]
        channel = grpc.insecure_channel(self.stack.address["grpc"], options=options)
        self.cleanups.addCleanup(channel.close)
        stub = support.api().CorrelatorServiceStub(channel)
        call = stub.SubscribeJoinedRows(support.api().SubscribeJoinedRowsRequest())
        self.cleanups.addCleanup(call.cancel)
        self.breaks("AlertjoinSubscriberDropped", after=TOO_SLOW_AFTER_SECONDS - 1)
        support.first_of(call, 30)

    def test_3_faults_beside_each_other(self):
        self.breaks("AlertjoinHeartbeatMissing")  # Nobody beats any more.
        self.breaks("AlertjoinDeadLetters", "AlertjoinSenderDenied", "AlertjoinUnmatchedRows",
                    "AlertjoinReloadFailed", "AlertjoinSecurityFileFaulty",
                    "AlertjoinMetricsSourceUnreachable")
        self.post(UNBOUND_ROWS, kind="free")
        self.assertEqual(400, self.stack.post("one", "{"))
        self.assertEqual(401, self.stack.post_to("/webhook/guarded", notification([])))
        # As Prometheus sends, which repeats what it said before.
        posted = json.dumps([{"labels": {"alertname": "Posted"}, "startsAt": _rfc3339_now()}])
        for _ in range(2):
            self.assertEqual(200, self.stack.post_to("/api/v2/alerts", posted))
        self.stack.kill("prometheus")
        self.stack.reload("one", more="nonsense: 1\n")
        self.stack.reload("correlator", more="nonsense: 1\n")
        self.stack.write_security_file(FAULTY)

        self.await_alert("AlertjoinReloadFailed", job="alertjoin-ingest")
        self.await_alert("AlertjoinReloadFailed", job="alertjoin-correlator")
        self.await_alert("AlertjoinSecurityFileFaulty", listener="http")
        self.await_alert("AlertjoinDeadLetters")
        self.await_alert("AlertjoinSenderDenied", source="guarded", reason="no_credentials")
        self.await_alert("AlertjoinHeartbeatMissing", source="alertmanager")
        self.await_alert("AlertjoinPollFailing", source="prometheus")
        self.await_alert("AlertjoinMetricsSourceUnreachable", source="prometheus")
        self.await_alert("AlertjoinUnmatchedRows", job="alertjoin-correlator")

        self.stack.start_made_up_prometheus()
        self.stack.reload("one")
        self.stack.reload("correlator")

    def test_4_callers_that_nobody_lets_in(self):
        self.breaks("AlertjoinCallersRefused")
        self.stack.write_security_file(CLOSED)

        def refused():
            self.stack.post("one", notification([]))
            return "AlertjoinCallersRefused" in self.look()
        wait_until(refused, WITHIN_SECONDS, "AlertjoinCallersRefused fires", seen=self.look)
        self.assertEqual(401, self.stack.post("one", notification([])))
        self.note_metrics()
        # Everyone is let in again by a restart only.
        self.stack.write_security_file(OPEN)
        self.breaks("AlertjoinIngestDown")
        self.stack.kill("one")
        self.stack.start("one")
        self.assertEqual(200, self.stack.post("one", notification([])))

    def test_5_a_subscriber_that_does_not_read(self):
        self.await_alert("AlertjoinSubscriberDropped", reason="SUBSCRIBER_TOO_SLOW")

    def test_6_services_that_are_away(self):
        self.note_metrics()
        behind = ("AlertjoinUplinkDisconnected", "AlertjoinAckLag", "AlertjoinSpoolGrowing")
        self.breaks("AlertjoinCorrelatorDown", *behind)
        self.stack.kill("correlator")
        for name in ("AlertjoinCorrelatorDown", *behind):
            self.await_alert(name)
        self.stack.kill("one")
        self.await_alert("AlertjoinIngestDown")
        self.stack.start("correlator", "one")

    def test_7_all_is_well_when_everything_is_mended(self):
        def well():
            self.beat()
            return self.look() == INBORN
        wait_until(well, 120, f"only {INBORN} fire", seen=self.look)
        self.assertEqual({"refusing"}, {
            alert["labels"]["source"] for alert in self.stack.observe("alerts")["alerts"]
            if alert["labels"]["alertname"] == "AlertjoinPollFailing"})

    def test_8_none_fired_before_its_fault(self):
        # All rules have looked back as far as they do.
        longest = max(_looks_back(rule) + _seconds(rule.get("for", "0ms")) for rule in _rules())
        wait_until(lambda: time.time() > self.observed_since + longest, 120,
                   "rules have looked back")
        # As recorded: in the steps of a range query one that fired for a moment may be missing.
        since = math.ceil(time.time() - self.healthy_at)
        seen = self.stack.observe("query", query=f'ALERTS{{alertstate="firing"}}[{since}s]')
        first = {}
        for series in seen["result"]:
            name = series["metric"]["alertname"]
            for begun, _ in series["values"]:
                if begun >= self.healthy_at:
                    first[name] = min(first.get(name, begun), begun)
        self.assertEqual(INBORN | set(self.broken_at), set(first))
        for name, broken in self.broken_at.items():
            self.assertGreaterEqual(first[name], broken, name)

    def test_9_whatever_the_alerts_and_the_dashboard_ask_for_is_exposed(self):
        self.note_metrics()
        dashboard = json.loads((REPOSITORY / "deploy/grafana/dashboard.json").read_text())
        texts = [rule["expr"] for rule in _rules()] + [
            target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        wanted = set(re.findall(r"\balertjoin_\w+", " ".join(texts)))
        self.assertGreater(len(wanted), 40)
        self.assertEqual(set(), wanted - self.metrics)

    def test_9_both_expositions_are_as_promtool_wants_them(self):
        for name in ("one", "correlator"):
            done = subprocess.run(["promtool", "check", "metrics"], capture_output=True, text=True,
                                  input=self.stack.exposition(name), timeout=30)
            self.assertEqual(0, done.returncode, f"{name}: {done.stdout}{done.stderr}")


def _rules():
    text = quickened_rules((SHIPPED / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def _rfc3339_now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _seconds(duration):
    """Of the quickened rules, which have milliseconds only."""
    return int(duration.removesuffix("ms")) / 1000


def _looks_back(rule):
    return max(map(_seconds, re.findall(r"\[(\d+ms)\]", rule["expr"])), default=0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
