"""The blocking client."""
from __future__ import annotations

import threading
from typing import Any, Callable, Iterator, Sequence

import grpc
import pandas as pd

from alertjoin import frames, requests
from alertjoin.errors import AlertjoinError
from alertjoin.live import (AlertFold, Fold, LiveTable, RowFold, SampleFold, Standing,
                            forgotten_after)
from alertjoin.subscription import Message, Resumption
from alertjoin.v1 import correlator_service_pb2_grpc as pb_grpc
from alertjoin.v1 import alerts_pb2, joined_row_pb2, samples_pb2

DEFAULT_ADDRESS = "127.0.0.1:9750"
DEFAULT_TIMEOUT_SECONDS = 30.0
# An idle subscription is told from a dead one.
CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 16 << 20),
    # A correlator that was started again is found soon.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]

Progress = Callable[[int], None]
Broken = Callable[[AlertjoinError], None]


def connect(address: str = DEFAULT_ADDRESS, *, credentials: grpc.ChannelCredentials | None = None,
            timeout: float = DEFAULT_TIMEOUT_SECONDS) -> Client:
    """A client of the correlator at host:port. Nothing is sent before the first call.

    credentials: as tls() makes them; None for a plain connection, as on loopback.
    timeout: longest wait for one answer, in seconds. Subscriptions have none.
    """
    channel = (grpc.insecure_channel(address, CHANNEL_OPTIONS) if credentials is None
               else grpc.secure_channel(address, credentials, CHANNEL_OPTIONS))
    return Client(channel, timeout)


