"""The correlator stops in good order: each subscription ends with the token at which it goes on
with the next run, and misses and repeats nothing there."""
import http.client
import json
import signal
import unittest

import grpc

import support
from alert_feed import now_ms
from event_producer import EventProducer
from fault_stack import FaultStack
from secure_calls import reason_of, resume_token_of
from support import Subscription

MESSAGE_SECONDS = 30
SOURCE = "test-source"
METHODS = {"rows": "JoinedRows", "alerts": "Alerts", "samples": "Samples"}
PATHS = {"rows": "/api/v1/stream", "alerts": "/api/v1/stream/alerts",
         "samples": "/api/v1/stream/samples"}


class Ended(Exception):
    """(status, reason, token at which to go on) of the end of a stream."""


class GrpcStream:
    """One subscription; `told` are the names of what it has told of."""

    def __init__(self, test, address, kind, token=""):
        api = support.api()
        channel = support.client.open_channel(address)
        test.addCleanup(channel.close)
        method = "Subscribe" + METHODS[kind]
        request = getattr(api, method + "Request")(resume_token=token)
        call = getattr(api.CorrelatorServiceStub(channel), method)(request)
        test.addCleanup(call.cancel)
        self._messages = Subscription(call)
        self.told = []

    def read(self):
        """Takes a message. Returns its kind, or raises Ended."""
        try:
            message = self._messages.next(MESSAGE_SECONDS)
        except grpc.RpcError as error:
            raise Ended(error.code().name, reason_of(error), resume_token_of(error)) from None
        kind = message.WhichOneof("message")
        if kind in ("rows", "alerts"):
            self.told += [entry.transition.labels["name"]
                          for entry in getattr(getattr(message, kind), kind)]
        elif kind == "samples":
            self.told += [series.series.labels["name"] for series in message.samples.series]
        return kind


class EventStream:
    """The same as server-sent events."""

    def __init__(self, test, address, kind, token=""):
        connection = http.client.HTTPConnection(address, timeout=MESSAGE_SECONDS)
        test.addCleanup(connection.close)
        connection.request("GET", PATHS[kind], headers={"Last-Event-ID": token} if token else {})
        self._response = connection.getresponse()
        test.addCleanup(self._response.close)
        test.assertEqual(200, self._response.status)
        self.told = []

    def read(self):
        event = {}
        while "data" not in event:
            line = self._response.readline().decode()
            assert line, "the stream ended without a reason"
            name, _, value = line.rstrip("\n").partition(": ")
            event[name] = value
        kind, body = event["event"], json.loads(event["data"])
        if kind == "error":
            info = body["details"][0]["debug"]
            assert event.get("id") == info["metadata"]["resume_token"], event
            raise Ended(body["code"].upper(), info["reason"], event["id"])
        if kind in ("rows", "alerts"):
            self.told += [entry["transition"]["labels"]["name"] for entry in body[kind]]
        elif kind == "samples":
            self.told += [entry["series"]["labels"]["name"] for entry in body["series"]]
        return kind


class GracefulStopTest(unittest.TestCase):
    def setUp(self):
        support.api()
        self.stack = FaultStack(self, ingests=())
        self.stack.start("correlator")

    def push(self, name):
        """An alert and a sample of this name: a change in each stream."""
        api, now = support.api(), now_ms()
        samples = api.SampleBatch(
            queries=[api.QueryDefinition(query_ref=1, query=api.Query(
                source=SOURCE, name="q", expression="q", time_kind=api.TIME_KIND_SAMPLE))],
            series=[api.SeriesDefinition(series_ref=1, query_ref=1, labels={"name": name})],
            series_refs=[1], times_ms=[now], values=[1.0])
        samples.received_time.FromMilliseconds(now)
        alert = api.TransitionEvent(source=SOURCE, fingerprint=name, labels={"name": name},
                                    state=api.ALERT_STATE_FIRING)
        alert.starts_at.FromMilliseconds(now)
        alert.received_time.FromMilliseconds(now)
        # By a producer of its own, as streams end with the correlator.
        EventProducer(self, self.stack.address["grpc"], name).push(
            api.Event(samples=samples), api.Event(transition=alert))

    def open(self, tokens):
        """Every kind of stream, both ways, by name."""
        streams = {}
        for kind in METHODS:
            streams[f"{kind} over gRPC"] = GrpcStream(
                self, self.stack.address["grpc"], kind, tokens.get(f"{kind} over gRPC", ""))
            streams[f"{kind} over HTTP"] = EventStream(
                self, self.stack.address["correlator"], kind, tokens.get(f"{kind} over HTTP", ""))
        return streams

    def end_of(self, stream):
        try:
            while True:
                stream.read()
        except Ended as end:
            return end.args

    def test_streams_go_on_at_the_token_of_their_end(self):
        self.push("first")
        streams, tokens = self.open({}), {}
        for stream in streams.values():
            while stream.read() != "snapshot_complete":
                pass
        # Some may have it when they end.
        self.push("second")
        self.stack.signal("correlator", signal.SIGTERM)
        for name, stream in streams.items():
            with self.subTest(stream=name):
                code, reason, tokens[name] = self.end_of(stream)
                self.assertEqual(("UNAVAILABLE", "STOPPING"), (code, reason))
                self.assertTrue(tokens[name])
        self.assertEqual(0, self.stack.result_of("correlator"))
        self.stack.start("correlator")
        self.push("third")
        for name, stream in self.open(tokens).items():
            with self.subTest(stream=name):
                self.assertEqual("started", stream.read())
                while "third" not in stream.told:
                    self.assertNotEqual("snapshot_complete", stream.read())
                self.assertEqual(["first", "second", "third"], streams[name].told + stream.told)


if __name__ == "__main__":
    unittest.main()
