"""`alertjoin forward`: through every fault of the target and its own death, each final row arrives,
and more often than once only where nobody can know that it had arrived."""
import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import types
import unittest
import urllib.request

import alertjoin
from alertjoin.forward import Forwarder, Options
from alertjoin.forward.dead_letters import DeadLetters
from alertjoin.forward.events import AlertEvent
from alertjoin.forward.http import Answer, Secret, Sender, retry_after
from alertjoin.forward.metrics import Metrics
from alertjoin.forward.options import load
from alertjoin.forward.request import Request
from alertjoin.forward.state import State
from alertjoin.forward.sysdig import Sysdig, scope_of
from alertjoin.subscription import Message
from alertjoin.times import millis
from alertjoin.v1.joined_row_pb2 import JoinedRow
from alert_feed import new_episode, now_ms
from fake_target import CUT, HANG, TAKE, TAKE_AND_CUT, TAKE_AND_HANG, UNANSWERED, FakeTarget
from fault_stack import FaultStack, notification
from support import seeded_random, wait_until

WAIT_SECONDS = 60
TOKEN = "s3cr3t-t0k3n"
HOSTILE = ["plain", 'a "quoted" word', "it's", "both ' and \"", "back\\slash", "ends with \\",
           "two\nlines", "tab\tbed", 'x" or host.hostName = "y', "' and a = '", "\\\" and b = \\\"",
           "\x01\x7f\x85", "\N{SNOWMAN} \N{GRINNING FACE}", "{{ $value }} %s ${x}", "<script>",
           "\r\n"]


def parse_scope(text):
    """A scope by its grammar: NAME = STRING, joined by `and`. Fails on anything else."""
    string = r'"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\["\\nrt])*"' \
             r"|'(?:[^'\\\x00-\x1f\x7f-\x9f]|\\['\\nrt])*'"
    condition = re.compile(rf"([A-Za-z_][A-Za-z0-9_.]*) = ({string})( and |\Z)")
    found, at, more = {}, 0, bool(text)
    while more:
        match = condition.match(text, at)
        if match is None:
            raise AssertionError(f"no scope at {at}: {text}")
        unescaped = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]),
                           match[2][1:-1])
        found[match[1]] = unescaped
        at, more = match.end(), match[3] != ""
    if at != len(text):
        raise AssertionError(f"something behind the scope: {text}")
    return found