class Client:
    """Reads a correlator. Thread-safe. Every failure is an AlertjoinError; a wrong argument that is
    seen before anything is sent, a ValueError."""

    def __init__(self, channel: grpc.Channel, timeout: float = DEFAULT_TIMEOUT_SECONDS):
        self._channel = channel
        self._timeout = timeout
        self.stub = pb_grpc.CorrelatorServiceStub(channel)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def subscribe(self, *, retry: bool = True, stop: threading.Event | None = None,
                  broken: Broken | None = None, **arguments: Any) -> Iterator[Message]:
        """Joined rows: those that exist, and then every change as it happens, also across restarts
        of the correlator and broken connections, with nothing missed and nothing twice.

        filter, state, query, final_only: which rows, as in joined().
        since: how far back the first snapshot reaches ("1d" by default).
        live_only: no snapshot.
        resume_token: of the last message of an earlier subscription, to go on behind it.
        retry: False ends with the first failure.
        stop: once set, the subscription ends with the next message.
        broken: is told of each failure that is got over.
        """
        return self._follow(self.stub.SubscribeJoinedRows, requests.subscribe(**arguments), retry,
                            stop, broken)

    def subscribe_alerts(self, *, retry: bool = True, stop: threading.Event | None = None,
                         broken: Broken | None = None, **arguments: Any) -> Iterator[Message]:
        """As subscribe(), for alerts, in Message.alerts.

        filter, state, source: which alerts, as in alerts().
        """
        return self._follow(self.stub.SubscribeAlerts, requests.subscribe_alerts(**arguments),
                            retry, stop, broken)

    def subscribe_samples(self, query: str = "", *, retry: bool = True,
                          stop: threading.Event | None = None, broken: Broken | None = None,
                          **arguments: Any) -> Iterator[Message]:
        """As subscribe(), for samples, in Message.series; since: the last minutes by default. A
        sample may come twice, the later one counts.

        filter, source: which series, as in samples().
        """
        return self._follow(self.stub.SubscribeSamples,
                            requests.subscribe_samples(query, **arguments), retry, stop, broken)

    def _follow(self, method: Any, request: Any, retry: bool, stop: threading.Event | None,
                broken: Broken | None) -> Iterator[Message]:
        resumption = Resumption(request, retry)
        stop = stop or threading.Event()
        while not stop.is_set():
            call = method(resumption.request())
            try:
                for response in call:
                    yield resumption.took(response)
                    if stop.is_set():
                        return
                pause = resumption.ended()
            except grpc.RpcError as error:
                failure = AlertjoinError.from_rpc(error)
                pause, message = resumption.broke(failure)
                if broken is not None:
                    broken(failure)
                if message is not None:
                    yield message
            finally:
                call.cancel()
            stop.wait(pause)

    def live(self, labels: Sequence[str] = (), **arguments: Any) -> LiveTable:
        """A table that keeps itself current on a thread of its own; its frame() is as joined()'s.
        The arguments are those of subscribe(). Close it, or use it in a `with`."""
        return self._live(self.subscribe, RowFold(), labels, arguments)

    def live_alerts(self, labels: Sequence[str] = (), **arguments: Any) -> LiveTable:
        """As live(), of alerts: its frame() is as alerts()'."""
        return self._live(self.subscribe_alerts, AlertFold(), labels, arguments)

    def live_samples(self, query: str = "", labels: Sequence[str] | None = None, keep: int = 1000,
                     forget_after: Any = None, **arguments: Any) -> LiveTable:
        """As live(), of the newest `keep` samples of each series: its frame() is as samples()'.

        keep: at least 1.
        forget_after: a series is left out once its newest sample is so far behind the newest of
            all, as that of a pod that is gone. By default 2h more than `since`.
        """
        fold = SampleFold(keep, forgotten_after(forget_after, arguments.get("since")))
        return self._live(self.subscribe_samples, fold, labels, {"query": query, **arguments})

    @staticmethod
    def _live(subscribe: Callable[..., Iterator[Message]], fold: Fold,
              labels: Sequence[str] | None, arguments: dict[str, Any]) -> LiveTable:
        stop = threading.Event()
        messages = subscribe(stop=stop, progress_interval="1s", **arguments)
        standing = Standing(fold, labels, bool(arguments.get("live_only")))
        return LiveTable(messages, standing, stop)

    def joined_rows(self, *, limit: int | None = None, progress: Progress | None = None,
                    **arguments: Any) -> Iterator[joined_row_pb2.JoinedRow]:
        """The rows of joined() as messages, newest first, page by page."""
        return self._items(self.stub.ListJoinedRows, requests.joined(**arguments), "rows", limit,
                           progress)

    def joined(self, *, labels: Sequence[str] = (), limit: int | None = None,
               progress: Progress | None = None, **arguments: Any) -> pd.DataFrame:
        """Joined rows as a frame, newest event time first.

        filter: matchers as Alertmanager writes them, 'severity=page,job=~"api.*"'.
        state: "FIRING" or "RESOLVED". query: name of a query. final_only. match: "MATCHED", ...
        since, until: by event time: "now-30d", RFC 3339, seconds since 1970, a datetime.
        labels: of series or alert, each as a column.
        progress: is told the number of rows so far, page by page.
        """
        return frames.joined_frame(
            self.joined_rows(limit=limit, progress=progress, **arguments), labels)

    def sample_series(self, query: str = "", *, progress: Progress | None = None,
                      **arguments: Any) -> list[samples_pb2.SeriesSamples]:
        """The samples of samples() as messages, each series once."""
        series: list[samples_pb2.SeriesSamples] = []
        count = 0
        for page in self._pages(self.stub.ListSamples, requests.samples(query, **arguments)):
            series.extend(page.series)
            count += sum(len(one.samples) for one in page.series)
            if progress is not None:
                progress(count)
        return requests.merged(series)

    def samples(self, query: str = "", *, labels: Sequence[str] | None = None,
                progress: Progress | None = None, **arguments: Any) -> pd.DataFrame:
        """Samples that the correlator holds, as a tidy frame. A stale marker is a row without value.

        filter, source: which series. since, until: as in joined(). labels: None for all.
        """
        return frames.samples_frame(self.sample_series(query, progress=progress, **arguments),
                                    labels)

    def samples_wide(self, query: str = "", **arguments: Any) -> pd.DataFrame:
        """The same with a column for each series, named as prometheus-pandas names it."""
        return frames.wide_frame(self.sample_series(query, **arguments))

    def as_of(self, query: str = "", time: Any = None, *, labels: Sequence[str] | None = None,
              **arguments: Any) -> pd.DataFrame:
        """What each series said at a moment (now by default), by the rules of the join.

        filter, source: which series. tolerance, strict, first_after: as in a binding.
        """
        request = requests.as_of(query, time, **arguments)
        return frames.as_of_frame(
            list(self._items(self.stub.LookUpAsOf, request, "results")), labels)

    def summarize(self, query: str = "", *, labels: Sequence[str] | None = None,
                  **arguments: Any) -> pd.DataFrame:
        """Figures of series over a time, or for each `step` of it.

        filter, source: which series. since, until, step. ema_alpha: weight of the newest sample.
        """
        request = requests.summarize(query, **arguments)
        return frames.summary_frame(
            list(self._items(self.stub.SummarizeSamples, request, "summaries")), labels)

    def alert_messages(self, *, limit: int | None = None, progress: Progress | None = None,
                       **arguments: Any) -> Iterator[alerts_pb2.Alert]:
        """The alerts of alerts() as messages, newest start first, page by page."""
        return self._items(self.stub.ListAlerts, requests.alerts(**arguments), "alerts", limit,
                           progress)

    def alerts(self, *, labels: Sequence[str] = (), limit: int | None = None,
               progress: Progress | None = None, **arguments: Any) -> pd.DataFrame:
        """Alerts as a frame, one row for each episode, newest start first.

        filter, state, source: which alerts. since, until: those that fired at some time between.
        """
        return frames.alerts_frame(
            self.alert_messages(limit=limit, progress=progress, **arguments), labels)

    def summarize_alerts(self, *, labels: Sequence[str] | None = None, bucket: Any = None,
                         **arguments: Any) -> pd.DataFrame:
        """How often and how long alerts fired, the longest first: a row for each alert, or for each
        group `by` labels. With `bucket`, such as "1h", a row for each group and bucket instead.

        filter, source: which alerts. since, until: the last day by default. flap_window.
        """
        request = requests.summarize_alerts(bucket=bucket, **arguments)
        made = frames.alert_summary_frame if bucket is None else frames.alert_bucket_frame
        return made(list(self._items(self.stub.SummarizeAlerts, request, "summaries")), labels)

    def sources(self) -> pd.DataFrame:
        """The alert and metrics sources, and how they fare."""
        request = samples_pb2.ListSourcesRequest(page_size=requests.PAGE_MOST)
        return frames.sources_frame(list(self._items(self.stub.ListSources, request, "sources")))

    def firing_intervals(self, *, labels: Sequence[str] = (), **arguments: Any) -> pd.DataFrame:
        """When which alert fired: a row for each episode, `ends_at` NaT while it lasts.

        filter, since, until: as in joined(); by the event times of its transitions.
        """
        rows = self.joined_rows(**arguments)
        return frames.firing_intervals(frames.joined_frame(rows, labels, of_alert=True))

    def _items(self, method: Any, request: Any, field: str, limit: int | None = None,
               progress: Progress | None = None) -> Iterator[Any]:
        """What a listing has in this field of its pages, at most `limit`."""
        if limit is not None and limit <= 0:
            return
        count = 0
        for page in self._pages(method, request):
            items = getattr(page, field)[:None if limit is None else limit - count]
            yield from items
            count += len(items)
            if progress is not None:
                progress(count)
            if count == limit:
                return

    def _pages(self, method: Any, request: Any) -> Iterator[Any]:
        """Every page of a listing."""
        while True:
            page = self._call(method, request)
            yield page
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise AlertjoinError.from_rpc(error) from error
