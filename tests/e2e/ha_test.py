"""Two Alertmanagers of one cluster deliver every notification, each through an ingest-service of
its own and in an order of its own: the rows are those of one delivery in order through one."""
import concurrent.futures
import dataclasses
import os
import unittest

import support
from alert_feed import await_rows, facts_of, new_episode, now_ms
from fault_stack import FaultStack, notification
from follower import Follower

PAYLOADS = int(os.environ.get("ALERTJOIN_TEST_PAYLOADS", "2000"))
PAYLOADS_PER_GROUP = 10
ALERTS_PER_GROUP = 5
SPAN_MS = 200_000  # of the timeline, which lies in the past
TICK_MS = 200  # between moments at which something happens, as of rule evaluations
CONNECTIONS = 8


class Group:
    """A group of alerts over time: each step ends with a notification of it."""

    def __init__(self, dice, start_ms):
        self.expected = {}
        self._dice = dice
        self._alerts = [new_episode(dice, start_ms).ended(start_ms)
                        for _ in range(ALERTS_PER_GROUP)]
        self._told = set()  # alerts that have fired

    def step(self, time_ms):
        """The notification at this time; nothing when no alert of the group ever fired."""
        told = [self._alerts[number] for number in range(ALERTS_PER_GROUP)
                if self._change(number, time_ms)]
        for alert in told:
            self.expected.update(alert.expected_rows())
        return notification([alert.as_alert() for alert in told]) if told else None

    def _change(self, number, time_ms):
        """Lets the alert fire, resolve, have its end corrected. Whether it is told of: firing ones
        are each time, resolved ones once or twice."""
        alert, dice = self._alerts[number], self._dice
        if alert.ends_ms is None:
            if dice.random() < 0.3:
                self._alerts[number] = alert.ended(time_ms - dice.randrange(3) * TICK_MS)
            return True
        if dice.random() < 0.4:
            self._alerts[number] = dataclasses.replace(alert, starts_ms=time_ms, ends_ms=None)
            self._told.add(number)
            return True
        if number in self._told and dice.random() < 0.1:
            # Another peer of the cluster saw it firing for longer.
            self._alerts[number] = alert.ended(alert.ends_ms + TICK_MS)
            return True
        return number in self._told and dice.random() < 0.5


class HaTest(unittest.TestCase):
    def make_payloads(self, dice):
        """Notifications in the order of their times, and the rows that they make."""
        begin_ms = now_ms() // TICK_MS * TICK_MS - SPAN_MS - 10_000
        timed, expected = [], {}
        for _ in range(PAYLOADS // PAYLOADS_PER_GROUP):
            group = Group(dice, begin_ms - 1000)
            for time_ms in sorted(dice.sample(range(begin_ms, begin_ms + SPAN_MS, 3 * TICK_MS),
                                              PAYLOADS_PER_GROUP)):
                body = group.step(time_ms)
                if body is not None:
                    timed.append((time_ms, body))
            expected.update(group.expected)
        return [body for _, body in sorted(timed)], expected

    def post_all(self, stack, ingest, bodies, connections):
        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            self.assertEqual({200}, set(pool.map(lambda body: stack.post(ingest, body), bodies)))

    def rows_of(self, stack, expected, deliver):
        """Row ids and facts in the end, of new services to which deliver() has brought it all."""
        stack.start_all()
        follower = Follower(stack.address["grpc"])
        follower.start()
        deliver()
        # All of them at once, and where all is slow many are older than what polls look back to.
        rows, _ = await_rows(stack, follower, expected, 60 + PAYLOADS / 10)
        return {row.row_id: facts_of(row) for row in rows}

    def test_delivery_by_both_makes_the_rows_of_one_delivery(self):
        dice = support.seeded_random()
        support.api()
        payloads, expected = self.make_payloads(dice)

        single = FaultStack(self, ingests=["alone"])
        wanted = self.rows_of(single, expected,
                              lambda: self.post_all(single, "alone", payloads, connections=1))

        both = FaultStack(self, prometheus=single.address["prometheus"])
        orders = {ingest: dice.sample(payloads, len(payloads)) for ingest in both.ingests}

        def deliver_twice():
            with concurrent.futures.ThreadPoolExecutor(len(orders)) as pool:
                for done in [pool.submit(self.post_all, both, ingest, order, CONNECTIONS)
                             for ingest, order in orders.items()]:
                    done.result()
        self.assertEqual(wanted, self.rows_of(both, expected, deliver_twice))
        print(f"payloads: {len(payloads)}, each delivered by two; rows: {len(wanted)}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
