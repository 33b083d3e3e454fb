"""What correlator-service keeps can be checked, and history can be made anew from it."""
import json
import unittest

from alert_feed import Episode, now_ms
from fault_stack import FaultStack, notification
from support import wait_for

ALERTS = 30


def known(stack):
    """Of every row: its id, state and event time."""
    rows, _ = stack.rows(page_size=1000)
    return {row.row_id: (row.transition.state, row.transition.event_time.ToMilliseconds())
            for row in rows}


class RebuildTest(unittest.TestCase):
    def ask(self, stack, command):
        """The lines of the subcommand on the stack's data."""
        status, lines, errors = stack.ask_correlator(command)
        self.assertEqual(0, status, "\n".join(lines) + errors)
        return lines

    def test_notifications_posted_again_make_the_same_rows(self):
        stack = FaultStack(self, ingests=("one",))
        stack.start_all()
        starts_ms = now_ms()
        episodes = [Episode(number, "free", "elsewhere", starts_ms) for number in range(ALERTS)]
        for episode in episodes + [episode.ended(starts_ms + 7) for episode in episodes]:
            body = notification([episode.as_alert()])
            self.assertEqual(200, stack.post("one", body))
        wait_for(2 * ALERTS, lambda: len(known(stack)), 30, "rows")
        before = known(stack)
        self.assertEqual({"one": 0, "correlator": 0}, {
            name: status for name, status in stack.stop().items() if name != "prometheus"})

        compared = f"{ALERTS} alerts, {2 * ALERTS} rows: {2 * ALERTS} compared"
        said = self.ask(stack, "verify")[0]
        self.assertIn(compared, said)
        self.assertIn(f"{ALERTS} episodes compared, {ALERTS} starts of alerts in the log", said)
        payloads = [json.loads(line) for line in self.ask(stack, "payloads")]
        self.assertEqual(2 * ALERTS, len(payloads))
        self.assertEqual(sorted(payloads, key=lambda payload: payload["received_time"]), payloads)

        another = FaultStack(self, ingests=("one",))
        another.start_all()
        for payload in payloads:
            self.assertEqual(200, another.post("one", payload["body"]))
        wait_for(2 * ALERTS, lambda: len(known(another)), 30, "rows")
        self.assertEqual(before, known(another))


if __name__ == "__main__":
    unittest.main()
