"""An identity with a filter: whatever it asks, over gRPC and over HTTP, it sees its own part alone.

What is of others has a canary in each of its texts, so that one look tells whether it was seen."""
import queue
import time
import unittest

import grpc

import support
from secure_stack import ROLES, TOKENS, SecureStack
from support import wait_until

THEIRS = "canaryb"
SERVICE = "/alertjoin.v1.CorrelatorService/"
MINE = {"alertname": "Mine", "team": "a", "instance": "i1"}
STREAMS = ("SubscribeJoinedRows", "SubscribeAlerts", "SubscribeSamples")
# Nothing of what these say is of anyone in particular.
DENIED = ("ListSources",)
PATHS = ("/api/v1/joined.csv", "/api/v1/joined.json", "/api/v1/alerts.ndjson", "/api/v1/samples.csv",
         "/api/v1/annotations")
EVENT_PATHS = ("/api/v1/stream", "/api/v1/stream/alerts", "/api/v1/stream/samples")


def timestamp(seconds):
    return {"seconds": int(seconds)}


def events(now):
    """Two teams' alerts and series, one query in common and one that is of the others."""
    shared = {"source": "prometheus", "name": "load", "expression": "load", "time_kind": 1}
    refused = {"source": "prometheus", "name": "refused", "expression": "refused", "time_kind": 1}
    theirs = {"source": f"{THEIRS}-source", "name": f"{THEIRS}-query",
              "expression": f"{THEIRS}_load", "time_kind": 1}
    bindings = [{"query": shared, "matching": 1, "on": ["instance"]}]
    yield {"samples": {
        "queries": [{"query_ref": 1, "query": shared}, {"query_ref": 2, "query": theirs}],
        "series": [
            {"series_ref": 1, "query_ref": 1, "labels": {"instance": "i1", "team": "a"}},
            {"series_ref": 2, "query_ref": 1, "labels": {"instance": "i1"}},
            {"series_ref": 3, "query_ref": 1,
             "labels": {"instance": "i1", "team": "b", "of": THEIRS}},
            {"series_ref": 4, "query_ref": 2,
             "labels": {"instance": "i1", "team": "b", "of": THEIRS}}],
        "series_refs": [1, 2, 3, 4], "times_ms": [int((now - 5) * 1000)] * 4,
        "values": [1.0, 2.0, 3.0, 4.0], "received_time": timestamp(now)}}
    for number, labels in enumerate((MINE, {
            "alertname": f"{THEIRS}-alert", "team": "b", "instance": "i1"})):
        yield {"transition": {
            "source": "alertmanager", "fingerprint": f"{number:016x}", "state": 1,
            "starts_at": timestamp(now), "labels": labels, "origin": 1,
            "received_time": timestamp(now), "bindings": bindings + [
                {"query": refused, "matching": 1, "on": ["instance"]},
                {"query": theirs, "matching": 1, "on": ["instance"]}]}}
    for query in (shared, theirs):
        yield {"progress": {"query": query, "complete_from": timestamp(now - 60),
                            "complete_through": timestamp(now)}}
    yield {"gap": {"source": theirs["source"], "query": theirs, "from": timestamp(now - 30),
                   "through": timestamp(now - 20), "reason": f"{THEIRS} is missing"}}
    for query in (shared, refused, theirs):
        yield {"query_error": {"query": query, "time": timestamp(now),
                               "error": f'many matches for {{of="{THEIRS}"}}'}}
    yield {"source_status": {"source": theirs["source"], "kind": 1, "health": 1, "producer_id": "test",
                             "time": timestamp(now)}}


