"""Two Prometheus servers with the same rules, of one alert source, and nobody else to tell of their
alerts: what fires is one episode, whichever of them is away or started again meanwhile."""
import time
import unittest

from prometheus_truth import PrometheusTruth
from reconcile_stack import ReconcileStack
from support import wait_until

FIRING, RESOLVED = 1, 2
PAIR = ("prometheus", "twin")


class ReconcilePairTest(unittest.TestCase):
    def setUp(self):
        self.stack = ReconcileStack(self.addCleanup, second="twin")
        self.stack.signals.set(0, "p", sort="held")
        self.stack.start("correlator-service", *PAIR, "ingest-service")
        for source in PAIR:
            wait_until(lambda source=source: self.stack.metric(
                "alertjoin_reconcile_through_seconds", source=source) > time.time() - 60, 30,
                f"the history of {source} is read")

    def evaluations(self, source, state):
        """The times at which it found p so."""
        answer = PrometheusTruth(self.stack.address[source]).query(
            f'ALERTS{{name="p",alertstate="{state}"}}[30m]', round(time.time() * 1000))
        return sorted(t for _, samples in answer for t, _ in samples)

    def within_another(self):
        return self.stack.metric("alertjoin_reconcile_transitions_total", found="within_another")

    def transitions(self):
        """(state, start, end) of p's rows."""
        return sorted({(row.transition.state, row.transition.starts_at.ToMilliseconds(),
                        row.transition.ends_at.ToMilliseconds())
                       for row in self.stack.rows()
                       if row.transition.labels["name"] == "p"})

    def test_a_restart_of_one_ends_nothing(self):
        self.stack.signals.set(1, "p", sort="held")
        for source in PAIR:
            wait_until(lambda source=source: self.evaluations(source, "firing"), 30,
                       f"p fires at {source}")
        wait_until(self.transitions, 30, "p is found")
        before, firing_before = self.within_another(), self.evaluations("twin", "firing")
        self.stack.kill("twin")
        self.stack.start("twin")
        # It is pending there for as long as its rule says, and fires once more.
        wait_until(lambda: max(self.evaluations("twin", "firing")) > max(firing_before), 30,
                   "p fires at the twin again")
        self.assertTrue([t for t in self.evaluations("twin", "pending") if t > max(firing_before)])
        wait_until(lambda: self.within_another() > before, 30, "its second start is left out")
        starts = min(self.evaluations(source, "firing")[0] for source in PAIR)
        self.assertEqual([(FIRING, starts, 0)], self.transitions())

        self.stack.signals.set(0, "p", sort="held")
        wait_until(lambda: len(self.transitions()) > 1, 30, "its end is found")
        last = max(self.evaluations(source, "firing")[-1] for source in PAIR)
        firing, resolved = self.transitions()
        self.assertEqual((FIRING, starts, 0), firing)
        self.assertEqual((RESOLVED, starts), resolved[:2])
        # The next evaluation, a second later.
        self.assertGreater(resolved[2], last)
        self.assertLessEqual(resolved[2], last + 1_100)
        self.stack.check()


if __name__ == "__main__":
    unittest.main()
