"""Every joined row of a run on real Prometheus and Alertmanager is what Prometheus itself says."""
import collections
import math
import unittest

from prometheus_truth import MATCHED, NO_SERIES, STALE, PrometheusTruth, frozen
from row_table import RowTable, expect
from support import Subscription, api, correlator, list_all_rows, shared_stack

FIRING, RESOLVED = 1, 2
STATES = {FIRING: "FIRING", RESOLVED: "RESOLVED"}
THRESHOLD_ALERT = "QueueDeep"
OTHER_ALERTS = ["LatencyHigh", "BacklogHigh", "ErrorRatioHigh", "HeartbeatMissing"]
# The labels on which ingest.yml joins each configured query. An alert's own expression is joined with
# the series that contradict no label of the alert.
ON = {
    "QueueDeep": ["job", "instance"],
    "errors": ["job", "instance"],
    "error_ratio": ["job", "instance"],
    "heartbeat": ["job"],
    "nothing": ["job", "instance"],
}


def is_own(row):
    """Whether the query is the alert's own expression: split, or else named by itself."""
    return bool(row.query.comparison_operator) or row.query.name == row.query.expression


def series_belongs(row):
    """The rule by which a series belongs to the row's alert."""
    alert = row.transition.labels
    if is_own(row):
        return lambda series: all(alert[name] == value for name, value in series.items()
                                  if name in alert)
    return lambda series: all(alert.get(name, "") == series.get(name, "")
                              for name in ON[row.query.name])


def transition_key(row):
    transition = row.transition
    return (transition.source, transition.fingerprint, transition.starts_at.ToMilliseconds(),
            transition.state)


def tearDownModule():
    """The services end well when asked to, the subscriber having gone before."""
    shared_stack().stop()
    statuses = shared_stack().exit_statuses
    expect(statuses["ingest-service"] == 0 and statuses["correlator-service"] == 0, statuses)


