"""Nothing missed: whatever Alertmanager does not send, and whoever is away, the rows have every
transition of which Prometheus' own ALERTS series know, to the millisecond."""
import json
import subprocess
import time
import unittest

from prometheus_truth import PrometheusTruth
from reconcile_stack import SOURCE, ReconcileStack
from support import BINARIES, api, wait_until

FIRING, RESOLVED = 1, 2
WEBHOOK, RECONCILIATION = 1, 4  # Origin
OK, UNREACHABLE = 1, 4  # SourceHealth
# Of what was found while nobody was away: settle delay, poll, wait, and a machine that is busy. A
# source that hangs would keep it back for longer.
FOUND_WITHIN_SECONDS = 20
STATES = {FIRING: "FIRING", RESOLVED: "RESOLVED"}


def sent_labels(labels):
    """What Prometheus' configuration makes of the labels of an ALERTS series."""
    sent = {"cluster": "east", **labels}
    for name in ("__name__", "alertstate", "internal"):
        sent.pop(name, None)
    sent["route"] = f"{labels.get('severity', '')}/east"
    if "name" in labels:
        sent["initial"] = labels["name"][0]
    return frozenset(sent.items())


# Each in a group of notifications of its own.
ALONE = ("short", "flapping", "silenced", "inhibited", "inhibitor")
MANY = [f"m{i}" for i in range(8)]


class History:
    """What happened, as the raw samples of the ALERTS series say: an alert fires from the first
    evaluation that recorded it to the first that did not."""

    def __init__(self, address):
        self._address = address
        self._states = {}  # alert -> state -> times
        self.transitions = {}  # (labels, state, start) -> (end, pending start)

    def read(self):
        """Adds what Prometheus has now: a restart may cost it the oldest samples."""
        truth = PrometheusTruth(self._address)
        for labels, samples in truth.query("ALERTS[30m]", round(time.time() * 1000)):
            alert = frozenset((k, v) for k, v in labels.items() if k != "alertstate")
            states = self._states.setdefault(alert, {"pending": set(), "firing": set()})
            states[labels["alertstate"]].update(t for t, _ in samples)
        always = next(alert for alert in self._states if dict(alert)["alertname"] == "Always")
        self.evaluations = sorted(self._states[always]["firing"])
        self._place = {t: i for i, t in enumerate(self.evaluations)}
        self.transitions = {}
        for alert, states in self._states.items():
            # Prometheus records nothing of its first two evaluations: what fires from the very
            # beginning does so longer than the series say.
            if alert == always:
                continue
            self._add(sent_labels(dict(alert)), sorted(states["firing"]), states["pending"])

    def _add(self, labels, firing, pending):
        start = None
        for i, at in enumerate(firing):
            if start is None:
                start, active = at, at
                while self._before(active) in pending:
                    active = self._before(active)
                self.transitions[labels, FIRING, start] = (None, active)
            after = self._after(at)
            if after is None or (i + 1 < len(firing) and firing[i + 1] == after):
                continue
            self.transitions[labels, RESOLVED, start] = (after, None)
            start = None

    def _before(self, at):
        place = self._place[at]
        return self.evaluations[place - 1] if place else None

    def _after(self, at):
        place = self._place[at] + 1
        return self.evaluations[place] if place < len(self.evaluations) else None


def key_of(transition):
    return (frozenset(transition.labels.items()), transition.state,
            transition.starts_at.ToMilliseconds())


def told(key):
    labels, state, start = key
    return f"{dict(labels)['name']} {STATES[state]} since {start}"


