"""alertjoin watched by Prometheus with the alerts that are shipped: both services are up, a healthy
one fires nothing, and each fault makes its alert."""
import json
import re
import subprocess
import unittest
from datetime import datetime, timezone

import grpc
import yaml

import support
from alert_feed import Episode, now_ms
from fault_stack import notification
from observed_stack import CLOSED, FAULTY, OPEN, SHIPPED, ObservedStack, quickened_rules
from support import REPOSITORY, wait_until

# What the stack is made with, and what always fires therefore.
INBORN = {"AlertjoinTokenRejected", "AlertjoinSourceClockSkew", "AlertjoinPollFailing"}
HEARTBEAT = json.dumps([{"labels": {"alertname": "Heart"}}])
ROWS = 4000  # whose notifications are more than what waits in a connection that nobody reads
TOO_SLOW_AFTER_SECONDS = 30


class SelfObservationTest(unittest.TestCase):
    """The tests of one stack, in the order of their names; each mends what it broke."""

    @classmethod
    def setUpClass(cls):
        support.api()
        cls.stack = ObservedStack(_Cleanups(cls))
        cls.stack.start_all()
        cls.stack.start_observer()
        cls.metrics = set()
        cls.number = 0

    def setUp(self):
        self.stack.check()

    def post(self, count, padding=""):
        episodes = [self.next_episode() for _ in range(count)]
        alerts = [episode.as_alert() | {"annotations": {"padding": padding}}
                  for episode in episodes]
        self.assertEqual(200, self.stack.post("one", notification(alerts)))

    @classmethod
    def next_episode(cls):
        cls.number += 1
        return Episode(cls.number, "measured", f"i{cls.number % 10}", now_ms() - 1000)

    def note_metrics(self):
        for name in ("one", "correlator"):
            self.metrics.update(re.findall(r"^(alertjoin_\w+)", self.stack.exposition(name), re.M))

    def alerts_of(self, name):
        return [alert for alert in self.stack.observe("alerts")["alerts"]
                if alert["labels"]["alertname"] == name and alert["state"] == "firing"]

    def test_1_both_targets_are_up(self):
        up = {"alertjoin-ingest": "up", "alertjoin-correlator": "up"}
        wait_until(lambda: self.stack.targets() == up, 30, "both targets are up")

    def test_2_a_healthy_system_fires_nothing(self):
        for name in INBORN:
            self.stack.await_alert(name)
        self.post(10)
        self.stack.post_to("/api/v2/alerts", HEARTBEAT)
        self.stack.await_end("AlertjoinHeartbeatMissing")
        # As long as the longest `for` and range of the rules: who wants to fire has fired.
        longest = max(_seconds(rule) for rule in _rules())
        evaluations = self.evaluations()

        def all_have_looked():
            self.assertEqual(200, self.stack.post_to("/api/v2/alerts", HEARTBEAT))
            return self.evaluations() > evaluations + longest
        wait_until(all_have_looked, 120, "rules are evaluated")
        self.assertEqual(INBORN, set(self.stack.alerts()))
        for name in INBORN:
            self.assertEqual({"refusing"} if name != "AlertjoinTokenRejected"
                             else {"refusing", "grafana"},
                             {alert["labels"].get("source", alert["labels"].get("grafana"))
                              for alert in self.alerts_of(name)}, name)

    def evaluations(self):
        """Of the rules since the observer's start: their own alerts are counted by it each time."""
        found = self.stack.observe("query", query='count_over_time(up{job="alertjoin-ingest"}[1h])')
        return int(found["result"][0]["value"][1])

    def test_3_a_source_that_cannot_be_polled(self):
        self.stack.kill("prometheus")

        def failing():
            return "prometheus" in {alert["labels"]["source"]
                                    for alert in self.alerts_of("AlertjoinPollFailing")}
        wait_until(failing, 60, "polls of prometheus fail")
        self.stack.start_made_up_prometheus()
        wait_until(lambda: not failing(), 60, "polls of prometheus are well")

    def test_4_bodies_and_senders_that_are_refused(self):
        self.assertEqual(400, self.stack.post("one", "{"))
        self.assertEqual(401, self.stack.post_to("/webhook/guarded", notification([])))
        # As Prometheus sends, which repeats what it said before.
        posted = json.dumps([{"labels": {"alertname": "Posted"}, "startsAt": _rfc3339_now()}])
        for _ in range(2):
            self.assertEqual(200, self.stack.post_to("/api/v2/alerts", posted))
        self.stack.await_alert("AlertjoinDeadLetters")
        denied = self.stack.await_alert("AlertjoinSenderDenied")
        self.assertEqual(("guarded", "no_credentials"),
                         (denied["labels"]["source"], denied["labels"]["reason"]))
        self.stack.await_end("AlertjoinDeadLetters")

    def test_4_a_heart_that_stops(self):
        missing = self.stack.await_alert("AlertjoinHeartbeatMissing")
        self.assertEqual("alertmanager", missing["labels"]["source"])

        def beats():
            self.stack.post_to("/api/v2/alerts", HEARTBEAT)
            return "AlertjoinHeartbeatMissing" not in self.stack.alerts()
        wait_until(beats, 60, "the heartbeat is seen")

    def test_5_a_subscriber_that_does_not_read(self):
        for _ in range(ROWS // 100):
            self.post(100, padding="x" * 1000)
        wait_until(lambda: self.stack.rows(page_size=1)[0], 30, "rows are there")
        options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536),
                   ("grpc.enable_http_proxy", 0)]
        with grpc.insecure_channel(self.stack.address["grpc"], options=options) as channel:
            stub = support.api().CorrelatorServiceStub(channel)
            call = stub.SubscribeJoinedRows(support.api().SubscribeJoinedRowsRequest())
            next(call)
            dropped = self.stack.await_alert("AlertjoinSubscriberDropped",
                                             TOO_SLOW_AFTER_SECONDS + 60)
            self.assertEqual("SUBSCRIBER_TOO_SLOW", dropped["labels"]["reason"])
            call.cancel()
        self.note_metrics()
        self.stack.await_end("AlertjoinSubscriberDropped")

    def test_6_a_correlator_that_is_away(self):
        self.stack.kill("correlator")
        for name in ("AlertjoinCorrelatorDown", "AlertjoinUplinkDisconnected", "AlertjoinAckLag",
                     "AlertjoinSpoolGrowing"):
            self.stack.await_alert(name)
        self.stack.start("correlator")
        for name in ("AlertjoinCorrelatorDown", "AlertjoinUplinkDisconnected", "AlertjoinAckLag",
                     "AlertjoinSpoolGrowing"):
            self.stack.await_end(name)

    def test_6_security_files_that_are_faulty_or_let_nobody_in(self):
        self.stack.write_security_file(FAULTY)
        self.stack.await_alert("AlertjoinSecurityFileFaulty")
        self.stack.write_security_file(CLOSED)
        self.stack.await_end("AlertjoinSecurityFileFaulty")

        def refused():
            self.assertEqual(401, self.stack.post("one", notification([])))
            return self.stack.alerts().get("AlertjoinCallersRefused")
        wait_until(refused, 60, "AlertjoinCallersRefused fires")
        self.stack.write_security_file(OPEN)
        self.stack.await_end("AlertjoinCallersRefused")
        self.note_metrics()

    def test_6_a_configuration_that_is_refused(self):
        for name, job in (("one", "alertjoin-ingest"), ("correlator", "alertjoin-correlator")):
            self.stack.reload(name, more="nonsense: 1\n")
            failed = self.stack.await_alert("AlertjoinReloadFailed")
            self.assertEqual(job, failed["labels"]["job"])
            self.stack.reload(name)
            self.stack.await_end("AlertjoinReloadFailed")

    def test_7_an_ingest_that_is_away(self):
        self.note_metrics()
        self.stack.kill("one")
        self.stack.await_alert("AlertjoinIngestDown")
        self.stack.start("one")
        self.stack.await_end("AlertjoinIngestDown")

    def test_8_every_annotation_was_filled_in(self):
        seen = self.stack.observe("query", query='count_over_time(ALERTS{alertstate="firing"}[1h])')
        names = {series["metric"]["alertname"] for series in seen["result"]}
        self.assertGreaterEqual(len(names), 10, names)
        for alert in self.stack.observe("alerts")["alerts"]:
            for text in alert["annotations"].values():
                self.assertNotRegex(text, r"\{\{|error|no value", alert["labels"]["alertname"])

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


class _Cleanups:
    """A class in the place of a test for what a stack leaves to be cleaned up."""

    def __init__(self, test_class):
        self.addCleanup = test_class.addClassCleanup


def _rules():
    text = quickened_rules((SHIPPED / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def _rfc3339_now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _seconds(rule):
    """How long a rule of the quickened ones looks back, and waits."""
    back = [int(found) for found in re.findall(r"\[(\d+)ms\]", rule["expr"])]
    return (max(back, default=0) + int(rule.get("for", "0ms")[:-2])) / 1000


if __name__ == "__main__":
    unittest.main(verbosity=2)
