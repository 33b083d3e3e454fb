"""A producer of events to order: what ingest-service would send, in the order that a test wants."""
import queue
import threading
import time

import support

_ANSWER_SECONDS = 30


class EventProducer:
    """One stream of IngestService.PushEvents, with a log of its own. It ends with the test."""

    def __init__(self, test, address, producer_id="test-producer"):
        api = support.api()
        channel = support.client.open_channel(address)
        test.addCleanup(channel.close)
        self._requests = queue.Queue(100)
        self._next_sequence = 1
        self._call = api.IngestServiceStub(channel).PushEvents(iter(self._requests.get, None))
        test.addCleanup(self._call.cancel)
        test.addCleanup(self._requests.put, None)
        self._answers = queue.Queue(100)
        threading.Thread(target=self._read, daemon=True).start()
        self._requests.put(api.PushEventsRequest(hello=api.Hello(
            producer_id=producer_id, epoch=1, log_id=producer_id, first_sequence=1,
            next_sequence=1)))
        self._await("welcome", lambda _: True)

    def push(self, *events):
        """Sends these and returns when the correlator has them for good."""
        api = support.api()
        self._requests.put(api.PushEventsRequest(batch=api.EventBatch(
            base_sequence=self._next_sequence, events=events)))
        self._next_sequence += len(events)
        last = self._next_sequence - 1
        self._await("ack", lambda ack: ack.durable_sequence >= last)

    def _await(self, kind, suits):
        """Takes answers until one of this kind suits."""
        deadline, answer = time.monotonic() + _ANSWER_SECONDS, None
        while True:
            try:
                answer = self._answers.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {kind} within {_ANSWER_SECONDS} s; the last answer was: "
                                     f"{answer}") from None
            if isinstance(answer, Exception):
                raise answer
            if answer.WhichOneof("message") == kind and suits(getattr(answer, kind)):
                return

    def _read(self):
        try:
            for answer in self._call:
                self._answers.put(answer)
            self._answers.put(EOFError("the correlator ended the stream"))
        except Exception as error:  # pylint: disable=broad-except
            self._answers.put(error)


class LateSample:
    """An alert whose own sample comes late: first it is joined with the one before.

    `fire` makes the row, `arrive` brings the sample, `settle` says that nothing more will come.
    """

    SOURCE = "test-source"
    QUERY = "late"
    EARLY_VALUE, LATE_VALUE = 11.0, 22.5

    def __init__(self, producer, event_ms, labels):
        api = support.api()
        self._producer = producer
        self._event_ms = event_ms
        self._labels = labels
        self._query = api.Query(source=self.SOURCE, name=self.QUERY, expression=self.QUERY,
                                time_kind=api.TIME_KIND_SAMPLE)

    def fire(self):
        """The alert, a sample well before it, and one after it: what lies between comes late."""
        api = support.api()
        samples = api.SampleBatch(
            queries=[api.QueryDefinition(query_ref=1, query=self._query)],
            series=[api.SeriesDefinition(series_ref=1, query_ref=1, labels={
                "__name__": self.QUERY, "instance": self._labels["instance"]})],
            series_refs=[1, 1], times_ms=[self._event_ms - 10_000, self._event_ms + 1_000],
            values=[self.EARLY_VALUE, 33.0])
        alert = api.TransitionEvent(
            source=self.SOURCE, fingerprint="1a7e", state=api.ALERT_STATE_FIRING,
            labels=self._labels, bindings=[api.Binding(
                query=self._query, matching=api.Binding.MATCHING_ON, on=["instance"])])
        alert.starts_at.FromMilliseconds(self._event_ms)
        alert.received_time.FromMilliseconds(self._event_ms)
        samples.received_time.FromMilliseconds(self._event_ms)
        self._producer.push(api.Event(samples=samples), api.Event(transition=alert))

    @property
    def late_ms(self):
        return self._event_ms - 5_000

    def arrive(self):
        api = support.api()
        samples = api.SampleBatch(series_refs=[1], times_ms=[self.late_ms],
                                  values=[self.LATE_VALUE])
        samples.received_time.FromMilliseconds(self._event_ms + 2_000)
        self._producer.push(api.Event(samples=samples))

    def settle(self):
        api = support.api()
        progress = api.QueryProgress(query=self._query)
        progress.complete_from.FromMilliseconds(self._event_ms - 60_000)
        progress.complete_through.FromMilliseconds(self._event_ms)
        self._producer.push(api.Event(progress=progress))
