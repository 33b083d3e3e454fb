"""From the subscription to the target, at least once."""
from __future__ import annotations

import datetime
import json
import sys
import time
from typing import Any, Iterable, Iterator, Protocol

from alertjoin.errors import AlertjoinError
from alertjoin.forward.dead_letters import DeadLetters
from alertjoin.forward.events import DELETE, AlertEvent
from alertjoin.forward.http import Answer, Log, refused
from alertjoin.forward.metrics import Metrics
from alertjoin.forward.options import Options
from alertjoin.forward.request import Request, Target
from alertjoin.forward.state import State
from alertjoin.subscription import Message
from alertjoin.times import millis
from alertjoin.v1.joined_row_pb2 import JoinedRow

# When the place where the subscription stood is lost, it reaches back to when it last was well, and
# so much further: what was sent is known and not sent again.
RESET_MARGIN_SECONDS = 3600.0
RESET_MOST_SECONDS = 7 * 86400.0


class Deliverer(Protocol):
    def send(self, request: Request) -> Answer:
        """Returns once the target took it or refused it for good."""


class DryRun:
    """Prints what would be sent, a line of JSON for each."""

    def send(self, request: Request) -> Answer:
        print(json.dumps({"method": request.method, "path": request.path, "body": request.body},
                         ensure_ascii=False), flush=True)
        return Answer(200, b'{"id": 1}')