def printable(value):
    """What a scope can keep of a value."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", value)


class ScopeTest(unittest.TestCase):
    def test_hostile_values_stay_in_their_string(self):
        labels = {f"label_{number}": value for number, value in enumerate(HOSTILE)}
        self.assertEqual({name: printable(value) for name, value in labels.items()},
                         parse_scope(scope_of(labels)))

    def test_any_value_does(self):
        dice = seeded_random()
        signs = ["\\", '"', "'", "\n", "\r", "\t", "\x00", " and ", " = ", "a", "\u2028", "n"]
        for _ in range(3000):
            labels = {name: "".join(dice.choices(signs, k=dice.randrange(8))) for name in "abc"}
            expected = {name: printable(value) for name, value in labels.items() if value}
            self.assertEqual(expected, parse_scope(scope_of(labels)), labels)

    def test_names_that_are_none_are_left_out(self):
        self.assertEqual("kubernetes.pod.name = \"a\"", scope_of(
            {"kubernetes.pod.name": "a", "a b": "1", "": "2", "x\" = \"": "3", "1a": "4",
             "a.": "5"}))
        self.assertEqual("", scope_of({"a": ""}))

    def test_labels_are_renamed_as_told(self):
        row = JoinedRow(row_id="r")
        row.transition.labels.update({"instance": "i1", "job": "j"})
        said = Sysdig(scope={"host.hostName": "instance"}).request(AlertEvent([row], "e"), "").body
        self.assertEqual('host.hostName = "i1"', said["event"]["scope"])
        said = Sysdig(scope={}).request(AlertEvent([row], "e"), "").body
        self.assertNotIn("scope", said["event"])


class SysdigTest(unittest.TestCase):
    def event(self, state=1, **labels):
        row = JoinedRow(row_id="r", final=True)
        row.transition.state = state
        row.transition.alert_name = labels.get("alertname", "")
        row.transition.labels.update(labels)
        row.transition.starts_at.FromMilliseconds(1_700_000_000_123)
        row.transition.event_time.FromMilliseconds(1_700_000_000_123 + (state - 1) * 1500)
        return AlertEvent([row], "0123")

    def test_both_versions_of_the_api(self):
        two = Sysdig("v2").request(self.event(alertname="Deep", job="a"), "")
        self.assertEqual(("POST", "/api/v2/events"), (two.method, two.path))
        self.assertEqual(1_700_000_000_123, two.body["event"]["timestamp"])
        self.assertEqual('job = "a"', two.body["event"]["scope"])
        one = Sysdig("v1").request(self.event(alertname="Deep", job="a"), "")
        self.assertEqual("/api/events", one.path)
        self.assertEqual(1_700_000_000_123_000, one.body["event"]["timestamp"])
        self.assertEqual('job = "a"', one.body["event"]["filter"])
        self.assertNotIn("scope", one.body["event"])
        seconds = Sysdig("v1", time_unit="s").request(self.event(), "")
        self.assertEqual(1_700_000_000, seconds.body["event"]["timestamp"])

    def test_severities(self):
        def of(target, **labels):
            return target.request(self.event(**labels), "").body["event"]["severity"]
        plain = Sysdig()
        self.assertEqual([2, 2, 4, 4, 4], [of(plain, severity=text) for text in (
            "critical", "CRITICAL", "warning", "whatever", "")])
        self.assertEqual(6, of(plain, severity="critical", state=2))
        own = Sysdig(severities={"p1": 0, "default": 7, "resolved": "NONE"}, severity_label="level")
        self.assertEqual([0, 7, "NONE"], [of(own, level="P1"), of(own), of(own, state=2)])

    def test_an_alert_without_name_and_annotations_has_an_event(self):
        said = Sysdig().request(self.event(), "").body["event"]
        self.assertEqual("alert", said["name"])
        self.assertIn("FIRING since 2023-11-14T22:13:20.123Z", said["description"])


class SenderTest(unittest.TestCase):
    def sender(self, target, **arguments):
        self.slept, self.logged = [], []
        sender = Sender(target.url, arguments.pop("secret", Secret("", "NO_SUCH_VARIABLE")),
                        lambda *words, **fields: self.logged.append((words, fields)), Metrics(),
                        sleep=self.slept.append, **{"timeout": 0.3, **arguments})
        self.addCleanup(sender.close)
        return sender

    def test_tries_again_with_longer_and_longer_pauses(self):
        faults = [500, 503, 429, 408, 425, 302, CUT, HANG, 599, 401]
        target = FakeTarget(self, lambda *_: faults.pop(0) if faults else TAKE)
        answer = self.sender(target, retry_most=20.0).send(Request("POST", "/x", {"a": 1}))
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
            kept = [json.loads(line) for name in ("letters.1", "letters")
                    for line in (path.parent / name).read_text().splitlines()]
            self.assertEqual(list(range(40 - len(kept), 40)), [one["body"]["n"] for one in kept])
            self.assertEqual("refused with 400", kept[0]["reason"])
            self.assertEqual(40 - len(kept), metrics.count("dead_letters_dropped"))
            self.assertGreater(metrics.count("dead_letters_dropped"), 0)


class OptionsTest(unittest.TestCase):
    def read(self, text, **flags):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "forward.toml"
            path.write_text(text)
            return load(str(path), flags)

    def test_a_file_and_flags_that_win(self):
        options = self.read('target = "sysdig"\nurl = "https://a"\nstate_file = "s"\nall = true\n'
                            'since = "1d"\n[severity]\np1 = 1\n[scope]\n'
                            '"host.hostName" = "instance"', since="2h", url=None)
        self.assertEqual(("https://a", "2h", True), (options.url, options.since, options.all))
        self.assertEqual({"host.hostName": "instance"}, options.scope)

    def test_what_is_wrong_is_named(self):
        good = 'target = "sysdig"\nurl = "http://a"\nstate_file = "s"\n'
        self.read(good)
        for wrong, words in (
                ("urll = 1", '"urll" is no key'), ("all = 1", "all: expected true or false"),
                ('panel_id = "x"', "panel_id: expected a number"), ("= 3", "line 4"),
                ('since = "1 day"', "since: expected a duration"),
                ('api = "v3"', "api: expected v1"),
                ("[severity]\na = 9", "severity.a: expected 0 to 7"),
                ("[scope]\na = 1", "scope.a: expected a text")):
            with self.assertRaisesRegex(ValueError, re.escape(words)):
                self.read(good + wrong)
        for flags, words in (({"target": "x"}, "target: expected one of"),
                             ({"url": "ftp://a"}, "url: expected http"),
                             ({"url": "http://u:p@a"}, "put a token into token_file"),
                             ({"state_file": ""}, "state_file: is needed")):
            with self.assertRaisesRegex(ValueError, re.escape(words)):
                load("", {"target": "sysdig", "url": "http://a", "state_file": "s", **flags})
        self.assertEqual("", Options(target="webhook", dry_run=True).url)


class FakeClient:
    """Subscriptions that bring what they are told to."""

    def __init__(self, *subscriptions):
        self.subscriptions = list(subscriptions)
        self.asked = []

    def subscribe(self, **arguments):
        self.asked.append(arguments)
        return iter(self.subscriptions.pop(0))


class Recorder:
    """A target that takes everything; it is killed when it has taken `most`."""

    def __init__(self, most=1000):
        self.bodies, self._most = [], most

    def send(self, request):
        if len(self.bodies) == self._most:
            raise KeyboardInterrupt
        self.bodies.append(request.body["event"])
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
        self.starts_ms = now_ms() + 1000

    def forward(self, recorder, *subscriptions, **options):
        """Runs until the subscriptions have ended or the recorder ends it. Returns the client."""
        options = Options(target="sysdig", url="http://a", state_file=self.path, **options)
        client, metrics = FakeClient(*subscriptions), Metrics()
        state = State(self.path, "sysdig http://a", per_row=False)
        forwarder = Forwarder(client, options, options.make_target(), recorder, state,
                              DeadLetters("", metrics), lambda *_, **fields: None, metrics)
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


class Forwarding:
    """`alertjoin forward` as a process, with a state of its own."""

    def __init__(self, test, stack, *flags, target="sysdig", url="", token=TOKEN):
        self._folder = tempfile.TemporaryDirectory()
        test.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        self.token_file = self.folder / "token"
        self.token_file.write_text(token)
        self.log = self.folder / "log"
        program = pathlib.Path(sys.executable).parent / "alertjoin"
        self._command = [program, "--address", stack.address["grpc"], "forward", "--target", target,
                         "--state-file", str(self.folder / "state"), *flags,
                         "--token-file", str(self.token_file), "--timeout", "500ms",
                         "--retry-first", "20ms", "--retry-max", "200ms"]
        if url:
            self._command += ["--url", url]
        self._process = None
        test.addCleanup(self.kill)

    def start(self):
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run(self, status=0):
        """To its end; returns what it printed and what it logged."""
        done = subprocess.run(self._command, capture_output=True, text=True, timeout=WAIT_SECONDS)
        if done.returncode != status:
            raise AssertionError(f"ended with {done.returncode}: {done.stderr}")
        return done.stdout, done.stderr

    def terminate(self):
        """Returns the exit status."""
        self._process.terminate()
        status = self._process.wait(10)
        self._process = None
        return status


class FaultsTest(unittest.TestCase):
    """A Sysdig that fails in every way and restarts; forwarder and correlator that are killed."""
    EPISODES = 40
    KILLS = 6

    def setUp(self):
        self.stack = FaultStack(self, ingests=("one",))
        self.stack.start_all()
        self.client = alertjoin.connect(self.stack.address["grpc"])
        self.addCleanup(self.client.close)

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
            alert = one.as_alert()
            alert["labels"] = {**alert["labels"], "number": str(number),
                               "hostile": HOSTILE[number % len(HOSTILE)]}
            self.assertEqual(200, self.stack.post("one", notification([alert])))

    def all_final(self):
        rows = list(self.client.joined_rows())
        told = {(row.transition.fingerprint, row.transition.state) for row in rows}
        return rows if len(told) == 2 * self.EPISODES and all(row.final for row in rows) else None

    def test_every_final_transition_arrives(self):
        self.dice = seeded_random()
        self.unanswered = collections.Counter()
        target = FakeTarget(self, self.fault, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--since", "1h", url=target.url)
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
                    self.stack.kill("correlator")
                    self.stack.start("correlator")
                forwarding.start()
                time.sleep(0.2)
                target.start()
        rows = wait_until(self.all_final, WAIT_SECONDS, "final rows")
        expected = collections.defaultdict(list)
        for row in rows:
            status = "resolved" if row.transition.state == 2 else "triggered"
            expected[row.transition.labels["number"], status].append(row)
        good = {key for key in expected if not key[0].endswith("7")}

        letters = forwarding.folder / "state.dead-letters"
        wait_until(lambda: good <= {self.key(body) for body in target.bodies()}, WAIT_SECONDS,
                   "every transition has arrived")
        wait_until(lambda: len(letters.read_text().splitlines()) >= len(expected) - len(good),
                   WAIT_SECONDS, "every refused one is a dead letter")
        time.sleep(1)  # whatever would come twice does
        self.assertEqual(0, forwarding.terminate())
        self.check_repeats(target, good, restarts)
        self.check_events(target, expected)
        dead = [json.loads(line) for line in letters.read_text().splitlines()]
        self.assertEqual(expected.keys() - good, {self.key(letter["body"]) for letter in dead})
        self.assertTrue(all("refused with 400" in letter["reason"] for letter in dead))
        self.assertNotIn(TOKEN, forwarding.log.read_text() + letters.read_text())
        print(f"{len(good)} transitions, {len(target.taken)} taken, "
              f"{sum(self.unanswered.values())} of them unanswered, {len(dead)} dead letters, "
              f"{restarts} restarts")

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


class TargetsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = FaultStack(types.SimpleNamespace(addCleanup=cls.addClassCleanup),
                               ingests=("one",))
        cls.stack.start_all()
        cls.client = alertjoin.connect(cls.stack.address["grpc"])
        cls.addClassCleanup(cls.client.close)
        cls.dice = random.Random(4)
        for _ in range(4):
            cls.post_episode()
        wait_until(lambda: len(cls.final_rows()) >= 16 and all(
            row.final for row in cls.client.joined_rows()), WAIT_SECONDS, "final rows")

    @classmethod
    def post_episode(cls, ended=True, **labels):
        start = now_ms() - 6000
        firing = new_episode(cls.dice, start, measured=1)
        for one in (firing, firing.ended(start + 1500)) if ended else (firing,):
            alert = one.as_alert()
            alert["labels"].update(labels)
            assert cls.stack.post("one", notification([alert])) == 200
        return firing

    @classmethod
    def final_rows(cls, **arguments):
        return {row.row_id: row for row in cls.client.joined_rows(final_only=True, **arguments)}

    def test_a_webhook_gets_each_row_as_a_cloud_event(self):
        target = FakeTarget(self, token=TOKEN)
        rows = self.final_rows()
        Forwarding(self, self.stack, "--since", "1h", "--once", target="webhook",
                   url=target.url + "/hook?key=1").run()
        self.assertEqual({"/hook?key=1"}, {taken.path for taken in target.taken})
        self.assertTrue(target.taken[0].headers["Content-Type"].startswith(
            "application/cloudevents+json"))
        bodies = {body["id"]: body for body in target.bodies()}
        self.assertEqual(len(bodies), len(target.bodies()))
        self.assertLessEqual({f"{row.row_id}/{row.revision}" for row in rows.values()}, set(bodies))
        for body in bodies.values():
            self.assertEqual(("1.0", "/alertjoin/alertmanager", True),
                             (body["specversion"], body["source"], body["final"]))
            row = rows.get(body["data"]["rowId"])
            if row is not None:
                self.assertEqual(row.match.value, body["data"]["match"]["value"])
                state = "resolved" if row.transition.state == 2 else "firing"
                self.assertEqual(f"alertjoin.alert.{state}", body["type"])
            self.assertTrue(all(re.fullmatch("[a-z0-9]{1,20}", name) for name in body))

    def test_grafana_has_one_annotation_from_start_to_end(self):
        target = FakeTarget(self, token=TOKEN)
        episode = self.post_episode(ended=False, case="grafana")
        forwarding = Forwarding(self, self.stack, "--since", "1h", "--filter", "case=grafana",
                                target="grafana", url=target.url)
        forwarding.start()
        wait_until(lambda: target.taken, WAIT_SECONDS, "the annotation")
        forwarding.kill()
        alert = episode.ended(episode.starts_ms + 2000).as_alert()
        alert["labels"]["case"] = "grafana"
        self.assertEqual(200, self.stack.post("one", notification([alert])))
        forwarding.start()
        wait_until(lambda: len(target.taken) == 2, WAIT_SECONDS, "its end")
        begun, ended = target.taken
        self.assertEqual(("POST", "/api/annotations"), (begun.method, begun.path))
        self.assertEqual(("PATCH", "/api/annotations/1"), (ended.method, ended.path))
        self.assertEqual(episode.starts_ms, begun.body["time"])
        self.assertNotIn("timeEnd", begun.body)
        self.assertEqual((episode.starts_ms, episode.starts_ms + 2000),
                         (ended.body["time"], ended.body["timeEnd"]))
        self.assertIn("alertname:Fault", begun.body["tags"])
        self.assertEqual(begun.body["tags"][-1], ended.body["tags"][-1])

    def test_an_annotation_that_was_removed_is_made_again(self):
        def fault(path, body):
            return 404 if path != "/api/annotations" else TAKE
        target = FakeTarget(self, fault, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--since", "1h", "--once", "--filter",
                                f"number={self.post_episode().number}", target="grafana",
                                url=target.url)
        wait_until(lambda: all(row.final for row in self.client.joined_rows()), WAIT_SECONDS,
                   "final rows")
        forwarding.run()
        self.assertEqual([False, True], ["timeEnd" in body for body in target.bodies()])
        self.assertFalse((forwarding.folder / "state.dead-letters").exists())

    def test_nothing_is_sent_twice_by_a_later_run_or_after_a_change_of_the_filter(self):
        target = FakeTarget(self, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--since", "1h", "--once", url=target.url)
        forwarding.run()
        sent = len(target.taken)
        self.assertGreater(sent, 7)
        forwarding.run()
        self.assertEqual(sent, len(target.taken))
        forwarding._command += ["--filter", "alertname=Fault"]
        _, log = forwarding.run()
        self.assertIn("begins anew", log)
        self.assertEqual(sent, len(target.taken))

    def test_all_sends_what_may_still_change_too(self):
        target = FakeTarget(self, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--all", "--filter", "case=all", url=target.url)
        forwarding.start()
        wait_until(lambda: "forwarding" in forwarding.log.read_text(), WAIT_SECONDS, "start")
        number = str(self.post_all_case().number)
        wait_until(lambda: any("Provisional" not in event["description"]
                               for event in self.events(target, number)), WAIT_SECONDS, "final")
        events = self.events(target, number)
        self.assertIn("Provisional", events[0]["description"])
        self.assertEqual(1, len({event["tags"]["alertjoin_episode"] for event in events}))

    def post_all_case(self):
        start = now_ms()
        firing = new_episode(self.dice, start, measured=1)
        alert = firing.as_alert()
        alert["labels"]["case"] = "all"
        self.assertEqual(200, self.stack.post("one", notification([alert])))
        return firing

    @staticmethod
    def events(target, number):
        return [body["event"] for body in target.bodies()
                if body["event"]["tags"]["number"] == number]

    def test_a_dry_run_prints_and_notes_nothing(self):
        forwarding = Forwarding(self, self.stack, "--since", "1h", "--once", "--dry-run",
                                "--no-scope")
        printed, _ = forwarding.run()
        lines = [json.loads(line) for line in printed.splitlines()]
        self.assertGreater(len(lines), 7)
        self.assertEqual({"/api/v2/events"}, {line["path"] for line in lines})
        self.assertFalse((forwarding.folder / "state").exists())

    def test_one_forwarder_at_a_time(self):
        target = FakeTarget(self, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--metrics-address", "127.0.0.1:0",
                                url=target.url)
        forwarding.start()
        port = wait_until(lambda: re.search("metrics_port=([0-9]+)", forwarding.log.read_text()),
                          WAIT_SECONDS, "the metrics' port")[1]
        _, log = forwarding.run(status=1)
        self.assertIn("STATE_NOT_USABLE", log)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            self.assertIn("# TYPE alertjoin_forward_sent_total counter", answer.read().decode())
        self.assertEqual(0, forwarding.terminate())
        forwarding._command[forwarding._command.index("sysdig")] = "grafana"
        _, log = forwarding.run(status=1)
        self.assertIn("is of the target", log)

    def test_a_store_that_was_lost_brings_nothing_twice(self):
        stack = FaultStack(self, ingests=("one",))
        stack.start_all()
        target = FakeTarget(self, token=TOKEN)
        alert = new_episode(self.dice, now_ms() - 6000, measured=1)
        body = notification([alert.as_alert()])
        self.assertEqual(200, stack.post("one", body))
        forwarding = Forwarding(self, stack, "--since", "1h", url=target.url)
        forwarding.start()
        wait_until(lambda: target.taken, WAIT_SECONDS, "the event")
        stack.kill("correlator")
        subprocess.run(["rm", "-r", str(stack.directory / "data")], check=True)
        stack.start("correlator")
        later = new_episode(self.dice, now_ms() - 6000, measured=1)
        for text in (body, notification([later.as_alert()])):
            self.assertEqual(200, stack.post("one", text))
        wait_until(lambda: "begins anew" in forwarding.log.read_text(), WAIT_SECONDS, "the reset")
        wait_until(lambda: self.events(target, str(later.number)), WAIT_SECONDS, "the later one")
        # A new store may know less for a while, and that is news; the same is not told twice.
        told = [event["description"] for event in self.events(target, str(alert.number))]
        self.assertTrue(all(one != next for one, next in zip(told, told[1:])), told)


if __name__ == "__main__":
    unittest.main()
