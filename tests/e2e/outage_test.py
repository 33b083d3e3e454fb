"""The correlator is away for a while: webhooks go on as if nothing were, and once it is back
everything arrives, soon and in order."""
import collections
import concurrent.futures
import os
import threading
import time
import unittest

import support
from alert_feed import FIRING, RESOLVED, await_rows, new_episode, now_ms
from fault_stack import FaultStack, notification
from follower import Follower

OUTAGE_SECONDS = float(os.environ.get("ALERTJOIN_TEST_OUTAGE_SECONDS", "20"))
ALERTS_PER_SECOND = 200
BATCH = 10  # alerts of one notification
RESOLVED_AFTER_SECONDS = 2
WEBHOOK_P99_SECONDS = 0.25
STALL_FACTOR = 3  # of the machine's longest stall that a webhook may take instead
DRAINED_WITHIN_SECONDS = 60
CONNECTIONS = 16


class Sender:
    """Posts notifications at a fixed rate, however long each takes."""

    def __init__(self, stack, dice):
        self.expected = {}
        self.seconds = []  # that each POST took
        self._stack = stack
        self._dice = dice
        self._pool = concurrent.futures.ThreadPoolExecutor(CONNECTIONS)
        self._firing = collections.deque()  # (when it was sent, its POST, episodes)

    def send_for(self, seconds):
        """Half of the alerts fire, half resolve, each resolved one after its firing was taken."""
        start, posts = time.monotonic(), []
        for number in range(int(seconds * ALERTS_PER_SECOND / BATCH)):
            delay = start + number * BATCH / ALERTS_PER_SECOND - time.monotonic()
            time.sleep(max(0, delay))
            posts.append(self._send_next())
        for post in posts:
            post.result()
        self._pool.shutdown()

    def _send_next(self):
        if self._firing and time.monotonic() - self._firing[0][0] > RESOLVED_AFTER_SECONDS:
            _, post, episodes = self._firing.popleft()
            post.result()
            return self._post([episode.ended(now_ms()) for episode in episodes])
        start = now_ms()
        episodes = [new_episode(self._dice, start, measured=0.2) for _ in range(BATCH)]
        post = self._post(episodes)
        self._firing.append((time.monotonic(), post, episodes))
        return post

    def _post(self, episodes):
        for episode in episodes:
            self.expected.update(episode.expected_rows())
        body = notification([episode.as_alert() for episode in episodes])
        return self._pool.submit(self._post_now, body)

    def _post_now(self, body):
        start = time.monotonic()
        status = self._stack.post(self._stack.ingests[0], body)
        if status != 200:
            raise AssertionError(f"answered {status}")
        self.seconds.append(time.monotonic() - start)


class MachineStalls(threading.Thread):
    """How long the machine itself keeps somebody waiting who syncs a little and sleeps a little."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.longest_seconds = 0.0
        self._file = open(folder / "stalls", "wb", buffering=0)
        self._ending = threading.Event()

    def run(self):
        pause = 0.02
        while not self._ending.is_set():
            start = time.monotonic()
            self._file.write(b"x")
            os.fsync(self._file.fileno())
            self._ending.wait(pause)
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - start - pause)

    def stop(self):
        self._ending.set()
        self.join()
        self._file.close()


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class OutageTest(unittest.TestCase):
    def test_webhooks_go_on_and_everything_arrives_in_order(self):
        dice = support.seeded_random()
        support.api()
        stack = FaultStack(self, ingests=["one"])
        stack.start_all()
        follower = Follower(stack.address["grpc"])
        follower.start()
        stack.kill("correlator")

        stalls = MachineStalls(stack.directory)
        stalls.start()
        sender = Sender(stack, dice)
        sender.send_for(OUTAGE_SECONDS)
        stalls.stop()
        p50, p99 = percentile(sender.seconds, 0.5), percentile(sender.seconds, 0.99)
        print(f"correlator away for {OUTAGE_SECONDS} s, {ALERTS_PER_SECOND} alerts/s: webhook "
              f"p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, "
              f"most {max(sender.seconds) * 1000:.1f} ms, {len(sender.seconds)} notifications; the "
              f"machine stood still for {stalls.longest_seconds * 1000:.1f} ms at most")
        self.assertLess(p99, max(WEBHOOK_P99_SECONDS, STALL_FACTOR * stalls.longest_seconds))

        start = time.monotonic()
        stack.start("correlator")
        follower.wait_for_rows(len(sender.expected), DRAINED_WITHIN_SECONDS, final=False)
        drained = time.monotonic() - start
        print(f"{len(sender.expected)} rows within {drained:.1f} s of the correlator's start")
        self.assertLess(drained, DRAINED_WITHIN_SECONDS)

        rows, _ = await_rows(stack, follower, sender.expected)
        self.check_order(rows, follower.table.first_sequences)

    def check_order(self, rows, first_sequences):
        """No row of a RESOLVED transition has come before those of the FIRING one."""
        came = collections.defaultdict(dict)
        for row in rows:
            at = row.transition
            sequences = came[at.fingerprint].setdefault(at.state, [])
            sequences.append(first_sequences[row.row_id])
        resolved = [alert for alert in came.values() if RESOLVED in alert]
        self.assertTrue(resolved)
        for alert in resolved:
            self.assertLessEqual(min(alert[FIRING]), min(alert[RESOLVED]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