class ReconcileTest(unittest.TestCase):
    """One run, told as a timeline."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.stack = ReconcileStack(cls.addClassCleanup)
        cls.stack.signals.set(0, "e", "f", "g", "h", "w")
        for name in ALONE:
            cls.stack.signals.set(0, name, group=name)
        cls.stack.signals.set(0, *MANY, group="many")
        cls.stack.signals.set(0, "late", "latest", group="late")
        cls.stack.signals.set(0, "p", "q", sort="held")
        cls.stack.start("correlator-service", "alertmanager", "prometheus", "ingest-service")
        cls.history = History(cls.stack.address["prometheus"])
        cls.run_timeline()
        cls.await_everything()
        wait_until(lambda: cls.stack.sources().get("hung") == UNREACHABLE, 40,
                   "the health of the source that hangs")
        cls.sources = cls.stack.sources()
        cls.seen = {found: cls.stack.metric("alertjoin_reconcile_transitions_total", found=found)
                    for found in ("both", "reconciliation_only", "webhook_later", "webhook_only")}
        cls.ended = [cls.stack.end("ingest-service"), cls.stack.end("correlator-service")]
        cls.by_webhook = cls.read_webhooks()
        # Alertmanager may have told something at the very end: the rows of all that was taken.
        cls.stack.start("correlator-service")
        cls.rows = cls.stack.rows()

    @classmethod
    def pulse(cls, seconds, *names, after=0.0, **where):
        """These signals are on for so long; then nothing happens for a while."""
        cls.stack.signals.set(1, *names, **where)
        time.sleep(seconds)
        cls.stack.signals.set(0, *names, **where)
        time.sleep(after)

    @staticmethod
    def spans(*spans, names, **where):
        """The signals are on in these times."""
        return [(at, value, names, where) for begin, end in spans
                for at, value in ((begin, 1), (end, 0))]

    @classmethod
    def together(cls, *scripts):
        """Plays all of them at the same time, to the end of the longest."""
        began = time.monotonic()
        for at, value, names, where in sorted((step for script in scripts for step in script),
                                              key=lambda step: step[0]):
            time.sleep(max(0, began + at - time.monotonic()))
            cls.stack.signals.set(value, *names, **where)

    @classmethod
    def run_timeline(cls):
        stack = cls.stack
        wait_until(lambda: stack.metric("alertjoin_reconcile_through_seconds",
                                        source="prometheus") > 0, 30, "the history is read")
        truth = PrometheusTruth(stack.address["prometheus"])
        wait_until(lambda: truth.alive("signal", round(time.time() * 1000)), 30, "a first scrape")
        stack.silence("silenced")
        cls.together(
            # Inside group_wait: Alertmanager never tells. With a `for`: pending, and never firing.
            cls.spans((0, 1.2), names=["short"], group="short"),
            cls.spans((0, 1.2), (3, 9), names=["p"], sort="held"),
            # Told once; then it flaps inside group_interval.
            cls.spans((0, 6), (8, 10), names=["flapping"], group="flapping"),
            cls.spans((0, 5), names=["silenced"], group="silenced"),
            cls.spans((2.5, 7), names=["inhibited"], group="inhibited"),
            cls.spans((0, 9), names=["inhibitor"], group="inhibitor"),
            # More than max_alerts.
            cls.spans((0, 6), names=MANY, group="many"),
            # The second has to wait for the next notification of the group: it is found before.
            cls.spans((0, 12), names=["late"], group="late"),
            cls.spans((4, 12), names=["latest"], group="late"),
            [(5, 1, ["e"], {})], [(14, 0, [], {})])
        # Alertmanager is away at the resolve, and has forgotten what it had told.
        cls.found_first = stack.metric("alertjoin_reconcile_transitions_total",
                                       found="webhook_later")
        cls.nobody_away_until = time.time()
        stack.kill("alertmanager")
        stack.forget_notifications()
        stack.signals.set(0, "e")
        time.sleep(2)
        stack.start("alertmanager")
        # Ingest is away: one alert comes and goes, one begins before and ends meanwhile, one
        # begins meanwhile and stays.
        stack.signals.set(1, "w")
        stack.signals.set(1, "q", sort="held")
        time.sleep(6)
        stack.kill("ingest-service")
        cls.pulse(2, "f", after=1)
        stack.signals.set(0, "w")
        stack.signals.set(1, "g")
        time.sleep(3)
        stack.start("ingest-service")
        # The correlator is away.
        stack.kill("correlator-service")
        stack.signals.set(0, "g")
        stack.signals.set(0, "q", sort="held")
        cls.pulse(2, "f", after=1)
        stack.start("correlator-service")
        # Prometheus is started again while an alert fires.
        stack.signals.set(1, "h")
        time.sleep(4)
        cls.history.read()
        stack.end("prometheus")
        stack.start("prometheus")
        time.sleep(4)
        stack.signals.set(0, "h")
        time.sleep(3)
        stack.check()

    @classmethod
    def await_everything(cls):
        """Until the rows have what happened so far; whether it is right is for the tests."""
        cls.history.read()
        ended = max(end or start for (_, _, start), (end, _) in cls.history.transitions.items())

        def there():
            cls.stack.check()
            through = 1000 * cls.stack.metric("alertjoin_reconcile_through_seconds",
                                              source="prometheus")
            # Time enough to decide, and for Alertmanager to tell what it wants to tell.
            return through > ended + 13_000
        wait_until(there, 90, "the history has been read past the last transition")
        known = set(cls.history.transitions)
        try:
            wait_until(lambda: known <= {key_of(row.transition) for row in cls.stack.rows()}, 20,
                       "every transition")
        except AssertionError:
            pass  # The test shows which.
        cls.history.read()

    @classmethod
    def read_webhooks(cls):
        """The transitions in the notifications that ingest has taken."""
        program = BINARIES / "correlator-service" / "correlator-service"
        printed = subprocess.run(
            [program, "payloads", f"--config.file={cls.stack.directory}/correlator-service.yml"],
            capture_output=True, check=True, text=True, timeout=60).stdout
        found = set()
        for line in printed.splitlines():
            payload = json.loads(line)
            if payload["source"] != SOURCE:
                continue
            for alert in json.loads(payload["body"])["alerts"]:
                start = api().Transition()
                start.starts_at.FromJsonString(alert["startsAt"])
                states = [FIRING] if alert["status"] == "firing" else [RESOLVED]
                for state in states:
                    found.add((frozenset(alert["labels"].items()), state,
                               start.starts_at.ToMilliseconds()))
        return found

    def test_every_transition_is_there_and_no_other(self):
        rows = {}
        for row in self.rows:
            end = row.transition.ends_at.ToMilliseconds() if row.transition.state == RESOLVED else None
            if row.transition.alert_name != "Always":
                rows.setdefault(key_of(row.transition), set()).add(end)
        wanted = {key: {end} for key, (end, _) in self.history.transitions.items()}
        missed = sorted(told(key) for key in set(wanted) - set(rows))
        extra = sorted(told(key) for key in set(rows) - set(wanted))
        self.assertEqual((missed, extra), ([], []))
        self.assertEqual(rows, wanted)
        self.assertGreater(len(wanted), 35)

    def test_the_webhook_alone_missed_some(self):
        missed = set(self.history.transitions) - self.by_webhook
        print(f"\n{len(self.history.transitions)} transitions happened; the webhook alone missed "
              f"{len(missed)} of them:")
        for text in sorted(map(told, missed)):
            print(f"  {text}")
        self.assertGreater(len(missed), 15)
        self.assertGreater(len(self.by_webhook & set(self.history.transitions)), 10)

    def test_both_ways_make_one_row(self):
        ids = {}
        for row in self.rows:
            ids.setdefault((key_of(row.transition), row.query.expression,
                            frozenset(row.match.series_labels.items())), []).append(row.row_id)
        self.assertEqual([key for key, found in ids.items() if len(found) > 1], [])
        fingerprints = {}
        for row in self.rows:
            fingerprints.setdefault(frozenset(row.transition.labels.items()),
                                    set()).add(row.transition.fingerprint)
        self.assertEqual([f for f in fingerprints.values() if len(f) > 1], [])

    def test_origins_say_who_knew(self):
        for row in self.rows:
            if key_of(row.transition) not in self.by_webhook:
                self.assertEqual(row.transition.origin, RECONCILIATION, row)

    def test_whoever_was_first_the_row_shows_what_was_sent(self):
        sent = [row for row in self.rows if key_of(row.transition) in self.by_webhook]
        self.assertGreater(len(sent), 10)
        for row in sent:
            self.assertEqual(row.transition.origin, WEBHOOK, row)
            self.assertEqual(row.transition.notification.receiver, "alertjoin", row)
            self.assertEqual(row.transition.HasField("reported_value"),
                             row.transition.alert_name == "Plain", row)
        print(f"\n{self.found_first:.0f} transitions had been found before they were sent")

    def test_silenced_and_inhibited_alerts_are_there(self):
        for name in ("silenced", "inhibited"):
            rows = [row for row in self.rows if row.transition.labels["name"] == name]
            self.assertEqual({row.transition.state for row in rows}, {FIRING, RESOLVED}, name)
            self.assertEqual({row.transition.origin for row in rows}, {RECONCILIATION}, name)
            self.assertFalse([key for key in self.by_webhook if dict(key[0]).get("name") == name])

    def test_a_source_that_hangs_delays_no_other(self):
        self.assertEqual((self.sources["hung"], self.sources["prometheus"]), (UNREACHABLE, OK))
        late = {}
        for row in self.rows:
            happened = row.transition.event_time.ToMilliseconds() / 1000
            found = (row.transition.origin == RECONCILIATION and
                     row.transition.alert_name != "Always")
            if found and happened < self.nobody_away_until - 10:
                late[told(key_of(row.transition))] = (
                    row.alert_received_time.ToMilliseconds() / 1000 - happened)
        print(f"\n{len(late)} transitions were found within {max(late.values()):.1f} s")
        self.assertLess(max(late.values()), FOUND_WITHIN_SECONDS, late)
        self.assertEqual(self.ended, [0, 0])

    def test_what_was_found_has_its_values(self):
        found = [row for row in self.rows if row.transition.origin == RECONCILIATION
                 and row.transition.alert_name == "Plain"]
        self.assertTrue(found)
        for row in found:
            self.assertEqual(row.query.comparison_operator, ">", row)
            self.assertEqual(api().MatchState.Name(row.match.state), "MATCH_STATE_MATCHED", row)
            self.assertEqual(row.match.value, 1 if row.transition.state == FIRING else 0, row)

    def test_counters_tell_the_same(self):
        print(f"\nsince ingest was started again: {self.seen}")
        self.assertGreater(self.seen["both"], 0)
        self.assertGreater(self.seen["reconciliation_only"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
