"""What `alertjoin forward` tells of an event: its value, annotations of Grafana, CloudEvents."""
import unittest

from alertjoin.forward.cloud_events import CloudEvents
from alertjoin.forward.events import AlertEvent
from alertjoin.forward.grafana import Grafana
from alertjoin.forward.sysdig import Sysdig
from alertjoin.v1.joined_row_pb2 import JoinedRow

STARTS_MS, LASTED_MS = 1_700_000_000_123, 1500


def row_of(row_id="r", state=1, operation=1, value=None, operator=""):
    row = JoinedRow(row_id=row_id, revision=3, operation=operation, final=True)
    row.transition.state = state
    row.transition.source = "a b"
    row.transition.starts_at.FromMilliseconds(STARTS_MS)
    row.transition.event_time.FromMilliseconds(STARTS_MS + (state - 1) * LASTED_MS)
    row.query.comparison_operator = operator
    if value is not None:
        row.match.value = value
    return row


class ValueTest(unittest.TestCase):
    def value(self, *rows):
        return AlertEvent(rows, "e").value()

    def test_it_is_that_of_the_alerts_own_rule(self):
        own, other = row_of("b", value=1.5, operator=">"), row_of("a", value=2.5)
        self.assertEqual(1.5, self.value(own, other))
        self.assertEqual(2.5, self.value(other))

    def test_there_is_none_where_there_are_several_or_it_is_missing(self):
        self.assertIsNone(self.value(row_of("a", value=1.5), row_of("b", value=2.5)))
        self.assertIsNone(self.value(row_of(operator=">")))


class LastedTest(unittest.TestCase):
    def test_no_digit_of_a_long_time_is_lost(self):
        for lasted_ms, words in ((1500, "1.5"), (0, "0"), (100_000, "100"),
                                 (30 * 86_400_000 + 1, "2592000.001")):
            row = row_of(state=2)
            row.transition.event_time.FromMilliseconds(STARTS_MS + lasted_ms)
            event = AlertEvent([row], "e")
            self.assertIn(f" after {words} s", event.description())
            tags = Sysdig().request(event, "").body["event"]["tags"]
            self.assertEqual(words, tags["alertjoin_duration_seconds"])


class GrafanaTest(unittest.TestCase):
    def test_an_episode_is_one_annotation(self):
        target, firing, resolved = Grafana("uid", 4), *(
            AlertEvent([row_of(state=state)], "e") for state in (1, 2))
        begun = target.request(firing, "")
        self.assertEqual(("POST", "/api/annotations", STARTS_MS, "uid", 4),
                         (begun.method, begun.path, begun.body["time"],
                          begun.body["dashboardUID"], begun.body["panelId"]))
        self.assertNotIn("timeEnd", begun.body)
        remote = target.remote(firing, "", b'{"id": 7}')
        ended = target.request(resolved, remote)
        self.assertEqual(("PATCH", "/api/annotations/7", STARTS_MS, STARTS_MS + LASTED_MS),
                         (ended.method, ended.path, ended.body["time"], ended.body["timeEnd"]))
        # What is told of its start afterwards would take its end away.
        remote = target.remote(resolved, remote, b"{}")
        self.assertIsNone(target.request(firing, remote))
        self.assertEqual("/api/annotations/7", target.request(resolved, remote).path)

    def test_an_end_whose_start_is_not_known_is_both(self):
        only = Grafana().request(AlertEvent([row_of(state=2)], "e"), "")
        self.assertEqual(("POST", STARTS_MS, STARTS_MS + LASTED_MS),
                         (only.method, only.body["time"], only.body["timeEnd"]))


class CloudEventsTest(unittest.TestCase):
    def test_its_type_says_what_has_happened(self):
        for row, kind in ((row_of(), "alertjoin.alert.firing"),
                          (row_of(state=2), "alertjoin.alert.resolved"),
                          (row_of(operation=2), "alertjoin.row.deleted")):
            body = CloudEvents().request(AlertEvent([row], "e"), "").body
            self.assertEqual((kind, "r/3", "/alertjoin/a%20b"),
                             (body["type"], body["id"], body["source"]))


if __name__ == "__main__":
    unittest.main()
