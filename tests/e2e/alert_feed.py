"""Alerts as Alertmanager sends them, and the rows that they must have in the end."""
import dataclasses
import itertools
import random
import threading
import time
from datetime import datetime, timezone

import fake_prometheus
from fault_stack import BINDINGS, SOURCE, notification
from prometheus_truth import MATCHED, NO_SERIES, frozen
from row_table import expect
from support import wait_until

FIRING, RESOLVED = 1, 2  # AlertState
UNBOUND = 6  # MatchState
RETRY_SECONDS = 0.05
_numbers = itertools.count()


def now_ms():
    return time.time_ns() // 1_000_000


def _rfc3339(time_ms):
    """With digits below the millisecond, which alertjoin cuts off."""
    whole = datetime.fromtimestamp(time_ms // 1000, timezone.utc)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}456789Z"


@dataclasses.dataclass(frozen=True)
class Episode:
    """One firing period of one alert."""
    number: int
    kind: str  # key of BINDINGS
    instance: str
    starts_ms: int
    ends_ms: int | None = None

    @property
    def fingerprint(self):
        return f"{self.number:016x}"

    @property
    def labels(self):
        return {"alertname": "Fault", "kind": self.kind, "instance": self.instance,
                "number": str(self.number)}

    def as_alert(self):
        """Resolved when it has an end."""
        resolved = self.ends_ms is not None
        return {"status": "resolved" if resolved else "firing", "labels": self.labels,
                "annotations": {}, "startsAt": _rfc3339(self.starts_ms),
                "endsAt": _rfc3339(self.ends_ms) if resolved else "0001-01-01T00:00:00Z",
                "generatorURL": "", "fingerprint": self.fingerprint}

    def ended(self, ends_ms):
        return dataclasses.replace(self, ends_ms=ends_ms)

    def transition(self):
        """What as_alert() says has happened, and when: (state, event time)."""
        return (FIRING, self.starts_ms) if self.ends_ms is None else (RESOLVED, self.ends_ms)

    def expected_rows(self):
        """Of as_alert(): facts by key, as facts_of gives them."""
        state, event_ms = self.transition()
        transition = (SOURCE, self.fingerprint, self.starts_ms, state)
        rows = {}
        for query in BINDINGS[self.kind]:
            series = [labels for labels in fake_prometheus.series_of(query)
                      if labels["instance"] == self.instance]
            for labels in series:
                sample_ms, value = fake_prometheus.newest_sample(labels, event_ms)
                rows[*transition, query, frozen(labels)] = (event_ms, MATCHED, value, sample_ms)
            if not series:
                rows[*transition, query, frozenset()] = (event_ms, NO_SERIES, None, None)
        return rows or {(*transition, "", frozenset()): (event_ms, UNBOUND, None, None)}


def new_episode(dice, starts_ms, measured=0.8):
    """measured: how many are joined with series that there are."""
    kind = "measured" if dice.random() < measured else dice.choice(["lost", "free"])
    instance = dice.choice(fake_prometheus.INSTANCES) if kind == "measured" else "elsewhere"
    return Episode(next(_numbers), kind, instance, starts_ms)


def key_of(row):
    """What makes a row: transition, query and series."""
    at = row.transition
    return (at.source, at.fingerprint, at.starts_at.ToMilliseconds(), at.state, row.query.name,
            frozen(row.match.series_labels))


def facts_of(row):
    """What readers see of a row, but for its id and whether it is final."""
    match = row.match
    return (row.transition.event_time.ToMilliseconds(), match.state,
            match.value if match.HasField("value") else None,
            match.sample_time.ToMilliseconds() if match.HasField("sample_time") else None)


def find_faults(rows, expected):
    """How rows differ from those that must be there, as lines: empty when they do not."""
    faults, seen = [], {}
    for row in rows:
        key = key_of(row)
        if key in seen:
            faults.append(f"twice: {key}: {row.row_id} and {seen[key]}")
        elif key not in expected:
            faults.append(f"never sent: {key}")
        elif facts_of(row) != expected[key]:
            faults.append(f"wrong: {key}: {facts_of(row)}, not {expected[key]}")
        seen[key] = row.row_id
    return faults + [f"lost: {key}" for key in expected if key not in seen]


def await_rows(stack, follower, expected, seconds=60):
    """Waits until everything has final rows, each as expected, and the stream says the same as the
    list. Ends the follower. Returns the rows and their sequence."""
    fault = None
    try:
        follower.wait_for_rows(len(expected), seconds)
    except AssertionError as error:
        fault = error
    faults = find_faults(stack.rows()[0], expected)
    expect(not faults, f"{len(faults)} faults: {faults[:5]}")
    if fault:
        raise fault  # They are there and right, but some are not final.
    # What an ingest was told earlier than another, and says later, changes the alert, not its rows.
    wait_until(lambda: not any(map(stack.alerts_waiting, stack.ingests)), 60, "all is delivered",
               seen=lambda: {ingest: stack.alerts_waiting(ingest) for ingest in stack.ingests})

    def at_rest():
        rows, sequence = stack.rows()
        follower.wait_for(sequence, 30)
        return (rows, sequence) if follower.sequence == sequence else None
    rows, sequence = wait_until(at_rest, 30, "the stream stands where the list does")
    faults = find_faults(rows, expected)
    expect(not faults, f"{len(faults)} faults in the end: {faults[:5]}")
    follower.stop()
    expect({row.row_id: row for row in rows} == follower.table.rows, "the stream is not the list")
    expect(follower.table.sequence == sequence, "a sequence without a change")
    return rows, sequence


class Feed:
    """Senders that deliver payloads, each until it is taken, some of them again. Thread-safe."""

    def __init__(self, stack, dice, again=0.1, measured=0.8):
        """again: how many of the payloads are sent a second time, to any instance.
        measured: how many alerts are joined with series that there are."""
        self.payloads = []  # as delivered first, each once
        self.expected = {}  # rows of what was taken, by key
        self.retries = 0
        self.repetitions = 0
        self._stack = stack
        self._again = again
        self._measured = measured
        self._dice = dice
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._hurry = threading.Event()
        self._senders = []
        self._faults = []

    def start(self, senders, pause_seconds):
        """Begins to send, with pauses of up to twice this between payloads of one sender."""
        for _ in range(senders):
            dice = random.Random(self._dice.getrandbits(64))
            sender = threading.Thread(target=self._run, args=(dice, pause_seconds), daemon=True)
            self._senders.append(sender)
            sender.start()

    def stop(self):
        """Waits until everything begun is taken."""
        self._done.set()
        self._hurry.set()
        for sender in self._senders:
            sender.join(60)
            if sender.is_alive():
                raise AssertionError("a payload is not taken for 60 s")
        if self._faults:
            raise AssertionError(self._faults)

    def hurry(self, on):
        """With `on`, the senders make no pauses."""
        if on:
            self._hurry.set()
        else:
            self._hurry.clear()

    def pause(self, seconds):
        """Lets the senders go on for a moment."""
        self._done.wait(seconds)

    def count(self):
        """Payloads taken so far."""
        return len(self.payloads)

    def deliver(self, episodes, dice):
        """Sends one payload until it is taken."""
        body = notification([episode.as_alert() for episode in episodes])
        self._send_until_taken(body, dice)
        with self._lock:
            self.payloads.append(body)
            for episode in episodes:
                self.expected.update(episode.expected_rows())
        if dice.random() < self._again:
            self._send_until_taken(body, dice)
            with self._lock:
                self.repetitions += 1

    def _send_until_taken(self, body, dice):
        while True:
            status = self._stack.post(dice.choice(self._stack.ingests), body)
            if status == 200:
                return
            if status not in (None, 503):
                raise AssertionError(f"answered {status}: {body}")
            with self._lock:
                self.retries += 1
            time.sleep(RETRY_SECONDS)

    def _run(self, dice, pause_seconds):
        """Groups of alerts that fire, resolve, and now and then fire and resolve once more."""
        try:
            while not self._done.is_set():
                start = now_ms()
                group = [new_episode(dice, start - dice.randrange(2000), self._measured)
                         for _ in range(dice.randrange(1, 5))]
                while group:
                    self.deliver(group, dice)
                    self._hurry.wait(dice.random() * 2 * pause_seconds)
                    ended = [episode.ended(now_ms()) for episode in group]
                    self.deliver(ended, dice)
                    # An episode begins after all that was said about the one before.
                    time.sleep(0.002)
                    group = [dataclasses.replace(episode, starts_ms=now_ms(), ends_ms=None)
                             for episode in group
                             if dice.random() < 0.2 and not self._done.is_set()]
        except Exception as fault:  # pylint: disable=broad-except
            self._faults.append(fault)
