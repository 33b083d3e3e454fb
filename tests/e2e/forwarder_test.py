"""What `alertjoin forward` sends of a subscription, and when: a transition once all its rows are
final, and not twice. Without services."""
import contextlib
import io
import os
import shlex
import stat
import tempfile
import unittest

from alertjoin.errors import AlertjoinError
from alertjoin.forward import Forwarder, Options
from alertjoin.forward.dead_letters import DeadLetters
from alertjoin.forward.forwarder import log_line
from alertjoin.forward.http import Answer
from alertjoin.forward.metrics import Metrics
from alertjoin.forward.state import State
from alertjoin.subscription import Message
from alertjoin.v1.joined_row_pb2 import JoinedRow
from alert_feed import now_ms

OTHER_ARGUMENTS = "RESUME_TOKEN_OTHER_ARGUMENTS"


class FakeClient:
    """Subscriptions that bring what they are told to."""

    def __init__(self, *subscriptions):
        self.subscriptions = list(subscriptions)
        self.asked = []

    def subscribe(self, **arguments):
        self.asked.append(arguments)
        found = self.subscriptions.pop(0)
        if isinstance(found, Exception):
            raise found
        return iter(found)


class Recorder:
    """A target that takes everything; it is killed when it has taken `most`."""

    def __init__(self, most=1000):
        self.bodies, self._most = [], most

    def send(self, request):
        if len(self.bodies) == self._most:
            raise KeyboardInterrupt
        self.bodies.append(request.body.get("event", request.body))
        return Answer(200)


def row_of(row_id, number, state=1, final=True, starts_ms=None, **match):
    row = JoinedRow(row_id=row_id, revision=1, operation=1, final=final)
    row.transition.alert_name = f"alert {number}"
    row.transition.fingerprint = str(number)
    row.transition.state = state
    starts_ms = starts_ms or now_ms()
    row.transition.starts_at.FromMilliseconds(starts_ms)
    row.transition.event_time.FromMilliseconds(starts_ms + (state - 1) * 1000)
    for name, value in match.items():
        setattr(row.match, name, value)
    return row


class ForwarderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = folder.name + "/state"
        self.starts_ms = now_ms() + 60_000  # a forwarder that begins in the test tells of it

    def forward(self, recorder, *subscriptions, log=lambda *_, **fields: None, **options):
        """Runs until the subscriptions have ended or the recorder ends it. Returns the client."""
        options = Options(**{"target": "sysdig", "url": "http://a", "state_file": self.path,
                             **options})
        client, metrics, target = FakeClient(*subscriptions), Metrics(), options.make_target()
        state = State(self.path, options.target, target.per_row)
        forwarder = Forwarder(client, options, target, recorder, state,
                              DeadLetters("", metrics), log, metrics)
        try:
            forwarder.run()
        except (IndexError, KeyboardInterrupt):  # there are no more subscriptions
            pass
        state.close()
        return client

    def row(self, *arguments, **more):
        return row_of(*arguments, starts_ms=self.starts_ms, **more)

    def test_a_transition_waits_for_all_its_rows(self):
        recorder = Recorder()
        self.forward(recorder, [
            Message("started", resume_token="1"), Message("snapshot_complete", resume_token="2"),
            Message("rows", [self.row("a", 1, value=1.5), self.row("b", 1, final=False)]),
            Message("rows", [self.row("c", 2)]),
            Message("rows", [self.row("b", 1, value=2.5)])])
        self.assertEqual(["alert 2", "alert 1"], [event["name"] for event in recorder.bodies])
        for words in ("= 1.5 at", "= 2.5 at"):
            self.assertIn(words, recorder.bodies[1]["description"])

    def test_parts_of_a_snapshot_are_put_together(self):
        recorder = Recorder()
        self.forward(recorder, [
            Message("rows", [self.row("a", 1, value=1.5)]), Message("rows", [self.row("b", 1)]),
            Message("snapshot_complete")])
        self.assertEqual(1, len(recorder.bodies))

    def test_a_row_without_series_gives_way(self):
        recorder = Recorder()
        gone = self.row("a", 1)
        gone.operation = 2
        self.forward(recorder, [
            Message("snapshot_complete"), Message("rows", [self.row("a", 1, final=False)]),
            Message("rows", [gone, self.row("b", 1, value=2.5)])])
        self.assertEqual(1, len(recorder.bodies))
        self.assertEqual("2.5", recorder.bodies[0]["tags"]["alertjoin_value"])

    def test_the_token_moves_on_only_behind_what_was_taken(self):
        rows = [self.row("a", 1), self.row("b", 2), self.row("c", 3)]
        last = Message("rows", rows, resume_token="behind")
        recorder = Recorder(most=1)
        self.forward(recorder, [Message("snapshot_complete", resume_token="before"), last])
        later = Recorder()
        client = self.forward(later, [last])
        self.assertEqual("before", client.asked[0]["resume_token"])
        self.assertEqual(["alert 1", "alert 2", "alert 3"],
                         [event["name"] for event in recorder.bodies + later.bodies])
        self.assertEqual("behind", self.forward(later, []).asked[0]["resume_token"])

    def test_only_what_says_something_else_is_told_again(self):
        recorder = Recorder()
        said, again, changed = (self.row("a", 1, value=value) for value in (1.5, 1.5, 2.5))
        again.revision, again.sequence = 2, 7
        changed.revision, changed.sequence = 3, 8
        self.forward(recorder, [Message("snapshot_complete"), Message("rows", [said]),
                                Message("rows", [again]), Message("rows", [changed])])
        self.assertEqual(["1.5", "2.5"],
                         [event["tags"]["alertjoin_value"] for event in recorder.bodies])

    def test_its_state_is_for_nobody_else(self):
        self.forward(Recorder(), [])
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.path).st_mode))

    def test_a_line_of_the_log_has_each_key_once(self):
        log = io.StringIO()
        with contextlib.redirect_stderr(log):
            self.forward(Recorder(), [Message("snapshot_complete"),
                                      Message("rows", [self.row("a", 1)])], log=log_line)
        keys = [pair.partition("=")[0] for pair in shlex.split(log.getvalue())]
        self.assertEqual(len(keys), len(set(keys)), keys)
        self.assertIn(f"event_time={self.starts_ms}", log.getvalue())

    def test_events_are_sent_in_the_order_of_their_times(self):
        recorder = Recorder()
        resolved = self.row("a", 1, state=2)
        later = row_of("b", 2, starts_ms=self.starts_ms + 700)
        self.forward(recorder, [Message("rows", [resolved, later, self.row("c", 1)]),
                                Message("snapshot_complete")])
        self.assertEqual(["alert 1", "alert 2", "alert 1 resolved"],
                         [event["name"] for event in recorder.bodies])

    def test_an_amended_start_stays_one_episode(self):
        recorder = Recorder()
        amended = row_of("a", 1, starts_ms=self.starts_ms - 700)
        resolved = row_of("b", 1, state=2, starts_ms=self.starts_ms - 700)
        self.forward(recorder, [Message("snapshot_complete"), Message("rows", [self.row("a", 1)]),
                                Message("rows", [amended]), Message("rows", [resolved])])
        self.assertEqual(3, len(recorder.bodies))
        self.assertEqual(1, len({event["tags"]["alertjoin_episode"] for event in recorder.bodies}))

    def test_the_first_run_begins_now_also_when_all_comes_again(self):
        recorder = Recorder()
        old = row_of("a", 1, starts_ms=now_ms() - 60_000)
        self.forward(recorder, [Message("snapshot_complete"), Message("reset")],
                     [Message("rows", [old, self.row("b", 2)]), Message("snapshot_complete")])
        self.assertEqual(["alert 2"], [event["name"] for event in recorder.bodies])

    def test_what_is_never_final_is_sent_in_the_end_if_so_wished(self):
        messages = [Message("snapshot_complete"), Message("rows", [self.row("a", 1, final=False)]),
                    Message("progress")]
        recorder = Recorder()
        self.forward(recorder, messages)
        self.assertEqual([], recorder.bodies)
        self.forward(recorder, messages, max_wait="0s")
        self.assertEqual(1, len(recorder.bodies))
        self.assertIn("Provisional", recorder.bodies[0]["description"])

    def gone(self, *arguments, **more):
        row = self.row(*arguments, **more)
        row.operation = 2
        return row

    def test_a_webhook_gets_what_is_never_final_in_the_end_if_so_wished(self):
        first = self.row("a", 1, final=False, value=1.5)
        messages = [Message("snapshot_complete"), Message("rows", [first]), Message("progress")]
        client = self.forward(Recorder(), messages, target="webhook")
        self.assertTrue(client.asked[0]["final_only"])
        recorder = Recorder()
        client = self.forward(recorder, messages, target="webhook", max_wait="10m")
        self.assertFalse(client.asked[0]["final_only"])
        self.assertEqual([], recorder.bodies)
        # It is told again when it has become final, as a whole transition is.
        final = self.row("a", 1, value=1.5)
        self.forward(recorder, [*messages, Message("rows", [final]), Message("rows", [final])],
                     target="webhook", max_wait="0s")
        self.assertEqual([False, True], [body["final"] for body in recorder.bodies])

    def test_a_webhook_is_not_told_of_the_end_of_what_it_was_not_told(self):
        for all_of_it, told in ((False, 0), (True, 1)):
            self.path += "x"
            recorder = Recorder()
            self.forward(recorder, [
                Message("rows", [self.row("a", 1, final=False), self.gone("a", 1, final=False)]),
                Message("snapshot_complete"), Message("rows", [self.row("b", 1)]),
                Message("rows", [self.gone("b", 1)]), Message("progress")],
                target="webhook", max_wait="0s", all=all_of_it)
            self.assertEqual(["b"] * (1 + told), [body["data"]["rowId"]
                                                  for body in recorder.bodies])

    def test_rows_that_went_while_nobody_looked_hold_nothing_up(self):
        recorder = Recorder()
        before = [Message("snapshot_complete"), Message("rows", [self.row("c", 2)]),
                  Message("rows", [self.row("a", 1, final=False)])]
        self.forward(recorder, [*before, Message("reset")],
                     [Message("rows", [self.row("b", 1), self.row("c", 2)]),
                      Message("snapshot_complete"), Message("progress")], max_wait="1h")
        self.assertEqual(["alert 2", "alert 1"], [event["name"] for event in recorder.bodies])

    def test_what_waited_under_another_filter_is_not_sent(self):
        recorder = Recorder()
        self.forward(recorder, [Message("snapshot_complete", resume_token="1"),
                                Message("rows", [self.row("a", 1, final=False)])])
        self.forward(recorder, AlertjoinError("INVALID_ARGUMENT", "", OTHER_ARGUMENTS),
                     [Message("rows", [self.row("b", 2)]), Message("snapshot_complete"),
                      Message("progress")], max_wait="0s")
        self.assertEqual(["alert 2"], [event["name"] for event in recorder.bodies])

    def test_a_snapshot_anew_reaches_back_to_what_waits(self):
        for row, reached in ((self.row("a", 1, final=False), True), (self.row("a", 1), False)):
            row.transition.event_time.FromMilliseconds(now_ms() - 5 * 3_600_000)
            self.path += "x"
            client = self.forward(Recorder(), [Message("snapshot_complete"), Message("rows", [row]),
                                               Message("reset")], [])
            back = client.asked[1]["since"].total_seconds()
            self.assertEqual(reached, back > 5 * 3600, back)

    def test_a_row_stays_in_its_episode_when_all_comes_again(self):
        recorder = Recorder()
        amended = row_of("a", 1, starts_ms=self.starts_ms - 700)
        self.forward(recorder, [Message("snapshot_complete"), Message("rows", [self.row("a", 1)]),
                                Message("reset")],
                     [Message("rows", [amended]), Message("snapshot_complete")])
        self.assertEqual(2, len(recorder.bodies))
        self.assertEqual(1, len({event["tags"]["alertjoin_episode"] for event in recorder.bodies}))


if __name__ == "__main__":
    unittest.main()
