"""Frames that keep themselves current."""
from __future__ import annotations

import asyncio
import dataclasses
import datetime
import math
import threading
from typing import Any, AsyncIterator, Callable, Iterator, Protocol, Sequence

import pandas as pd

from alertjoin import frames
from alertjoin.errors import AlertjoinError
from alertjoin.subscription import Message
from alertjoin.times import millis, parse_duration
from alertjoin.v1 import alerts_pb2, joined_row_pb2, samples_pb2

_DELETE = joined_row_pb2.OPERATION_DELETE
# Kinds of messages that change a table.
_CHANGES = {"rows", "alerts", "samples", "reset", "snapshot_complete"}
# A series may be silent for so long, beyond what the snapshot reaches back: more than the hour that
# the clock of a source may be ahead, by which the others seem to be late.
SILENT_MOST = datetime.timedelta(hours=2)


class Fold(Protocol):
    """What the messages of a subscription add up to. For one thread at a time."""

    def clear(self) -> None: ...

    def take(self, message: Message) -> None: ...

    def held(self) -> list[Any]:
        """A copy that stays as it is."""

    def frame(self, held: list[Any], labels: Sequence[str] | None) -> pd.DataFrame: ...


class RowFold:
    """Joined rows by their id."""

    def __init__(self) -> None:
        self._rows: dict[str, joined_row_pb2.JoinedRow] = {}

    def clear(self) -> None:
        self._rows.clear()

    def take(self, message: Message) -> None:
        for row in message.rows:
            if row.operation == _DELETE:
                self._rows.pop(row.row_id, None)
            else:
                self._rows[row.row_id] = row

    def held(self) -> list[joined_row_pb2.JoinedRow]:
        return list(self._rows.values())

    def frame(self, held: list[Any], labels: Sequence[str] | None) -> pd.DataFrame:
        return frames.joined_frame(held, labels or ()).sort_values("event_time", ascending=False)


class AlertFold:
    """Alerts by their id."""

    def __init__(self) -> None:
        self._alerts: dict[str, alerts_pb2.Alert] = {}

    def clear(self) -> None:
        self._alerts.clear()

    def take(self, message: Message) -> None:
        for alert in message.alerts:
            if alert.operation == _DELETE:
                self._alerts.pop(alert.alert_id, None)
            else:
                self._alerts[alert.alert_id] = alert

    def held(self) -> list[alerts_pb2.Alert]:
        return list(self._alerts.values())

    def frame(self, held: list[Any], labels: Sequence[str] | None) -> pd.DataFrame:
        return frames.alerts_frame(held, labels or ()).sort_values("starts_at", ascending=False)


def forgotten_after(said: Any, since: Any) -> datetime.timedelta:
    """How long a series may be silent in a table that was asked for with these arguments."""
    return SILENT_MOST + parse_duration(since or 0) if said is None else parse_duration(said)


@dataclasses.dataclass
class _HeldSeries:
    series: samples_pb2.Series
    samples: dict[int, samples_pb2.Sample] = dataclasses.field(default_factory=dict)
    newest_ms: int = 0


class SampleFold:
    """The newest samples of each series, by time; of equal times the later message counts. A series
    is forgotten when its newest sample is further than `forget_after` behind the newest of all, so
    that memory does not grow with every pod that ever was."""

    def __init__(self, keep: int, forget_after: datetime.timedelta = SILENT_MOST):
        if keep < 1:
            raise ValueError(f"keep: expected at least 1 sample of each series, found {keep}")
        if forget_after < datetime.timedelta(0):
            raise ValueError(f"forget_after: expected a time from 0 on, found {forget_after}")
        self._keep = keep
        self._silent_most_ms = forget_after // datetime.timedelta(milliseconds=1)
        self.clear()

    def clear(self) -> None:
        self._series: dict[bytes, _HeldSeries] = {}
        self._newest_ms = -math.inf  # of all samples
        # No series has a newest sample older than this: as long as it is not too old, none is.
        self._least_newest_ms = math.inf

    def take(self, message: Message) -> None:
        for one in message.series:
            if one.samples:
                self._add(one)
        if self._newest_ms - self._least_newest_ms > self._silent_most_ms:
            self._forget_silent()

    def _add(self, one: samples_pb2.SeriesSamples) -> None:
        key = one.series.SerializeToString(deterministic=True)
        held = self._series.setdefault(key, _HeldSeries(one.series))
        held.samples.update({millis(sample.time): sample for sample in one.samples})
        times = sorted(held.samples)
        for time in times[:-self._keep]:
            del held.samples[time]
        held.newest_ms = times[-1]
        self._newest_ms = max(self._newest_ms, held.newest_ms)
        self._least_newest_ms = min(self._least_newest_ms, held.newest_ms)

    def _forget_silent(self) -> None:
        self._series = {key: held for key, held in self._series.items()
                        if self._newest_ms - held.newest_ms <= self._silent_most_ms}
        self._least_newest_ms = min(held.newest_ms for held in self._series.values())

    def held(self) -> list[samples_pb2.SeriesSamples]:
        return [samples_pb2.SeriesSamples(series=held.series, samples=[
            sample for _, sample in sorted(held.samples.items())])
            for held in self._series.values()]

    def frame(self, held: list[Any], labels: Sequence[str] | None) -> pd.DataFrame:
        return frames.samples_frame(held, labels)