class FilteredTest(unittest.TestCase):
    """One stack serves all tests; none changes it."""

    @classmethod
    def setUpClass(cls):
        cleanups = unittest.TestCase()
        cls.addClassCleanup(cleanups.doCleanups)
        cls.stack = SecureStack(cleanups)
        cls.tokens = {**TOKENS, "team-a": "a-token-of-team-a"}
        cls.stack.write_tokens(cls.tokens)
        cls.stack.write_security({**ROLES, "team-a": ["read"]}, {"team-a": '{team="a"}'})
        cls.stack.start()
        cls.channel = cls.stack.channel()
        cls.addClassCleanup(cls.channel.close)
        cls.push()

    @classmethod
    def push(cls):
        api = support.api()
        requests = queue.Queue()
        call = api.IngestServiceStub(cls.channel).PushEvents(
            iter(requests.get, None), timeout=60, metadata=cls.header("pusher"))
        made = list(events(time.time()))
        requests.put(api.PushEventsRequest(hello=api.Hello(
            producer_id="test", log_id="a", epoch=1, first_sequence=1, next_sequence=1)))
        next(call)
        requests.put(api.PushEventsRequest(batch=api.EventBatch(
            base_sequence=1, events=[api.Event(**event) for event in made])))
        while True:  # the deadline of the call ends it
            if next(call).ack.durable_sequence == len(made):
                break
        requests.put(None)
        wait_until(lambda: len(cls.stack.rows(cls.tokens["reader"])) == 10, 60, "all rows")

    @classmethod
    def header(cls, user):
        return [("authorization", f"Bearer {cls.tokens[user]}")]

    def requests(self, method):
        """Requests of the method that ask for as much as they can, the last by name for theirs."""
        api = support.api()
        selector = {"series": {"filter": 'instance="i1"'}}
        theirs = {"series": {"filter": f'of="{THEIRS}"'}}
        if method == "GetAlertContext":
            return [api.GetAlertContextRequest(row_id=row.row_id, also=[selector["series"]])
                    for row in self.stack.rows(self.tokens["team-a"])]
        request = getattr(api, method + "Request")
        if "series" in request.DESCRIPTOR.fields_by_name:
            return [request(**selector), request(**theirs)]
        if "filter" in request.DESCRIPTOR.fields_by_name:
            return [request(), request(filter='team="b"'), request(filter='team=~".*"')]
        return [request()]

    def answers(self, method, user):
        """All that the method says to the user: a list of texts. Streams until they are quiet."""
        api, found = support.api(), []
        for request in self.requests(method):
            if method in STREAMS:
                request.progress_interval.FromMilliseconds(100)
                call = self.channel.unary_stream(SERVICE + method)(
                    request.SerializeToString(), timeout=20, metadata=self.header(user))
                parse, progressed = getattr(api, method + "Response").FromString, 0
                for message in call:
                    found.append(message)
                    progressed += parse(message).WhichOneof("message") == "progress"
                    if progressed == 2:
                        call.cancel()
                        break
                continue
            found.append(self.channel.unary_unary(SERVICE + method)(
                request.SerializeToString(), timeout=20, metadata=self.header(user)))
        return found

    def methods(self):
        service = support.api().DESCRIPTOR.pool.FindServiceByName("alertjoin.v1.CorrelatorService")
        return [method.name for method in service.methods]

    def test_no_method_shows_what_is_of_others(self):
        for method in self.methods():
            with self.subTest(method=method):
                if method in DENIED:
                    with self.assertRaises(grpc.RpcError) as caught:
                        self.answers(method, "team-a")
                    self.assertEqual(grpc.StatusCode.PERMISSION_DENIED, caught.exception.code())
                    self.assertIn("filter", caught.exception.details())
                else:
                    seen = self.answers(method, "team-a")
                    self.assertEqual([], [text for text in seen if THEIRS.encode() in text])
                    own = b"load" if "Sample" in method or "Quer" in method else b"i1"
                    self.assertTrue(any(own in text for text in seen), "nor what is its own")
                # It is there for those who may see it: this test would find it.
                self.assertTrue(any(THEIRS.encode() in text
                                    for text in self.answers(method, "reader")))

    def test_no_path_shows_what_is_of_others(self):
        for path in PATHS:
            with self.subTest(path=path):
                status, text = self.stack.ask("correlator", "GET", path, self.header("team-a")[0][1])
                self.assertEqual(200, status, text)
                self.assertNotIn(THEIRS, text)
                self.assertIn("load" if "samples" in path else "Mine", text)
                self.assertIn(THEIRS, self.stack.ask("correlator", "GET", path,
                                                     self.header("reader")[0][1])[1])
        for path in EVENT_PATHS:
            with self.subTest(path=path):
                lines = self.stack.open_events("correlator", path + "?progress_interval=100ms",
                                               self.header("team-a")[0][1])
                self.addCleanup(lines.close)
                progressed = 0
                for line in lines:
                    self.assertNotIn(THEIRS.encode(), line)
                    progressed += line == b"event: progress\n"
                    if progressed == 2:
                        break
        for name, path, status in (("correlator", "/metrics", 403), ("ingest", "/metrics", 403),
                                   ("correlator", "/", 200), ("correlator", "/docs", 200),
                                   ("correlator", "/other", 403)):
            with self.subTest(service=name, path=path):
                got, text = self.stack.ask(name, "GET", path, self.header("team-a")[0][1])
                self.assertIn(got, (status, 404) if path == "/" else (status,), text)
                self.assertNotIn(THEIRS, text)
        for method, expected in (("ListJoinedRows", 200), ("ListSources", 403)):
            status, text = self.stack.ask("correlator", "POST", SERVICE + method,
                                          self.header("team-a")[0][1], "{}")
            self.assertEqual(expected, status, text)
            self.assertNotIn(THEIRS, text)

    def test_counts_are_of_its_own(self):
        api, stub = support.api(), support.api().CorrelatorServiceStub(self.channel)
        header = self.header("team-a")
        queries = stub.ListQueries(api.ListQueriesRequest(), timeout=10, metadata=header).queries
        self.assertEqual([("load", 1)], [(found.query.name, found.series) for found in queries])
        summaries = stub.SummarizeAlerts(api.SummarizeAlertsRequest(), timeout=10,
                                         metadata=header).summaries
        self.assertEqual([1], [summary.alerts for summary in summaries])
        # Its alert is joined with its own series, and with that which is nobody's.
        rows = stub.ListJoinedRows(api.ListJoinedRowsRequest(), timeout=10, metadata=header).rows
        self.assertEqual([("load", 1.0), ("load", 2.0), ("refused", 0.0)],
                         sorted((row.query.name, row.match.value) for row in rows))
        # That a query is refused is told, without the text.
        told = {row.query.error for row in rows if row.query.name == "refused"}
        self.assertEqual({queries[0].error}, told)
        self.assertNotEqual({""}, told)

    def test_the_row_of_others_is_not_there(self):
        api, stub = support.api(), support.api().CorrelatorServiceStub(self.channel)
        own = {row.row_id for row in self.stack.rows(self.tokens["team-a"])}
        others = [row.row_id for row in self.stack.rows(self.tokens["reader"])
                  if row.row_id not in own]
        self.assertEqual(7, len(others))
        refusals = set()
        for row_id in (*others, "0" * len(others[0])):
            with self.assertRaises(grpc.RpcError) as caught:
                stub.GetAlertContext(api.GetAlertContextRequest(row_id=row_id), timeout=10,
                                     metadata=self.header("team-a"))
            refusals.add((caught.exception.code(), caught.exception.details()))
        self.assertEqual([grpc.StatusCode.NOT_FOUND], [code for code, _ in refusals])

    def test_a_filter_may_be_as_long_as_that_of_others(self):
        """The identity's own is not counted to it, in any call."""
        longest = ",".join(f'other{number}!="x"' for number in range(64))
        for method in self.methods():
            request = getattr(support.api(), method + "Request")()
            if "filter" in request.DESCRIPTOR.fields_by_name:
                request.filter = longest
            elif "series" in request.DESCRIPTOR.fields_by_name:
                request.series.filter = longest
            elif "also" in request.DESCRIPTOR.fields_by_name:
                request.row_id = self.stack.rows(self.tokens["team-a"])[0].row_id
                request.also.add().filter = longest
            else:
                continue
            with self.subTest(method=method):
                answer = getattr(support.api().CorrelatorServiceStub(self.channel), method)(
                    request, timeout=20, metadata=self.header("team-a"))
                if method in STREAMS:
                    next(answer)
                    answer.cancel()

    def test_tokens_of_others_are_not_taken(self):
        api, stub = support.api(), support.api().CorrelatorServiceStub(self.channel)
        page = stub.ListJoinedRows(api.ListJoinedRowsRequest(page_size=1), timeout=10,
                                   metadata=self.header("reader"))
        with self.assertRaises(grpc.RpcError) as caught:
            stub.ListJoinedRows(
                api.ListJoinedRowsRequest(page_size=1, page_token=page.next_page_token),
                timeout=10, metadata=self.header("team-a"))
        self.assertEqual(grpc.StatusCode.INVALID_ARGUMENT, caught.exception.code())
        for method in STREAMS:
            with self.subTest(method=method):
                request = getattr(api, method + "Request")
                call = getattr(stub, method)(request(), timeout=10, metadata=self.header("reader"))
                token = next(call).resume_token
                call.cancel()
                with self.assertRaises(grpc.RpcError) as caught:
                    next(getattr(stub, method)(request(resume_token=token), timeout=10,
                                               metadata=self.header("team-a")))
                self.assertEqual(grpc.StatusCode.FAILED_PRECONDITION, caught.exception.code())

    def sees_its_own(self):
        """Whether the filter of both listeners is that of setUpClass: each reads its own file."""
        _, text = self.stack.ask("correlator", "GET", "/api/v1/joined.json",
                                 self.header("team-a")[0][1])
        return len(self.stack.rows(self.tokens["team-a"])) == 3 and "Mine" in text

    def test_a_stream_ends_when_the_filter_changes(self):
        identities = {**ROLES, "team-a": ["read"]}
        self.addCleanup(wait_until, self.sees_its_own, 30, "the filter is back")
        self.addCleanup(self.stack.write_security, identities, {"team-a": '{team="a"}'})
        api, stub = support.api(), support.api().CorrelatorServiceStub(self.channel)
        call = stub.SubscribeJoinedRows(api.SubscribeJoinedRowsRequest(), timeout=20,
                                        metadata=self.header("team-a"))
        next(call)
        self.stack.write_security(identities, {"team-a": '{team="c"}'})
        with self.assertRaises(grpc.RpcError) as caught:
            for _ in call:
                pass
        self.assertEqual(grpc.StatusCode.PERMISSION_DENIED, caught.exception.code())


if __name__ == "__main__":
    unittest.main()
