"""The network between ingest-service and the correlator breaks in every way: nothing is lost or
doubled, and soon after it is well again events arrive as before."""
import http.client
import os
import re
import signal
import threading
import time
import unittest

import support
from alert_feed import Episode, Feed, await_rows, now_ms
from fault_proxy import FaultProxy, Mode
from fault_stack import FaultStack, notification
from follower import Follower
from support import wait_until

CUTS = int(os.environ.get("ALERTJOIN_TEST_CUTS", "300"))
SENDERS = 3
PAUSE_SECONDS = 0.2  # of a sender, on average
OUTAGE_SECONDS = 12  # so long that every backoff is at its cap
# The promise. On a machine with other work a process does not get to run for seconds: what one
# that only wanted to wake up has waited comes on top.
TRIED_WITHIN_SECONDS = 2
HEALED_WITHIN_SECONDS = 2
WAKE_SECONDS = 0.01
# Of a network that swallows everything, shorter and longer than it takes to doubt, and longer than
# the uplink's silence_max.
BLACKHOLE_SECONDS = (1, 6, 22)
HANGS_SECONDS = 6  # longer than it takes to doubt
LANES = 2  # of an ingest, each with an uplink
# The promise, to either side: silence_max of the uplink is 20 s, the correlator pings after 15 s.
HALF_OPEN_FOUND_WITHIN_SECONDS = 30


class StallMeter:
    """While it is entered: how long in all a thread that wanted to run has waited to do so."""

    def __init__(self):
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _measure(self):
        before = time.monotonic()
        while not self._over.wait(WAKE_SECONDS):
            now = time.monotonic()
            self.seconds += max(0.0, now - before - 2 * WAKE_SECONDS)
            before = now


