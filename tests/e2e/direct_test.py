"""A real Prometheus sends its alerts straight to ingest-service, and to Alertmanager besides."""
import collections
import http.client
import re
import time
import unittest

import support
from prometheus_truth import PrometheusTruth
from stack import PREFERRED_PORTS, Stack
from support import BINARIES, HERE, wait_until

FIRING, RESOLVED = 1, 2
ORIGIN_PROMETHEUS = 3
ALERTS = {"QueueDeep", "LatencyHigh", "BacklogHigh", "ErrorRatioHigh", "HeartbeatMissing"}


def metrics_of(address, name):
    """The values of one metric, by its labels as text."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {labels: float(value)
            for labels, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.M)}


def transition_key(row):
    transition = row.transition
    return (transition.fingerprint, transition.starts_at.ToMilliseconds(), transition.state,
            transition.event_time.ToMilliseconds())


def belongs_to(row):
    """The rule by which a series belongs to an alert by its own expression."""
    alert = row.transition.labels
    return lambda series: all(alert[name] == value for name, value in series.items()
                              if name in alert)


class DirectTest(unittest.TestCase):
    """One run, told as a timeline; the tests look at its end."""

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(BINARIES, ports=dict.fromkeys(PREFERRED_PORTS, 0),
                          ingest=HERE / "direct_ingest.yml",
                          prometheus=HERE / "direct_prometheus.yml",
                          prometheus_flags=["--rules.alert.resend-delay=3s"])
        cls.stack.__enter__()
        cls.addClassCleanup(cls.stack.stop)
        channel = support.client.open_channel(cls.stack.addresses["correlator_grpc"])
        cls.addClassCleanup(channel.close)
        cls.stub = support.api().CorrelatorServiceStub(channel)
        wait_until(cls.seen_enough, 150, "both states of every alert, twice for the threshold")
        # No alert that Alertmanager would still tell of shall be missed, none shall expire there.
        cls.until_ms = time.time() * 1000 - 8000
        cls.stack.stop_one("alertmanager")
        # Prometheus goes on, and the rows of that time become final.
        wait_until(cls.all_final, 60, "every row of that time is final")
        cls.rows = cls.rows_of_that_time()

    @classmethod
    def list_rows(cls):
        cls.stack.check()
        return support.list_all_rows(stub=cls.stub)[0]

    @classmethod
    def seen_enough(cls):
        seen = collections.Counter((row.transition.source, row.transition.alert_name,
                                    row.transition.state) for row in cls.list_rows())
        return all(seen[source, alert, state] >= (4 if alert == "QueueDeep" else 1)
                   for source in ("alertmanager", "direct") for alert in ALERTS
                   for state in (FIRING, RESOLVED))

    @classmethod
    def rows_of_that_time(cls):
        return [row for row in cls.list_rows()
                if row.transition.event_time.ToMilliseconds() < cls.until_ms]

    @classmethod
    def all_final(cls):
        return all(row.final for row in cls.rows_of_that_time())

    def rows_from(self, source):
        return [row for row in self.rows if row.transition.source == source]

    def test_what_comes_directly_and_by_alertmanager_is_one(self):
        direct, both = self.rows_from("direct"), self.rows_from("alertmanager")
        keys = collections.Counter((transition_key(row), row.query.name,
                                    tuple(sorted(row.match.series_labels.items())))
                                   for row in both)
        self.assertEqual(set(keys.values()), {1})
        self.assertEqual({transition_key(row) for row in direct},
                         {transition_key(row) for row in both})
        self.assertEqual(len(direct), len(both))
        # Both ways were used.
        stored = metrics_of(self.stack.addresses["ingest_http"], "alertjoin_webhook_alerts_total")
        for state in ("firing", "resolved"):
            self.assertGreater(stored[f'source="alertmanager",state="{state}"'],
                               stored[f'source="direct",state="{state}"'])

    def test_every_row_is_what_prometheus_says(self):
        truth = PrometheusTruth(self.stack.addresses["prometheus"])
        own = [row for row in self.rows if row.query.name != "queue_depth" or
               row.query.comparison_operator]
        faults = [f"{fault}\n{row}" for row in own
                  if (fault := truth.find_fault(row, belongs_to(row)))]
        print(f"\ncompared {len(own)} rows with Prometheus, {len(faults)} disagree")
        self.assertFalse(faults, "\n".join(faults))

    def test_their_origin_is_prometheus(self):
        for row in self.rows_from("direct"):
            self.assertEqual(row.transition.origin, ORIGIN_PROMETHEUS)
            self.assertEqual(row.transition.labels["cluster"], "demo")

    def test_repetitions_are_not_stored(self):
        address = self.stack.addresses["ingest_http"]
        repeated = metrics_of(address, "alertjoin_webhook_repeated_alerts_total")
        stored = metrics_of(address, "alertjoin_webhook_alerts_total")
        self.assertGreater(repeated['source="direct"'], 20)
        transitions = {transition_key(row) for row in self.list_rows()
                       if row.transition.source == "direct"}
        self.assertLessEqual(sum(value for labels, value in stored.items()
                                 if 'source="direct"' in labels), len(transitions) + 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
