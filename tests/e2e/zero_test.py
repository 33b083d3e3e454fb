"""Without any query or binding configured, every transition has the values that Prometheus has."""
import collections
import http.client
import re
import unittest

import support
from prometheus_truth import MATCHED, STALE, PrometheusTruth, bits, frozen
from row_table import RowTable
from support import BINARIES, HERE, Subscription, api, demo_stack

FIRING, RESOLVED = 1, 2

# What the rule of each alert observes: expression, operator, threshold, and the labels on which it is
# joined (None: all that both have).
QUEUE, MAIL, ORDERS = ("demo_queue_depth", 'demo_queue_depth{queue="mail"}',
                       'demo_queue_depth{queue="orders"}')
OBSERVED = {
    "Plain": [(QUEUE, ">", 90, None)],
    "Rate": [('rate(demo_requests_total{code="500"}[8s])', ">", 12, None)],
    "SumBy": [("sum by (job) (demo_queue_depth)", ">", 150, None)],
    "GroupLeft": [(QUEUE, ">", None, None),
                  ("demo_latency_seconds * 150", "<", None, ["job", "instance"])],
    "Both": [(ORDERS, ">", 60, None), (MAIL, ">", 20, ["instance"])],
    "Unless": [(QUEUE, ">", 40, None), ("demo_latency_seconds", "", None, ["instance"])],
    "TwoVectors": [(ORDERS, ">", None, None), (MAIL, "<", None, None)],
    "Absent": [('absent(demo_heartbeat_time_seconds{job="demo"})', "", None, None)],
    "Bool": [("sum by (job, instance) (demo_queue_depth > bool 60)", ">=", 2, None)],
    "Offset": [("demo_queue_depth - demo_queue_depth offset 4s", ">", 10, None)],
    "Subquery": [('max_over_time(rate(demo_requests_total{code="500"}[6s])[6s:2s])', ">", 14,
                  None)],
    "NumberLeft": [("-demo_queue_depth", "<", -60, None)],
}


def series_belongs(row):
    """The rule by which a series belongs to the row's alert."""
    alert = row.transition.labels
    on = next(on for expression, _, _, on in OBSERVED[row.transition.alert_name]
              if expression == row.query.expression)
    if on is None:
        return lambda series: all(alert[name] == value for name, value in series.items()
                                  if name in alert)
    return lambda series: all(alert.get(name, "") == series.get(name, "") for name in on)


def transition_key(row):
    transition = row.transition
    return (transition.alert_name, transition.state, transition.fingerprint,
            transition.starts_at.ToMilliseconds())


def metric(address, name):
    """The values of one metric by its labels as written."""
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return {labels: float(value) for labels, value
            in re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)", text, re.MULTILINE)}


