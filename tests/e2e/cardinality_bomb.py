"""A sender that has gone mad: new fingerprints, or new series, without end.

A program of its own, of the least priority: what it takes of the machine to make a million of
anything is not what the test of the services is about.

    cardinality_bomb.py alerts|series ADDRESS

Each line of its input, "FIRST COUNT", prepares a blow: those numbers, as new ones of the source
"mad". It says "ready", and sends them when another line comes; how long that took, to the last
answer, in seconds, is a line of its output."""
import concurrent.futures
import http.client
import os
import queue
import sys
import time

import support
from alert_feed import _rfc3339, now_ms

SENDERS = 8  # at the same time
SERIES_PER_EVENT = 5_000


def _notification(numbers, starts):
    alerts = ",".join(
        f'{{"status":"firing","labels":{{"alertname":"Mad","number":"{number}"}},'
        f'"annotations":{{}},"startsAt":"{starts}","endsAt":"0001-01-01T00:00:00Z",'
        f'"generatorURL":"","fingerprint":"{number:016x}"}}' for number in numbers)
    return ('{"version":"4","status":"firing","receiver":"mad","groupKey":"{}","groupLabels":{},'
            '"commonLabels":{},"commonAnnotations":{},"externalURL":"http://mad",'
            f'"truncatedAlerts":0,"alerts":[{alerts}]}}').encode()


def _post(address, body):
    connection = http.client.HTTPConnection(address, timeout=300)
    try:
        connection.request("POST", "/webhook/mad", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        assert response.status == 200, text
    finally:
        connection.close()


def alerts(address):
    """Sends a blow by several notifications at once."""
    starts = _rfc3339(now_ms())
    with concurrent.futures.ThreadPoolExecutor(SENDERS) as senders:
        def prepare(first, count):
            bodies = [_notification(range(first + i, first + count, SENDERS), starts)
                      for i in range(SENDERS)]

            def strike():
                for sent in [senders.submit(_post, address, body) for body in bodies]:
                    sent.result()
            return strike
        yield prepare


class Producer:
    """A stream of samples of one source to the correlator, of a producer of its own."""

    def __init__(self, address, source):
        self.api, self._source, self._sent, self._known = support.api(), source, 0, 0
        self._requests, self._channel = queue.Queue(), support.client.open_channel(address)
        self._answers = self.api.IngestServiceStub(self._channel).PushEvents(
            iter(self._requests.get, None), timeout=900)
        self._requests.put(self.api.PushEventsRequest(hello=self.api.Hello(
            producer_id=f"{source}-{time.monotonic_ns()}", log_id="a", epoch=1, first_sequence=1,
            next_sequence=1)))
        next(self._answers)

    def prepare(self, first, count):
        """What push takes: a sample of each of these series, which are all known or follow those
        that are."""
        return [self._event(range(at, min(at + SERIES_PER_EVENT, first + count)))
                for at in range(first, first + count, SERIES_PER_EVENT)]

    def push(self, events):
        """Returns once all are acknowledged."""
        for event in events:
            self._sent += 1
            self._requests.put(self.api.PushEventsRequest(batch=self.api.EventBatch(
                base_sequence=self._sent, events=[event])))
        while next(self._answers).ack.durable_sequence != self._sent:
            pass

    def _event(self, numbers):
        now = now_ms()
        event = self.api.Event()
        batch = event.samples
        if self._known == 0:
            batch.queries.add(query_ref=1, query=self.api.Query(
                source=self._source, name=self._source, expression=self._source, time_kind=1))
        for number in numbers[max(0, self._known - numbers.start):]:
            batch.series.add(series_ref=number + 1, query_ref=1, labels={"number": str(number)})
        self._known = max(self._known, numbers.stop)
        batch.series_refs.extend(number + 1 for number in numbers)
        batch.times_ms.extend([now] * len(numbers))
        batch.values.extend([1.0] * len(numbers))
        batch.received_time.FromMilliseconds(now)
        return event

    def close(self):
        self._requests.put(None)
        self._channel.close()


def series(address):
    producer = Producer(address, "mad")

    def prepare(first, count):
        events = producer.prepare(first, count)
        return lambda: producer.push(events)
    yield prepare
    producer.close()


if __name__ == "__main__":
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    for prepare_blow in {"alerts": alerts, "series": series}[sys.argv[1]](sys.argv[2]):
        for line in sys.stdin:
            do_strike = prepare_blow(*map(int, line.split()))
            print("ready", flush=True)
            sys.stdin.readline()
            begun = time.monotonic()
            do_strike()
            print(time.monotonic() - begun, flush=True)
