"""How `alertjoin forward` delivers a request: what is tried again and when, what is given up, and
what is kept of that."""
import json
import pathlib
import stat
import tempfile
import types
import unittest

import alertjoin
from alertjoin.forward.dead_letters import DeadLetters
from alertjoin.forward.events import AlertEvent
from alertjoin.forward.http import Secret, Sender, retry_after
from alertjoin.forward.metrics import Metrics
from alertjoin.forward.request import Request
from alertjoin.v1.joined_row_pb2 import JoinedRow
from fake_target import CUT, HANG, TAKE, FakeTarget
from forwarding import TOKEN


class SenderTest(unittest.TestCase):
    def sender(self, target, **arguments):
        self.slept, self.logged = [], []
        sender = Sender(target.url, arguments.pop("secret", Secret("", "NO_SUCH_VARIABLE")),
                        lambda *words, **fields: self.logged.append((words, fields)), Metrics(),
                        sleep=self.slept.append, **{"timeout": 30, **arguments})
        self.addCleanup(sender.close)
        return sender

    def test_tries_again_with_longer_and_longer_pauses(self):
        faults = [500, 503, 429, 408, 425, 302, CUT, HANG, 599, 401]
        target = FakeTarget(self, lambda *_: faults.pop(0) if faults else TAKE)
        sender = self.sender(target, retry_most=20.0, timeout=2)
        answer = sender.send(Request("POST", "/x", {"a": 1}))
        self.assertTrue(answer.taken)
        self.assertEqual([{"a": 1}], target.bodies())
        self.assertEqual(10, len(self.slept))
        for number, pause in enumerate(self.slept):
            longest = min(20, 2 ** number)
            self.assertTrue(longest / 2 <= pause <= longest, self.slept)

    def test_waits_as_long_as_it_is_told(self):
        faults = [(429, {"Retry-After": "7"}), (503, {"Retry-After": "nonsense"})]
        target = FakeTarget(self, lambda *_: faults.pop(0) if faults else TAKE)
        self.sender(target).send(Request("POST", "/x", {}))
        self.assertTrue(7 <= self.slept[0] <= 8 and self.slept[1] <= 2, self.slept)
        self.assertEqual(10, retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445412470))
        self.assertEqual([0, 0, 0, 3600], [retry_after(text, 0) for text in (
            None, "-5", "nan", "1e9")])

    def test_gives_up_at_once_what_no_repetition_heals(self):
        target = FakeTarget(self, lambda path, body: body["status"])
        sender = self.sender(target)
        for status in (400, 403, 404, 409, 410, 413, 422):
            answer = sender.send(Request("POST", "/x", {"status": status}))
            self.assertEqual((status, False), (answer.status, answer.taken))
        self.assertEqual([], self.slept)

    def test_reads_the_secret_again_and_never_shows_it(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "token"
            path.write_text("an-old-one\n")
            target = FakeTarget(self, token=TOKEN)
            sender = self.sender(target, secret=Secret(str(path)))
            self.slept = types.SimpleNamespace(append=lambda _: path.write_text(TOKEN + "\n"))
            sender._sleep = self.slept.append
            self.assertTrue(sender.send(Request("POST", "/x", {})).taken)
            self.assertEqual(1, target.statuses[401])
            path.unlink()
            self.assertIn("token file", sender.attempt(Request("POST", "/x", {})).reason)
            self.assertNotIn("an-old-one", repr(self.logged) + repr(sender.__dict__))
            self.assertNotIn(TOKEN, repr(self.logged) + repr(Secret(str(path))))


    def test_an_address_is_named_without_what_may_be_secret(self):
        sender = Sender("https://hooks:8443/s3cr3t?key=s3cr3t", Secret(), None, Metrics())
        self.assertEqual("https://hooks:8443", sender.place)

    def test_what_is_tried_again_is_counted_by_reason(self):
        faults = [500, CUT, 500]
        target = FakeTarget(self, lambda *_: faults.pop(0) if faults else TAKE)
        sender = self.sender(target)
        sender.send(Request("POST", "/x", {}))
        for line in ('alertjoin_forward_retries_total{reason="500"} 2',
                     'alertjoin_forward_retries_total{reason="none"} 1',
                     "alertjoin_forward_sent_total 0"):
            self.assertIn(line, sender._metrics.text().splitlines())


class DeadLettersTest(unittest.TestCase):
    def test_are_bounded_and_the_oldest_go(self):
        row = JoinedRow(row_id="r")
        error = alertjoin.AlertjoinError("INVALID_ARGUMENT", "refused with 400")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "letters"
            metrics = Metrics()
            letters = DeadLetters(str(path), metrics, bytes_most=2000)
            for number in range(40):
                letters.put(AlertEvent([row], "e"), Request("POST", "/x", {"n": number}), error)
                self.assertLessEqual(path.stat().st_size, 2000)
            self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
            kept = [json.loads(line) for name in ("letters.1", "letters")
                    for line in (path.parent / name).read_text().splitlines()]
            self.assertEqual(list(range(40 - len(kept), 40)), [one["body"]["n"] for one in kept])
            self.assertEqual("refused with 400", kept[0]["reason"])
            self.assertEqual(40 - len(kept), metrics.count("dead_letters_dropped"))
            self.assertGreater(metrics.count("dead_letters_dropped"), 0)


if __name__ == "__main__":
    unittest.main()
