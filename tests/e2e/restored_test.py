"""The spool of an ingest-service is put back from an older copy: nothing that it takes from then on is
mistaken for what the correlator had from it since that copy."""
import re
import shutil
import signal
import unittest
import urllib.request

import support
from alert_feed import await_rows, new_episode, now_ms
from fault_stack import FaultStack, notification
from follower import Follower
from support import wait_until

BEFORE, SINCE, AFTER = 10, 20, 60  # notifications; those after must be more than those since


class RestoredTest(unittest.TestCase):
    def setUp(self):
        self.dice = support.seeded_random()
        support.api()
        self.stack = FaultStack(self, ingests=["one"])
        self.spool = self.stack.directory / "one-spool"
        self.copy = self.stack.directory / "copy"
        self.expected = {}
        self.stack.start_all()
        self.follower = Follower(self.stack.address["grpc"])
        self.follower.start()

    def post(self, count):
        for _ in range(count):
            episode = new_episode(self.dice, now_ms(), measured=0.4)
            self.expected.update(episode.expected_rows())
            self.assertEqual(200, self.stack.post("one", notification([episode.as_alert()])))

    def deliver(self, count):
        self.post(count)
        wait_until(lambda: self.stack.alerts_waiting("one") == 0, 30, "all is acknowledged")

    def end_ingest(self):
        self.stack.signal("one", signal.SIGTERM)
        self.assertEqual(0, self.stack.result_of("one"))

    def new_log_ids(self, lane):
        with urllib.request.urlopen(f"http://{self.stack.address['one']}/metrics") as answer:
            text = answer.read().decode()
        name = "alertjoin_uplink_new_log_ids_total"
        return int(re.search(rf'^{name}{{lane="{lane}"}} (\d+)$', text, re.M)[1])

    def test_what_comes_after_an_older_copy_is_joined_though_the_correlator_was_away(self):
        self.deliver(BEFORE)
        self.end_ingest()
        shutil.copytree(self.spool, self.copy)
        self.stack.start("one")
        self.deliver(SINCE)
        self.end_ingest()
        self.stack.kill("correlator")
        shutil.rmtree(self.spool)
        shutil.copytree(self.copy, self.spool)
        self.stack.start("one")
        self.post(AFTER)
        self.stack.start("correlator")
        rows, _ = await_rows(self.stack, self.follower, self.expected)
        self.assertEqual(1, self.new_log_ids("alerts"))

        # Once more, with nothing put back.
        self.end_ingest()
        self.stack.start("one")
        self.deliver(1)
        self.assertEqual(0, self.new_log_ids("alerts"))
        print(f"{len(rows)} rows")


if __name__ == "__main__":
    unittest.main(verbosity=2)