class NetworkTest(unittest.TestCase):
    def setUp(self):
        self.dice = support.seeded_random()
        support.api()
        self.proxy = FaultProxy(self)
        self.stack = FaultStack(self, uplink=self.proxy.address)
        self.proxy.set_target(self.stack.address["grpc"])
        self.stack.start_all()
        self.follower = Follower(self.stack.address["grpc"])
        self.follower.start()
        self.feed = Feed(self.stack, self.dice)
        self.numbers = iter(range(1 << 40, 1 << 41))  # apart from those of the feed
        self.wait_until_connected()

    def metric(self, service, name):
        """Its values, one for each set of labels."""
        connection = http.client.HTTPConnection(self.stack.address[service], timeout=10)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        return [int(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\d+)$", text, re.M)]

    def connected(self, ingest):
        """Of both lanes."""
        return [value == 1 for value in self.metric(ingest, "alertjoin_uplink_connected")]

    def streams_of_producers(self):
        """How many the correlator believes to be open."""
        return self.metric("correlator", "alertjoin_intake_streams")[0]

    def wait_until_connected(self):
        wait_until(lambda: all(self.connected(ingest) == [True, True]
                               for ingest in self.stack.ingests), 30, "the uplinks are connected")

    def seconds_to_rows(self):
        """How long new alerts take from their POST to their row, one by each ingest at once."""
        episodes = {ingest: Episode(next(self.numbers), "free", "elsewhere", now_ms())
                    for ingest in self.stack.ingests}
        start, seconds = time.monotonic(), {}
        for ingest, episode in episodes.items():
            self.assertEqual(200, self.stack.post(ingest, notification([episode.as_alert()])))
            self.feed.expected.update(episode.expected_rows())

        def arrived():
            for ingest, episode in episodes.items():
                if ingest not in seconds and self.stack.rows(filter=f"number={episode.number}")[0]:
                    seconds[ingest] = time.monotonic() - start
            return len(seconds) == len(episodes)
        wait_until(arrived, 60, "rows")
        return seconds

    def check_healed(self, what):
        with StallMeter() as stall:
            seconds = self.seconds_to_rows()
        shown = ", ".join(f"{value:.2f} s" for value in seconds.values())
        print(f"{what}: alert to row in {shown}; the machine stalled for {stall.seconds:.2f} s")
        self.assertLess(max(seconds.values()), HEALED_WITHIN_SECONDS + stall.seconds, what)

    def check_rows(self):
        """Everything that was taken has its rows, once; the stream says the same as the list."""
        rows = await_rows(self.stack, self.follower, self.feed.expected)[0]
        for ingest in self.stack.ingests:
            # No fault of the network looks like a spool that was put back from a copy.
            self.assertNotIn("new log id", self.stack.log_of(ingest))
        return rows

    def break_once(self):
        """One fault, chosen at random, and the end of it."""
        reset = self.dice.random() < 0.5
        kind = self.dice.choice(["now", "later", "later", "slow and later", "refuse"])
        if kind in ("now", "refuse"):
            if kind == "refuse":
                self.proxy.set_mode(Mode.REFUSE)
            self.proxy.cut(reset)
            if kind == "refuse":
                self.feed.pause(self.dice.random() / 5)
            self.proxy.set_mode(Mode.PASS)
        else:
            before = self.proxy.cuts
            self.proxy.set_delay(self.dice.random() / 20 if kind == "slow and later" else 0)
            self.proxy.cut_after(int(10 ** self.dice.uniform(0, 3.5)), reset)
            wait_until(lambda: self.proxy.cuts > before, 60, "a connection is cut in its midst")
            self.proxy.cut_no_more()
            self.proxy.set_delay(0)
        passed = self.proxy.bytes_passed
        wait_until(lambda: self.proxy.bytes_passed > passed, 60, "something is passed on again")

    def test_cuts_lose_and_double_nothing(self):
        self.feed.start(SENDERS, PAUSE_SECONDS)
        for _ in range(CUTS):
            self.break_once()
        self.check_healed(f"after {CUTS} cuts")
        self.feed.stop()
        rows = self.check_rows()
        print(f"connections cut: {self.proxy.cuts}; payloads: {self.feed.count()}; "
              f"rows: {len(rows)}")

    def test_after_an_outage_events_arrive_at_once(self):
        self.proxy.set_mode(Mode.REFUSE)
        self.proxy.cut(reset=True)
        self.feed.start(1, PAUSE_SECONDS)
        self.feed.pause(OUTAGE_SECONDS / 2)
        refused, start = self.proxy.refused, time.monotonic()
        self.feed.pause(OUTAGE_SECONDS / 2)
        tries = self.proxy.refused - refused
        wanted = LANES * len(self.stack.ingests) * (
            (time.monotonic() - start) / TRIED_WITHIN_SECONDS)
        print(f"{tries} tries while the network was away, at least {wanted:.0f} are wanted")
        self.assertGreaterEqual(tries, wanted)
        self.proxy.set_mode(Mode.PASS)
        self.check_healed(f"after {OUTAGE_SECONDS} s without a network")
        self.feed.stop()
        self.check_rows()

    def test_after_a_blackhole_events_arrive_at_once(self):
        self.feed.start(1, PAUSE_SECONDS)
        for seconds in BLACKHOLE_SECONDS:
            self.proxy.set_mode(Mode.HALF_OPEN)
            self.feed.pause(seconds)
            # What was swallowed stays so, and nobody is told.
            self.proxy.set_mode(Mode.PASS, reset=False)
            self.check_healed(f"after {seconds} s of a blackhole")
        self.feed.stop()
        self.check_rows()
        # Nobody is refused, or takes himself for a copy: there are alerts on both.
        self.assertEqual({0}, set(self.metric("correlator", "alertjoin_intake_refused_total")))
        for ingest in self.stack.ingests:
            self.assertEqual([0, 0], self.metric(ingest, "alertjoin_uplink_new_log_ids_total"))

    def test_a_correlator_that_hangs_is_not_taken_for_a_dead_connection(self):
        self.feed.start(1, PAUSE_SECONDS)

        def reconnects():
            return {ingest: self.metric(ingest, "alertjoin_uplink_reconnects_total")
                    for ingest in self.stack.ingests}
        before = reconnects()
        self.stack.signal("correlator", signal.SIGSTOP)
        try:
            self.feed.pause(HANGS_SECONDS)
            self.assertEqual(before, reconnects())
        finally:
            self.stack.signal("correlator", signal.SIGCONT)
        self.check_healed("after a correlator that hung")
        self.feed.stop()
        self.check_rows()

    def test_a_half_open_connection_is_found(self):
        start = time.monotonic()
        self.proxy.set_mode(Mode.HALF_OPEN)
        self.feed.start(1, PAUSE_SECONDS)
        for ingest in self.stack.ingests:
            wait_until(lambda: not any(self.connected(ingest)),
                       start + HALF_OPEN_FOUND_WITHIN_SECONDS - time.monotonic(),
                       "both lanes know that nobody answers")
        # What the uplinks did meanwhile was swallowed, so the correlator found out by itself.
        wait_until(lambda: self.streams_of_producers() == 0,
                   start + HALF_OPEN_FOUND_WITHIN_SECONDS - time.monotonic(),
                   "the correlator knows that nobody sends", seen=self.streams_of_producers)
        print(f"half-open connections found in {time.monotonic() - start:.1f} s")
        self.proxy.set_mode(Mode.PASS)
        self.check_healed("after half-open connections")
        self.feed.stop()
        self.check_rows()


if __name__ == "__main__":
    unittest.main(verbosity=2)
