"""What `alertjoin forward` tells Sysdig: events of both versions of its API, and their scopes."""
import unittest

from alertjoin.forward.events import AlertEvent
from alertjoin.forward.sysdig import Sysdig, scope_of
from alertjoin.v1.joined_row_pb2 import JoinedRow
from scope_grammar import HOSTILE, parse_scope, printable
from support import seeded_random


class ScopeTest(unittest.TestCase):
    def test_hostile_values_stay_in_their_string(self):
        labels = {f"label_{number}": value for number, value in enumerate(HOSTILE)}
        self.assertEqual({name: printable(value) for name, value in labels.items()},
                         parse_scope(scope_of(labels)))

    def test_any_value_does(self):
        dice = seeded_random()
        signs = ["\\", '"', "'", "\n", "\r", "\t", "\x00", " and ", " = ", "a", "\u2028", "n"]
        for _ in range(3000):
            labels = {name: "".join(dice.choices(signs, k=dice.randrange(8))) for name in "abc"}
            expected = {name: printable(value) for name, value in labels.items() if value}
            self.assertEqual(expected, parse_scope(scope_of(labels)), labels)

    def test_names_that_are_none_are_left_out(self):
        self.assertEqual("kubernetes.pod.name = \"a\"", scope_of(
            {"kubernetes.pod.name": "a", "a b": "1", "": "2", "x\" = \"": "3", "1a": "4",
             "a.": "5"}))
        self.assertEqual("", scope_of({"a": ""}))

    def test_labels_are_renamed_as_told(self):
        row = JoinedRow(row_id="r")
        row.transition.labels.update({"instance": "i1", "job": "j"})
        said = Sysdig(scope={"host.hostName": "instance"}).request(AlertEvent([row], "e"), "").body
        self.assertEqual('host.hostName = "i1"', said["event"]["scope"])
        said = Sysdig(scope={}).request(AlertEvent([row], "e"), "").body
        self.assertNotIn("scope", said["event"])


class SysdigTest(unittest.TestCase):
    def event(self, state=1, **labels):
        row = JoinedRow(row_id="r", final=True)
        row.transition.state = state
        row.transition.alert_name = labels.get("alertname", "")
        row.transition.labels.update(labels)
        row.transition.starts_at.FromMilliseconds(1_700_000_000_123)
        row.transition.event_time.FromMilliseconds(1_700_000_000_123 + (state - 1) * 1500)
        return AlertEvent([row], "0123")

    def test_both_versions_of_the_api(self):
        two = Sysdig("v2").request(self.event(alertname="Deep", job="a"), "")
        self.assertEqual(("POST", "/api/v2/events"), (two.method, two.path))
        self.assertEqual(1_700_000_000_123, two.body["event"]["timestamp"])
        self.assertEqual('job = "a"', two.body["event"]["scope"])
        one = Sysdig("v1").request(self.event(alertname="Deep", job="a"), "")
        self.assertEqual("/api/events", one.path)
        self.assertEqual(1_700_000_000_123_000, one.body["event"]["timestamp"])
        self.assertEqual('job = "a"', one.body["event"]["filter"])
        self.assertNotIn("scope", one.body["event"])
        seconds = Sysdig("v1", time_unit="s").request(self.event(), "")
        self.assertEqual(1_700_000_000, seconds.body["event"]["timestamp"])

    def test_severities(self):
        def of(target, **labels):
            return target.request(self.event(**labels), "").body["event"]["severity"]
        plain = Sysdig()
        self.assertEqual([2, 2, 4, 4, 4], [of(plain, severity=text) for text in (
            "critical", "CRITICAL", "warning", "whatever", "")])
        self.assertEqual(6, of(plain, severity="critical", state=2))
        own = Sysdig(severities={"p1": 0, "default": 7, "resolved": "NONE"}, severity_label="level")
        self.assertEqual([0, 7, "NONE"], [of(own, level="P1"), of(own), of(own, state=2)])

    def test_an_alert_without_name_and_annotations_has_an_event(self):
        said = Sysdig().request(self.event(), "").body["event"]
        self.assertEqual("alert", said["name"])
        self.assertIn("FIRING since 2023-11-14T22:13:20.123Z", said["description"])


if __name__ == "__main__":
    unittest.main()
