"""What callers say, as requests. Shared by the blocking and the asyncio client."""
from __future__ import annotations

from typing import Any, Sequence

from alertjoin.times import to_proto, to_proto_duration
from alertjoin.v1 import alerts_pb2
from alertjoin.v1 import correlator_service_pb2 as pb
from alertjoin.v1 import events_pb2, joined_row_pb2, samples_pb2, subscription_pb2

PAGE_MOST = 1000
SAMPLES_PAGE_MOST = 10_000


def _enum(enum: Any, prefix: str, name: str | None) -> Any:
    if not name:
        return 0
    try:
        return enum.Value(prefix + name.upper())
    except ValueError:
        names = [known.removeprefix(prefix) for known in enum.keys()[1:]]
        raise ValueError(f'"{name}" is none of {", ".join(names)}') from None


def _state(name: str | None) -> Any:
    return _enum(events_pb2.AlertState, "ALERT_STATE_", name)


def _span(since: Any, until: Any) -> dict[str, Any]:
    """The fields `from`, which is a keyword of Python, and `to`."""
    return {"from": to_proto(since), "to": to_proto(until)}


def subscribe(filter: str = "", state: str | None = None, query: str = "",
              final_only: bool = False, live_only: bool = False, since: Any = None,
              resume_token: str = "", progress_interval: Any = None
              ) -> pb.SubscribeJoinedRowsRequest:
    return pb.SubscribeJoinedRowsRequest(
        filter=filter, state=_state(state), query_name=query, final_only=final_only,
        start=_start(live_only), snapshot_window=to_proto_duration(since),
        resume_token=resume_token,
        progress_interval=to_proto_duration(progress_interval))


def _start(live_only: bool) -> Any:
    return subscription_pb2.SubscriptionStart.Value(
        "SUBSCRIPTION_START_" + ("LIVE" if live_only else "SNAPSHOT"))


def subscribe_alerts(filter: str = "", state: str | None = None, source: str = "",
                     live_only: bool = False, since: Any = None, resume_token: str = "",
                     progress_interval: Any = None) -> alerts_pb2.SubscribeAlertsRequest:
    return alerts_pb2.SubscribeAlertsRequest(
        filter=filter, state=_state(state), source=source, start=_start(live_only),
        snapshot_window=to_proto_duration(since), resume_token=resume_token,
        progress_interval=to_proto_duration(progress_interval))


def subscribe_samples(query: str = "", filter: str = "", source: str = "", live_only: bool = False,
                      since: Any = None, resume_token: str = "", progress_interval: Any = None
                      ) -> samples_pb2.SubscribeSamplesRequest:
    return samples_pb2.SubscribeSamplesRequest(
        series=selector(query, filter, source), start=_start(live_only),
        snapshot_window=to_proto_duration(since), resume_token=resume_token,
        progress_interval=to_proto_duration(progress_interval))


def joined(filter: str = "", state: str | None = None, query: str = "", final_only: bool = False,
           match: str | None = None, since: Any = None, until: Any = None
           ) -> pb.ListJoinedRowsRequest:
    return pb.ListJoinedRowsRequest(
        filter=filter, state=_state(state), query_name=query, final_only=final_only,
        match_state=_enum(joined_row_pb2.MatchState, "MATCH_STATE_", match),
        page_size=PAGE_MOST, **_span(since, until))


def selector(query: str, filter: str, source: str) -> samples_pb2.SeriesSelector:
    return samples_pb2.SeriesSelector(query_name=query, filter=filter, source=source)


def samples(query: str = "", filter: str = "", source: str = "", since: Any = None,
            until: Any = None) -> samples_pb2.ListSamplesRequest:
    return samples_pb2.ListSamplesRequest(
        series=selector(query, filter, source), page_size=SAMPLES_PAGE_MOST,
        **_span(since, until))


def as_of(query: str = "", time: Any = None, filter: str = "", source: str = "",
          tolerance: Any = None, strict: bool = False, first_after: bool = False
          ) -> samples_pb2.LookUpAsOfRequest:
    return samples_pb2.LookUpAsOfRequest(
        series=selector(query, filter, source), time=to_proto(time),
        tolerance=to_proto_duration(tolerance), strict=strict, first_after=first_after,
        page_size=PAGE_MOST)


def summarize(query: str = "", filter: str = "", source: str = "", since: Any = None,
              until: Any = None, step: Any = None, ema_alpha: float | None = None
              ) -> samples_pb2.SummarizeSamplesRequest:
    return samples_pb2.SummarizeSamplesRequest(
        series=selector(query, filter, source), step=to_proto_duration(step), ema_alpha=ema_alpha,
        page_size=PAGE_MOST, **_span(since, until))


def alerts(filter: str = "", state: str | None = None, source: str = "", since: Any = None,
           until: Any = None) -> alerts_pb2.ListAlertsRequest:
    return alerts_pb2.ListAlertsRequest(filter=filter, state=_state(state), source=source,
                                        page_size=PAGE_MOST, **_span(since, until))


def summarize_alerts(filter: str = "", source: str = "", since: Any = None, until: Any = None,
                     by: str | Sequence[str] = (), bucket: Any = None, flap_window: Any = None
                     ) -> alerts_pb2.SummarizeAlertsRequest:
    return alerts_pb2.SummarizeAlertsRequest(
        filter=filter, source=source, by=[by] if isinstance(by, str) else by,
        bucket=to_proto_duration(bucket), flap_window=to_proto_duration(flap_window),
        page_size=PAGE_MOST, **_span(since, until))


def merged(series: Sequence[samples_pb2.SeriesSamples]) -> list[samples_pb2.SeriesSamples]:
    """A series whose samples were cut by the end of a page, put together again."""
    whole: list[samples_pb2.SeriesSamples] = []
    for one in series:
        if whole and whole[-1].series == one.series:
            whole[-1].samples.extend(one.samples)
        else:
            whole.append(one)
    return whole
