"""`alertjoin forward`: through every fault of the target and its own death, each final row arrives,
and more often than once only where nobody can know that it had arrived."""
import collections
import json
import time
import unittest

from alertjoin.times import millis
from alert_feed import new_episode, now_ms
from fake_target import CUT, HANG, TAKE, TAKE_AND_CUT, TAKE_AND_HANG, UNANSWERED, FakeTarget
from forwarding import TOKEN, WAIT_SECONDS, Forwarding, await_taken, events_of
from package_stack import PackageStack
from scope_grammar import HOSTILE, parse_scope, printable
from support import seeded_random, wait_for, wait_until


class FaultsTest(unittest.TestCase):
    """A Sysdig that fails in every way and restarts; forwarder and correlator that are killed."""
    EPISODES = 40
    KILLS = 6

    def setUp(self):
        self.stack = PackageStack(self)

    def fault(self, path, body):
        """Of a tenth of the alerts it can make nothing, ever; else it is well half of the time."""
        event = body["event"]
        if event["tags"]["number"].endswith("7"):
            return 400
        slow = self.dice.choice([HANG, TAKE_AND_HANG])
        fault = self.dice.choice([TAKE] * 6 + [500, 503, (429, {"Retry-After": "0.1"}), CUT,
                                              TAKE_AND_CUT, slow])
        if fault in UNANSWERED:
            self.unanswered[self.key(body)] += 1
        return fault

    @staticmethod
    def key(body):
        tags = body["event"]["tags"]
        return tags["number"], tags["alertjoin_status"]

    def post(self, number):
        start = now_ms() - 5000
        episode = new_episode(self.dice, start, measured=0.7)
        for one in (episode, episode.ended(start + 1500)):
            self.stack.tell(one, number=str(number), hostile=HOSTILE[number % len(HOSTILE)])

    def test_every_final_transition_arrives(self):
        self.dice = seeded_random()
        self.unanswered = collections.Counter()
        target = FakeTarget(self, self.fault, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--since", "1h", url=target.url, timeout="500ms")
        forwarding.start()
        restarts = 0
        for number in range(self.EPISODES):
            self.post(number)
            if number % (self.EPISODES // self.KILLS) == 0:
                before = len(target.taken)
                deadline = time.monotonic() + 3
                while len(target.taken) < before + 3 and time.monotonic() < deadline:
                    time.sleep(0.01)
                forwarding.kill()
                restarts += 2
                target.stop()
                if number % 2:
                    self.stack.restart()
                forwarding.start()
                time.sleep(0.2)
                target.start()
        rows = self.stack.await_final()
        expected = collections.defaultdict(list)
        for row in rows:
            status = "resolved" if row.transition.state == 2 else "triggered"
            expected[row.transition.labels["number"], status].append(row)
        good = {key for key in expected if not key[0].endswith("7")}

        letters = forwarding.folder / "state.dead-letters"
        wait_for(good, lambda: {self.key(body) for body in target.bodies()}, WAIT_SECONDS,
                 "transitions that have arrived")
        # One that was kept just before a kill is kept twice.
        wait_for(expected.keys() - good, lambda: {self.key(letter["body"])
                                                  for letter in self.read(letters)}, WAIT_SECONDS,
                 "refused ones that are dead letters")
        time.sleep(1)  # whatever would come twice does
        self.assertEqual(0, forwarding.terminate())
        self.check_repeats(target, good, restarts)
        self.check_events(target, expected)
        dead = self.read(letters)
        self.assertEqual(expected.keys() - good, {self.key(letter["body"]) for letter in dead})
        self.assertTrue(all("refused with 400" in letter["reason"] for letter in dead))
        self.assertNotIn(TOKEN, forwarding.log.read_text() + letters.read_text())
        print(f"{len(good)} transitions, {len(target.taken)} taken, "
              f"{sum(self.unanswered.values())} of them unanswered, {len(dead)} dead letters, "
              f"{restarts} restarts")

    @staticmethod
    def read(letters):
        """Those that are written whole."""
        text = letters.read_text() if letters.exists() else ""
        return [json.loads(line) for line in text.rpartition("\n")[0].splitlines()]

    def check_repeats(self, target, good, restarts):
        """Twice comes only what was taken without an answer, and one for each time that either side
        was ended while it was under way."""
        counts = collections.Counter(self.key(body) for body in target.bodies())
        self.assertEqual(good, set(counts))
        extra = {key: count - 1 - self.unanswered[key] for key, count in counts.items()}
        self.assertLessEqual(sum(count for count in extra.values() if count > 0), restarts, extra)

    def check_events(self, target, expected):
        episodes = collections.defaultdict(set)
        for body in target.bodies():
            number, status = self.key(body)
            event, rows = body["event"], expected[number, status]
            labels = dict(rows[0].transition.labels)
            self.assertEqual(millis(rows[0].transition.event_time), event["timestamp"])
            self.assertEqual({name: printable(value) for name, value in labels.items()
                              if name != "alertname"}, parse_scope(event["scope"]))
            self.assertEqual(labels, {name: event["tags"][name] for name in labels})
            for row in rows:
                if row.match.HasField("value"):
                    self.assertIn(f"= {row.match.value:.6g} at", event["description"])
            self.assertEqual("Fault" if status == "triggered" else "Fault resolved", event["name"])
            episodes[event["tags"]["alertjoin_episode"]].add(number)
        self.assertTrue(all(len(numbers) == 1 for numbers in episodes.values()))
        self.assertEqual(len({key[0] for key in expected if not key[0].endswith("7")}),
                         len(episodes))


class LostStoreTest(unittest.TestCase):
    def test_a_store_that_was_lost_brings_nothing_twice(self):
        stack = PackageStack(self, seed=4)
        target = FakeTarget(self, token=TOKEN)
        episode = stack.tell_of_new(ended=False)
        forwarding = Forwarding(self, stack, "--since", "1h", url=target.url)
        forwarding.start()
        await_taken(target, 1, "the event")
        stack.lose_store()
        stack.tell(episode)
        later = stack.tell_of_new(ended=False)
        forwarding.wait_for_log("begins anew")
        wait_until(lambda: events_of(target, str(later.number)), WAIT_SECONDS, "the later one",
                   seen=target.bodies)
        # A new store may know less for a while, and that is news; the same is not told twice.
        told = [event["description"] for event in events_of(target, str(episode.number))]
        self.assertTrue(all(one != next for one, next in zip(told, told[1:])), told)


if __name__ == "__main__":
    unittest.main()