class Standing:
    """What a subscription adds up to so far. For one thread at a time."""

    def __init__(self, fold: Fold, labels: Sequence[str] | None, complete: bool):
        """complete: there is no snapshot to wait for."""
        self._fold = fold
        self._labels = labels
        self._always_complete = complete
        self.complete = complete
        # Grows with each message that changes the table. Sequences would not do: samples have none,
        # and those of a store that was lost begin anew.
        self.version = 0
        self.error: AlertjoinError | None = None

    def take(self, message: Message) -> None:
        if message.kind == "reset":
            self._fold.clear()
            self.complete = self._always_complete
        elif message.kind == "snapshot_complete":
            self.complete = True
        self._fold.take(message)
        if message.kind in _CHANGES:
            self.version += 1

    def differs(self, version: int) -> bool:
        return self.version > version or self.error is not None

    def ready(self) -> bool:
        return self.complete or self.error is not None

    def held(self) -> list[Any]:
        """A copy that stays as it is. Raises the error that ended the subscription."""
        if self.error is not None:
            raise self.error
        return self._fold.held()

    def frame(self, held: list[Any]) -> pd.DataFrame:
        return self._fold.frame(held, self._labels)


class LiveTable:
    """What a subscription adds up to, kept current by a thread of its own. Thread-safe."""

    def __init__(self, messages: Iterator[Message], standing: Standing, stop: threading.Event):
        """stop: ends `messages`."""
        self._changed = threading.Condition()
        self._standing = standing
        self._stop = stop
        self._thread = threading.Thread(target=self._follow, args=(messages,), daemon=True)
        self._thread.start()

    def frame(self, wait: float | None = 30.0) -> pd.DataFrame:
        """The table as it stands. Waits up to `wait` seconds until the first snapshot is complete.
        Raises the error that ended the subscription."""
        with self._changed:
            if not self._changed.wait_for(self._standing.ready, wait):
                raise TimeoutError("the snapshot is not complete yet")
            held = self._standing.held()
        return self._standing.frame(held)

    def wait_for_change(self, after: int, timeout: float | None = None) -> int:
        """Waits until the table is no longer as it was at the version `after`, or has ended, but not
        longer than `timeout` seconds; returns the version as it is then."""
        with self._changed:
            self._changed.wait_for(lambda: self._standing.differs(after), timeout)
            return self._standing.version

    @property
    def version(self) -> int:
        """Grows whenever rows, alerts or samples come, change or go."""
        with self._changed:
            return self._standing.version

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> LiveTable:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _follow(self, messages: Iterator[Message]) -> None:
        try:
            for message in messages:
                with self._changed:
                    self._standing.take(message)
                    self._changed.notify_all()
        except AlertjoinError as error:
            with self._changed:
                self._standing.error = error
                self._changed.notify_all()


class AsyncLiveTable:
    """What a subscription adds up to, kept current by a task. For the event loop that it was made
    in."""

    def __init__(self, messages: AsyncIterator[Message], standing: Standing):
        self._changed = asyncio.Condition()
        self._standing = standing
        self._task = asyncio.get_running_loop().create_task(self._follow(messages))

    async def frame(self, wait: float | None = 30.0) -> pd.DataFrame:
        """As LiveTable.frame."""
        if not await self._wait_for(self._standing.ready, wait):
            raise TimeoutError("the snapshot is not complete yet")
        return self._standing.frame(self._standing.held())

    async def wait_for_change(self, after: int, timeout: float | None = None) -> int:
        """As LiveTable.wait_for_change."""
        await self._wait_for(lambda: self._standing.differs(after), timeout)
        return self._standing.version

    @property
    def version(self) -> int:
        """As LiveTable.version."""
        return self._standing.version

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def __aenter__(self) -> AsyncLiveTable:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _wait_for(self, holds: Callable[[], bool], timeout: float | None) -> bool:
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(holds), timeout)
            except asyncio.TimeoutError:
                return False
        return True

    async def _follow(self, messages: AsyncIterator[Message]) -> None:
        try:
            async for message in messages:
                async with self._changed:
                    self._standing.take(message)
                    self._changed.notify_all()
        except AlertjoinError as error:
            async with self._changed:
                self._standing.error = error
                self._changed.notify_all()