class Forwarder:
    """Sends each transition, or each row, once what it says is final; with `all` whenever it
    changes. For one thread.

    What the target has taken is noted, synced, before the next is sent, and the resume token after
    everything before it is: after any crash at most the one event whose answer was not noted yet is
    sent again.
    """

    def __init__(self, client: Any, options: Options, target: Target, deliverer: Deliverer,
                 state: State, dead_letters: DeadLetters, log: Log, metrics: Metrics):
        self._client = client
        self._options = options
        self._target = target
        self._deliverer = deliverer
        self._state = state
        self._dead_letters = dead_letters
        self._log = log
        self._metrics = metrics
        self._max_wait = options.seconds("max_wait") if options.max_wait else None
        self._in_snapshot = False
        self._floor_ms = 0

    def run(self) -> None:
        """Until an error that only people can mend; with `once`, until all that there was is sent."""
        while True:
            try:
                for message in self._messages():
                    if message.kind == "reset":
                        self._reset()
                        break
                    self._take(message)
                    if (self._options.once and not self._in_snapshot
                            and message.kind in ("snapshot_complete", "progress")):
                        return
            except AlertjoinError as error:
                # The filter, or which rows are wanted, is another than in the run before.
                if error.reason != "RESUME_TOKEN_OTHER_ARGUMENTS":
                    raise
                self._reset()

    def _messages(self) -> Iterator[Message]:
        now = time.time()
        token = self._state.fact("resume_token")
        first = self._state.fact("begun_ms")
        if not first:
            begun = now - self._options.seconds("since")
            first = str(int(begun * 1000))
            self._state.put_fact("begun_ms", first)
        self._floor_ms = int(first)
        well = float(self._state.fact("well") or 0)
        back = min(RESET_MOST_SECONDS, now - well + RESET_MARGIN_SECONDS) if well \
            else now - self._floor_ms / 1000
        self._in_snapshot = not token or self._state.fact("in_snapshot") == "yes"
        return self._client.subscribe(
            filter=self._options.filter, resume_token=token,
            final_only=(self._target.per_row and not self._options.all
                        and self._max_wait is None),
            since=datetime.timedelta(seconds=back), progress_interval="2s", broken=self._broken)

    def _broken(self, error: AlertjoinError) -> None:
        self._metrics.add("breaks")
        self._log("warning", "subscription broken, goes on", reason=error.reason or error.code,
                  hint=error.hint)

    def _reset(self) -> None:
        self._metrics.add("resets")
        self._log("warning", "the correlator forgot where this was, or other rows are "
                             "wanted: begins anew, without what was sent already")
        # Of what waits, the snapshot brings again what there still is and what is still wanted.
        waited = (millis(row.transition.event_time) / 1000 for unit in self._state.waiting()
                  for row in self._state.rows(unit)[0])
        self._state.put_fact("well", repr(min([float(self._state.fact("well") or 0), *waited])))
        self._state.forget_rows()
        self._state.put_fact("resume_token", "")
        self._state.commit()

    def _take(self, message: Message) -> None:
        changed: dict[str, None] = {}
        for row in message.rows:
            # A snapshot that begins anew reaches back to before the first run.
            if millis(row.transition.event_time) >= self._floor_ms or not self._in_snapshot:
                changed[self._state.fold(row)] = None
        changed.pop("", None)
        if message.kind == "snapshot_complete":
            self._in_snapshot = False
            changed = dict.fromkeys(self._state.waiting())
        if not self._in_snapshot:  # A transition may come in parts before.
            self._send_those_ready(changed, None)
            if self._max_wait is not None:
                overdue = self._state.waiting(time.time() - self._max_wait)
                self._send_those_ready(overdue, True)
        self._state.put_fact("in_snapshot", "yes" if self._in_snapshot else "no")
        self._state.put_fact("resume_token", message.resume_token)
        if not self._in_snapshot:
            self._state.put_fact("well", repr(time.time()))
        self._state.commit()
        self._metrics.set("last_message_timestamp_seconds", time.time())

    def _send_those_ready(self, units: Iterable[str], overdue: bool | None) -> None:
        ready = []
        for unit in units:
            rows, episode = self._state.rows(unit)
            if not rows or self._state.was_sent(unit, rows) or self._is_untold(unit, rows):
                self._state.settled(unit, rows)
            elif overdue or self._options.all or all(row.final for row in rows):
                ready.append((unit, AlertEvent(rows, episode)))
        for unit, event in sorted(ready, key=lambda one: (one[1].time_ms, one[1].resolved, one[0])):
            self._send(unit, event)

    def _is_untold(self, unit: str, rows: list[JoinedRow]) -> bool:
        """Whether it is a row that is gone, of which the target is not told."""
        return rows[0].operation == DELETE and not (self._options.all
                                                    and self._state.was_ever_sent(unit))

    def _send(self, unit: str, event: AlertEvent) -> None:
        remote = self._state.remote(event.episode)
        request = self._target.request(event, remote)
        if request is not None:
            answer = self._deliverer.send(request)
            if answer.status == 404 and remote:  # Somebody has removed it there.
                remote = ""
                request = self._target.request(event, remote)
                assert request is not None
                answer = self._deliverer.send(request)
            self._note(event, request, answer)
            remote = self._target.remote(event, remote, answer.body) if answer.taken else remote
            self._state.put_remote(event.episode, remote)
        self._state.settled(unit, event.rows)
        self._state.commit()

    def _note(self, event: AlertEvent, request: Request, answer: Answer) -> None:
        said: dict[str, Any] = {"alert": event.alert, "state": event.state, "episode": event.episode,
                                "event_time": event.time_ms, "status": answer.status}
        if answer.taken:
            self._metrics.add("sent", state=event.state)
            self._metrics.set("last_sent_timestamp_seconds", time.time())
            self._log("info", "sent", **said)
        else:
            error = refused(answer)
            self._dead_letters.put(event, request, error)
            self._metrics.add("dead_letters", status=str(answer.status))
            self._log("error", "refused, kept as a dead letter", **said, reason=error.hint)


def log_line(level: str, message: str, **fields: Any) -> None:
    """A line of logfmt on standard error. Labels are anybody's text, so they are quoted."""
    now = datetime.datetime.now(datetime.timezone.utc)
    pairs = [f"time={now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z", f"level={level}",
             f"msg={json.dumps(message)}"]
    pairs += [f"{name}={json.dumps(value)}" for name, value in fields.items()
              if value not in (None, "")]
    print(*pairs, file=sys.stderr, flush=True)


