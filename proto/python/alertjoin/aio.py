"""The asyncio client: the calls of alertjoin.Client, to be awaited."""
from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator, Callable, Sequence

import grpc
import pandas as pd

from alertjoin import frames, requests
from alertjoin.client import CHANNEL_OPTIONS, DEFAULT_ADDRESS, DEFAULT_TIMEOUT_SECONDS
from alertjoin.errors import AlertjoinError
from alertjoin.live import (AlertFold, AsyncLiveTable, Fold, RowFold, SampleFold, Standing,
                            forgotten_after)
from alertjoin.subscription import Message, Resumption
from alertjoin.v1 import correlator_service_pb2_grpc as pb_grpc
from alertjoin.v1 import samples_pb2


def connect(address: str = DEFAULT_ADDRESS, *, credentials: grpc.ChannelCredentials | None = None,
            timeout: float = DEFAULT_TIMEOUT_SECONDS) -> Client:
    """As alertjoin.connect. Call it where an event loop runs."""
    channel = (grpc.aio.insecure_channel(address, CHANNEL_OPTIONS) if credentials is None
               else grpc.aio.secure_channel(address, credentials, CHANNEL_OPTIONS))
    return Client(channel, timeout)


class Client:
    """Reads a correlator. For one event loop."""

    def __init__(self, channel: grpc.aio.Channel, timeout: float = DEFAULT_TIMEOUT_SECONDS):
        self._channel = channel
        self._timeout = timeout
        self.stub = pb_grpc.CorrelatorServiceStub(channel)

    async def close(self) -> None:
        await self._channel.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def subscribe(self, *, retry: bool = True, **arguments: Any) -> AsyncIterator[Message]:
        """As alertjoin.Client.subscribe; ends when the task is cancelled."""
        return self._follow(self.stub.SubscribeJoinedRows, requests.subscribe(**arguments), retry)

    def subscribe_alerts(self, *, retry: bool = True, **arguments: Any) -> AsyncIterator[Message]:
        """As alertjoin.Client.subscribe_alerts."""
        return self._follow(self.stub.SubscribeAlerts, requests.subscribe_alerts(**arguments),
                            retry)

    def subscribe_samples(self, query: str = "", *, retry: bool = True,
                          **arguments: Any) -> AsyncIterator[Message]:
        """As alertjoin.Client.subscribe_samples."""
        return self._follow(self.stub.SubscribeSamples,
                            requests.subscribe_samples(query, **arguments), retry)

    async def _follow(self, method: Any, request: Any, retry: bool) -> AsyncIterator[Message]:
        resumption = Resumption(request, retry)
        while True:
            call = method(resumption.request())
            try:
                async for response in call:
                    yield resumption.took(response)
                pause = resumption.ended()
            except grpc.aio.AioRpcError as error:
                pause, message = resumption.broke(AlertjoinError.from_rpc(error))
                if message is not None:
                    yield message
            finally:
                call.cancel()
            await asyncio.sleep(pause)

    def live(self, labels: Sequence[str] = (), **arguments: Any) -> AsyncLiveTable:
        """As alertjoin.Client.live: `async with client.live() as table`, then
        `await table.frame()`. Call it where an event loop runs."""
        return self._live(self.subscribe, RowFold(), labels, arguments)

    def live_alerts(self, labels: Sequence[str] = (), **arguments: Any) -> AsyncLiveTable:
        """As alertjoin.Client.live_alerts."""
        return self._live(self.subscribe_alerts, AlertFold(), labels, arguments)

    def live_samples(self, query: str = "", labels: Sequence[str] | None = None, keep: int = 1000,
                     forget_after: Any = None, **arguments: Any) -> AsyncLiveTable:
        """As alertjoin.Client.live_samples."""
        fold = SampleFold(keep, forgotten_after(forget_after, arguments.get("since")))
        return self._live(self.subscribe_samples, fold, labels, {"query": query, **arguments})

    @staticmethod
    def _live(subscribe: Callable[..., AsyncIterator[Message]], fold: Fold,
              labels: Sequence[str] | None, arguments: dict[str, Any]) -> AsyncLiveTable:
        standing = Standing(fold, labels, bool(arguments.get("live_only")))
        return AsyncLiveTable(subscribe(progress_interval="1s", **arguments), standing)

    async def joined(self, *, labels: Sequence[str] = (), limit: int | None = None,
                     **arguments: Any) -> pd.DataFrame:
        rows = await self._items(self.stub.ListJoinedRows, requests.joined(**arguments), "rows",
                                 limit)
        return frames.joined_frame(rows, labels)

    async def samples(self, query: str = "", *, labels: Sequence[str] | None = None,
                      **arguments: Any) -> pd.DataFrame:
        series = await self._items(self.stub.ListSamples, requests.samples(query, **arguments),
                                   "series")
        return frames.samples_frame(requests.merged(series), labels)

    async def as_of(self, query: str = "", time: Any = None, *,
                    labels: Sequence[str] | None = None, **arguments: Any) -> pd.DataFrame:
        results = await self._items(self.stub.LookUpAsOf, requests.as_of(query, time, **arguments),
                                    "results")
        return frames.as_of_frame(results, labels)

    async def summarize(self, query: str = "", *, labels: Sequence[str] | None = None,
                        **arguments: Any) -> pd.DataFrame:
        summaries = await self._items(self.stub.SummarizeSamples,
                                      requests.summarize(query, **arguments), "summaries")
        return frames.summary_frame(summaries, labels)

    async def alerts(self, *, labels: Sequence[str] = (), limit: int | None = None,
                     **arguments: Any) -> pd.DataFrame:
        alerts = await self._items(self.stub.ListAlerts, requests.alerts(**arguments), "alerts",
                                   limit)
        return frames.alerts_frame(alerts, labels)

    async def summarize_alerts(self, *, labels: Sequence[str] | None = None, bucket: Any = None,
                               **arguments: Any) -> pd.DataFrame:
        request = requests.summarize_alerts(bucket=bucket, **arguments)
        made = frames.alert_summary_frame if bucket is None else frames.alert_bucket_frame
        return made(await self._items(self.stub.SummarizeAlerts, request, "summaries"), labels)

    async def sources(self) -> pd.DataFrame:
        request = samples_pb2.ListSourcesRequest(page_size=requests.PAGE_MOST)
        return frames.sources_frame(await self._items(self.stub.ListSources, request, "sources"))

    async def _items(self, method: Any, request: Any, field: str,
                     limit: int | None = None) -> list[Any]:
        """What a listing has in this field of all its pages, at most the first `limit`."""
        items: list[Any] = []
        while True:
            page = await self._call(method, request)
            items.extend(getattr(page, field))
            request.page_token = page.next_page_token
            if not request.page_token or (limit is not None and len(items) >= limit):
                return items[:limit]

    async def _call(self, method: Any, request: Any) -> Any:
        try:
            return await method(request, timeout=self._timeout)
        except grpc.aio.AioRpcError as error:
            raise AlertjoinError.from_rpc(error) from error