class RealPeersTest(unittest.TestCase):
    """One run, told as a timeline; the tests look at its end."""

    @classmethod
    def setUpClass(cls):
        stack = shared_stack()
        cls.truth = PrometheusTruth(stack.addresses["prometheus"])
        request = api().SubscribeJoinedRowsRequest()
        request.progress_interval.FromSeconds(1)
        call = correlator().SubscribeJoinedRows(request)
        cls.addClassCleanup(call.cancel)
        cls.table = RowTable(Subscription(call))
        # Enough has happened ...
        cls.table.read_until(cls.seen_enough, 150, "rows of every kind", stack.check)
        # ... so nothing more shall: then every row becomes final, and the table comes to rest.
        cls.alertmanager_status = stack.stop_one("alertmanager")
        cls.table.read_until(cls.at_rest, 60, "every row is final", stack.check)
        cls.rows = list(cls.table.rows.values())

    @classmethod
    def transitions(cls):
        """Keys of all transitions by (alert, state), and the queues of the threshold alert's, of
        which those count that have a value for good."""
        found = collections.defaultdict(set)
        for row in cls.table.rows.values():
            alert, state = row.transition.alert_name, row.transition.state
            has_value = row.final and row.match.state == MATCHED
            if alert == THRESHOLD_ALERT and not (is_own(row) and has_value):
                continue
            found[alert, state].add(transition_key(row))
            if alert == THRESHOLD_ALERT:
                found["queues", state].add(row.transition.labels["queue"])
        return found

    @classmethod
    def seen_enough(cls):
        found = cls.transitions()
        return (all(len(found[THRESHOLD_ALERT, state]) >= 4 and len(found["queues", state]) == 2
                    for state in STATES)
                and all(found[alert, state] for alert in OTHER_ALERTS for state in STATES))

    @classmethod
    def at_rest(cls):
        return (cls.table.progress_in_a_row >= 2
                and all(row.final for row in cls.table.rows.values()))

    def test_every_row_is_what_prometheus_says(self):
        compared, faults = collections.Counter(), []
        for row in self.rows:
            fault = self.truth.find_fault(row, series_belongs(row))
            compared[row.transition.alert_name, STATES[row.transition.state],
                     api().TimeKind.Name(row.query.time_kind).removeprefix("TIME_KIND_"),
                     api().MatchState.Name(row.match.state).removeprefix("MATCH_STATE_")] += 1
            if fault:
                faults.append(f"{fault}\n{row}")
        print(f"\ncompared {len(self.rows)} rows with Prometheus, {len(faults)} disagree")
        for kind, count in sorted(compared.items()):
            print(f"  {count:4}  {'  '.join(kind)}")
        self.assertFalse(faults, "\n".join(faults))
        for alert in [THRESHOLD_ALERT, *OTHER_ALERTS]:
            for state in STATES.values():
                self.assertTrue([kind for kind in compared if kind[:2] == (alert, state)],
                                f"no rows of {alert} {state}")

    def test_the_comparison_notices_the_smallest_fault(self):
        row = next(row for row in self.rows if row.match.state == MATCHED and is_own(row))
        wrong = api().JoinedRow()
        for spoil in (lambda: setattr(wrong.match, "value", math.nextafter(row.match.value, 1e9)),
                      lambda: wrong.match.sample_time.FromMilliseconds(
                          row.match.sample_time.ToMilliseconds() - 1),
                      lambda: wrong.match.series_labels.update(queue="other"),
                      lambda: setattr(wrong.match, "state", STALE),
                      lambda: setattr(wrong.match, "state", NO_SERIES)):
            wrong.CopyFrom(row)
            self.assertIsNone(self.truth.find_fault(wrong, series_belongs(row)))
            spoil()
            self.assertIsNotNone(self.truth.find_fault(wrong, series_belongs(row)))

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

    def test_every_transition_is_joined_with_each_of_its_queries(self):
        queries = collections.defaultdict(set)
        for row in self.rows:
            name = "own" if is_own(row) else row.query.name
            queries[row.transition.alert_name, transition_key(row)].add(name)
        for (alert, _), names in queries.items():
            self.assertEqual(names, {
                "QueueDeep": {"own", "QueueDeep", "error_ratio"},
                "LatencyHigh": {"own", "errors", "nothing"},
                "BacklogHigh": {"own"},
                "ErrorRatioHigh": {"own"},
                "HeartbeatMissing": {"own", "heartbeat"},
            }[alert], alert)

    def test_the_threshold_alerts_value_is_on_the_right_side(self):
        rows = [row for row in self.rows
                if row.transition.alert_name == THRESHOLD_ALERT and is_own(row)]
        told_otherwise = 0
        for row in rows:
            self.assertEqual((row.query.comparison_operator, row.query.threshold), (">", 90))
            if (row.match.state == STALE and row.transition.state == RESOLVED
                    and self.truth.scrape_failed(row.transition.event_time.ToMilliseconds())):
                continue  # It ended for want of a value.
            self.assertEqual(row.match.state, MATCHED, row)
            self.assertEqual(row.match.series_labels["queue"], row.transition.labels["queue"])
            if row.transition.state == RESOLVED:
                self.assertLessEqual(row.match.value, 90)
                self.assertGreater(row.transition.reported_value, 90)
                told_otherwise += 1
            else:
                self.assertGreater(row.match.value, 90)
        self.assertGreaterEqual(told_otherwise, 4)

    def test_the_folded_stream_is_the_list(self):
        listed, sequences = list_all_rows(page_size=7)
        self.assertGreater(len(sequences), 3)
        self.assertEqual(set(sequences), {self.table.sequence})
        self.assertEqual({row.row_id: row for row in listed}, self.table.rows)
        times = [row.transition.event_time.ToMilliseconds() for row in listed]
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertEqual(len(listed), len(self.rows))

    def test_alertmanager_ended_well(self):
        self.assertEqual(self.alertmanager_status, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
