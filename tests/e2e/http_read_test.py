"""The correlator's HTTP port as curl, pandas and a browser use it: the same rows by gRPC, CSV, JSON,
NDJSON and server-sent events."""
import http.client
import io
import json
import random
import time
import types
import unittest
import urllib.request

import pandas as pd

import alertjoin
from alert_feed import new_episode, now_ms
from fault_stack import FaultStack, notification
from support import wait_until

WAIT_SECONDS = 30


class EventSource:
    """What a browser does: follows a stream, and after its end asks again with the last id."""

    def __init__(self, address, path):
        self.address, self.path = address, path
        self.last_id = ""
        self.held = {}

    def read_until(self, done, what):
        """Follows until done() after an event. A connection that ends is opened again."""
        deadline = time.monotonic() + WAIT_SECONDS

        def once():
            try:
                return self._follow(done, deadline)
            except (OSError, http.client.HTTPException):
                return False
        wait_until(once, WAIT_SECONDS, what)

    def _follow(self, done, deadline):
        """Whether done(); False at the deadline: a stream with progress never ends by itself."""
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
            connection.request("GET", self.path, headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                raise http.client.HTTPException(response.status)
            fields = {}
            for line in iter(response.readline, b""):
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif fields:
                    self._take(fields)
                    fields = {}
                    if done():
                        return True
                    if time.monotonic() > deadline:
                        return False
            raise http.client.HTTPException("the stream ended")
        finally:
            connection.close()

    def _take(self, fields):
        if "id" in fields:
            self.last_id = fields["id"]
        if fields.get("event") == "rows":
            for row in json.loads(fields["data"])["rows"]:
                if row["operation"] == "OPERATION_DELETE":
                    self.held.pop(row["rowId"], None)
                else:
                    self.held[row["rowId"]] = row


class HttpReadTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = FaultStack(types.SimpleNamespace(addCleanup=cls.addClassCleanup),
                               ingests=("one",))
        cls.stack.start_all()
        cls.client = alertjoin.connect(cls.stack.address["grpc"])
        cls.addClassCleanup(cls.client.close)
        cls.base = f'http://{cls.stack.address["correlator"]}'
        cls.dice = random.Random(1)
        cls.expected = 0
        cls.post_episodes(6)

    @classmethod
    def post_episodes(cls, count):
        """Returns when everything posted has its rows, all of them final: they change no more."""
        for _ in range(count):
            start = now_ms() - 5000 - cls.dice.randrange(2000)
            firing = new_episode(cls.dice, start, measured=1)
            for alert in (firing, firing.ended(start + 1500)):
                assert cls.stack.post("one", notification([alert.as_alert()])) == 200
                cls.expected += len(alert.expected_rows())
        wait_until(cls.all_are_final, WAIT_SECONDS, f"{cls.expected} final rows")

    @classmethod
    def all_are_final(cls):
        try:
            rows = list(cls.client.joined_rows())
        except alertjoin.AlertjoinError as error:
            if error.code != "UNAVAILABLE":  # as it is for a moment behind a restart
                raise
            return False
        return len(rows) == cls.expected and all(row.final for row in rows)

    def fetch(self, path):
        with urllib.request.urlopen(self.base + path, timeout=20) as response:
            return response.read().decode()

    def test_pandas_reads_what_the_package_gives(self):
        frame = self.client.joined(final_only=True, labels=["part"])
        url = f"{self.base}/api/v1/joined.csv?final_only=true&label=part"
        # A hash in hex may look like a number.
        csv = pd.read_csv(url, parse_dates=["event_time", "sample_time"], index_col="row_id",
                          dtype={"row_id": str, "fingerprint": str})
        self.assertEqual(list(frame.index), list(csv.index))
        for column in ("state", "alert", "query", "match", "source", "fingerprint"):
            self.assertEqual(list(frame[column].astype(str)), list(csv[column]), column)
        self.assertEqual(list(frame.value.astype(float)), list(csv.value))
        self.assertEqual(list(frame.event_time), list(csv.event_time))
        self.assertEqual(list(frame.part), list(csv.label_part))
        self.assertEqual("UTC", str(csv.event_time.dt.tz))
        self.assertEqual("float64", str(csv.value.dtype))

        for kind in ("json", "ndjson"):
            text = self.fetch(f"/api/v1/joined.{kind}?final_only=true")
            read = pd.read_json(io.StringIO(text), lines=kind == "ndjson", dtype={"row_id": str})
            self.assertEqual(list(csv.index), list(read.row_id), kind)
            self.assertEqual(list(csv.value), list(read.value), kind)

    def test_a_call_gives_what_grpc_gives(self):
        request = urllib.request.Request(
            f"{self.base}/alertjoin.v1.CorrelatorService/ListJoinedRows",
            json.dumps({"finalOnly": True, "pageSize": 1000}).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as response:
            answer = json.load(response)
        rows = list(self.client.joined_rows(final_only=True))
        self.assertEqual([row.row_id for row in rows], [row["rowId"] for row in answer["rows"]])
        self.assertEqual([row.match.value for row in rows],
                         [row["match"]["value"] for row in answer["rows"]])

    def test_the_stream_misses_nothing_when_the_correlator_is_killed(self):
        source = EventSource(self.stack.address["correlator"],
                             "/api/v1/stream?progress_interval=100ms")
        source.read_until(lambda: len(source.held) >= self.expected, "the rows there are")
        self.stack.kill("correlator")
        self.stack.start("correlator")
        self.post_episodes(4)
        listed = {row.row_id: row for row in self.client.joined_rows()}

        def same():
            return ({key: int(row["revision"]) for key, row in source.held.items()} ==
                    {key: row.revision for key, row in listed.items()})
        source.read_until(same, f"{len(listed)} rows as they are listed")

    def test_samples_are_a_table(self):
        csv = pd.read_csv(f"{self.base}/api/v1/samples.csv?query_name=load&label=part&limit=50")
        self.assertEqual(50, len(csv))
        self.assertEqual({"load"}, set(csv["query"]))
        self.assertEqual(0, csv.label_part.isna().sum())


if __name__ == "__main__":
    unittest.main()
