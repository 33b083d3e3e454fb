"""Subscriptions of the Python package, and its live frames, across restarts of the correlator."""
import threading
import unittest

import alertjoin
from package_stack import WAIT_SECONDS, PackageStack
from support import wait_for, wait_until


class SubscriptionTest(unittest.TestCase):
    """Restarts of the correlator, each test with services of its own."""

    def setUp(self):
        self.stack = PackageStack(self, seed=2)
        self.client = self.stack.client

    def post(self):
        return self.stack.tell_of_new(ended=False).fingerprint

    def test_goes_on_across_restarts_with_nothing_missed_and_nothing_twice(self):
        folded, sequences, kinds, stop = {}, [], [], threading.Event()
        messages = self.client.subscribe(stop=stop, progress_interval="100ms")

        def follow():
            for message in messages:
                for row in message.rows:
                    if row.operation == 2:
                        folded.pop(row.row_id, None)
                    else:
                        folded[row.row_id] = row
                if message.kind == "rows":
                    sequences.append({row.sequence for row in message.rows})
                kinds.append(message.kind)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        sent = set()
        for in_order in (False, True, False):
            sent |= {self.post() for _ in range(5)}
            wait_for(sent, lambda: {row.transition.fingerprint for row in list(folded.values())},
                     WAIT_SECONDS, "alerts whose rows arrived")
            self.stack.restart(in_order)
        sent |= {self.post()}
        listed = {row.row_id: row for row in self.stack.await_final()}
        wait_for(listed, lambda: dict(folded), WAIT_SECONDS, "the stream says what the list says")
        stop.set()
        thread.join(10)
        self.assertFalse(thread.is_alive())
        self.assertNotIn("reset", kinds)
        self.assertEqual(sent, {row.transition.fingerprint for row in listed.values()})
        # A sequence comes once, but that the part of a snapshot may span several.
        live = [sequence for message in sequences[1:] for sequence in message]
        self.assertEqual(len(live), len(set(live)))

    def test_who_does_not_retry_is_told_where_to_go_on(self):
        first = self.post()
        wait_until(self.client.joined_rows, WAIT_SECONDS, "the first row")
        self.stack.await_final()
        messages = self.client.subscribe(retry=False)
        told = []
        for message in messages:
            told += [row.transition.fingerprint for row in message.rows]
            if message.kind == "snapshot_complete":
                break
        self.assertEqual({first}, set(told))
        self.stack.restart(in_order=True)
        with self.assertRaises(alertjoin.AlertjoinError) as stopped:
            for message in messages:
                self.assertFalse(message.rows)
        self.assertEqual("STOPPING", stopped.exception.reason)
        second, told = self.post(), []
        for message in self.client.subscribe(
                resume_token=stopped.exception.metadata["resume_token"]):
            told += [row.transition.fingerprint for row in message.rows]
            if told:
                break
        self.assertEqual({second}, set(told))

    def test_a_live_frame_follows(self):
        with self.client.live(labels=["number"]) as table:
            self.assertEqual(0, len(table.frame()))
            first = self.post()
            wait_for({first}, lambda: set(table.frame().fingerprint), WAIT_SECONDS, "the first")
            self.stack.restart()
            second = self.post()
            wait_for({first, second}, lambda: set(table.frame().fingerprint), WAIT_SECONDS, "both")
            before = table.version
            self.post()
            self.assertGreater(table.wait_for_change(before, WAIT_SECONDS), before)

    def test_a_store_that_was_lost_is_told_of(self):
        self.post()
        kinds, stop = [], threading.Event()
        messages = self.client.subscribe(stop=stop, progress_interval="100ms")
        thread = threading.Thread(target=lambda: kinds.extend(one.kind for one in messages),
                                  daemon=True)
        thread.start()
        wait_until(lambda: "snapshot_complete" in kinds, WAIT_SECONDS, "the snapshot",
                   seen=lambda: kinds)
        self.stack.lose_store()
        wait_until(lambda: kinds.count("snapshot_complete") == 2, WAIT_SECONDS, "a new snapshot",
                   seen=lambda: kinds)
        stop.set()
        thread.join(10)
        self.assertFalse(thread.is_alive())
        self.assertEqual(1, kinds.count("reset"))
        place = kinds.index("reset")
        between = kinds[kinds.index("snapshot_complete") + 1:place]
        self.assertLessEqual(set(between), {"rows", "progress"})
        self.assertEqual(["started", "snapshot_complete"],
                         [kind for kind in kinds[place + 1:] if kind not in ("rows", "progress")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