class ZeroConfigurationTest(unittest.TestCase):
    """One run, told as a timeline; the tests look at its end."""

    @classmethod
    def setUpClass(cls):
        stack = demo_stack.Stack(BINARIES, ports=dict.fromkeys(demo_stack.PREFERRED_PORTS, 0),
                                 rules=HERE / "zero_rules.yml", ingest=HERE / "zero_ingest.yml")
        stack.__enter__()
        cls.addClassCleanup(stack.stop)
        cls.truth = PrometheusTruth(stack.addresses["prometheus"])
        channel = support.client.open_channel(stack.addresses["correlator_grpc"])
        cls.addClassCleanup(channel.close)
        request = api().SubscribeJoinedRowsRequest()
        request.progress_interval.FromSeconds(1)
        call = api().CorrelatorServiceStub(channel).SubscribeJoinedRows(request)
        cls.addClassCleanup(call.cancel)
        cls.table = RowTable(Subscription(call))
        cls.table.read_until(cls.seen_enough, 180, "every alert fires and is resolved", stack.check)
        # Nothing more shall happen: then every row becomes final.
        stack.stop_one("alertmanager")
        cls.table.read_until(
            lambda: cls.table.progress_in_a_row >= 2
            and all(row.final for row in cls.table.rows.values()),
            90, "every row is final", stack.check)
        cls.rows = list(cls.table.rows.values())
        cls.found = metric(stack.addresses["ingest_http"], "alertjoin_binding_rules_total")
        cls.polled = metric(stack.addresses["ingest_http"], "alertjoin_learnt_queries_polled")

    @classmethod
    def seen_enough(cls):
        seen = {transition_key(row)[:2] for row in cls.table.rows.values()}
        return all((alert, state) in seen for alert in OBSERVED for state in (FIRING, RESOLVED))

    def test_every_row_is_what_prometheus_says(self):
        compared, faults = collections.Counter(), []
        for row in self.rows:
            fault = self.truth.find_fault(row, series_belongs(row))
            compared[row.transition.alert_name] += 1
            if fault:
                faults.append(f"{fault}\n{row}")
        transitions = {transition_key(row) for row in self.rows}
        print(f"\n{len(transitions)} transitions of {len(compared)} rules, {len(self.rows)} rows "
              f"compared with Prometheus, {len(faults)} disagree")
        self.assertFalse(faults, "\n".join(faults))
        self.assertEqual(set(compared), set(OBSERVED))

    def test_every_transition_has_what_its_rule_observes(self):
        found = collections.defaultdict(set)
        for row in self.rows:
            query = row.query
            threshold = query.threshold if query.HasField("threshold") else None
            found[transition_key(row)].add((query.expression, query.comparison_operator, threshold))
        for key, observed in found.items():
            self.assertEqual(observed, {operand[:3] for operand in OBSERVED[key[0]]}, key)

    def test_every_series_that_prometheus_has_is_in_a_row(self):
        groups = collections.defaultdict(list)
        for row in self.rows:
            groups[transition_key(row), row.query.name].append(row)
        for group in groups.values():
            row, belongs = group[0], series_belongs(group[0])
            alive = self.truth.alive(row.query.expression,
                                     row.transition.event_time.ToMilliseconds())
            self.assertCountEqual(
                [frozen(row.match.series_labels) for row in group if row.match.state == MATCHED],
                [series for series in alive if belongs(dict(series))], str(group))

    def test_the_threshold_holds_exactly_while_the_alert_fires(self):
        """Of rules that are one comparison, whose series has a value at both ends."""
        compare = {">": float.__gt__, ">=": float.__ge__, "<": float.__lt__}
        checked = collections.Counter()
        for row in self.rows:
            alert = row.transition.alert_name
            if len(OBSERVED[alert]) > 1 or not row.query.HasField("threshold"):
                continue
            if (row.match.state == STALE and row.transition.state == RESOLVED
                    and self.truth.scrape_failed(row.transition.event_time.ToMilliseconds())):
                continue  # It ended for want of a value.
            self.assertEqual(row.match.state, MATCHED, row)
            holds = compare[row.query.comparison_operator](row.match.value, row.query.threshold)
            self.assertEqual(holds, row.transition.state == FIRING, row)
            checked[alert] += 1
        self.assertGreaterEqual(len(checked), 6)

    def test_the_value_at_the_pending_start_is_that_of_prometheus(self):
        """Of the rule with a `for`, whose alerts are pending before they fire."""
        compared = 0
        for row in self.rows:
            transition, match = row.transition, row.match
            if transition.alert_name != "Rate" or not transition.HasField("active_at"):
                continue
            pending_ms = transition.active_at.ToMilliseconds()
            self.assertLessEqual(pending_ms + 4000, transition.starts_at.ToMilliseconds())
            alive = self.truth.alive(row.query.expression, pending_ms)
            self.assertTrue(match.HasField("value_at_active"), row)
            self.assertEqual(bits(alive[frozen(match.series_labels)]), bits(match.value_at_active))
            self.assertEqual(pending_ms, match.active_sample_time.ToMilliseconds())
            compared += 1
        self.assertGreater(compared, 0)

    def test_the_rules_were_read_and_their_queries_polled(self):
        self.assertGreater(self.found.get('found="catalogue"', 0), 0, self.found)
        self.assertEqual(self.found.get('found="none"', 0), 0, self.found)
        self.assertGreater(sum(self.polled.values()), 0, self.polled)


if __name__ == "__main__":
    unittest.main(verbosity=2)
