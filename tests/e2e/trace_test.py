"""A webhook's traceparent is carried to its row, and its trace id stands in the logs of both services,
which have one record per event whatever an alert contains."""
import http.client
import json
import re
import unittest

import support
from fault_stack import SOURCE, FaultStack, notification
from support import wait_for, wait_until

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
HOSTILE = "\n{\"level\":\"error\"}\r\nlevel=error msg=\"forged\"\u2028\x1b[2J\"\\\x00"


def alert(fingerprint, **labels):
    return {"status": "firing", "labels": {"alertname": "Traced", **labels}, "annotations": {},
            "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "", "fingerprint": fingerprint}


class TraceTest(unittest.TestCase):
    """In one format for each service."""

    def setUp(self):
        support.api()
        self.stack = FaultStack(self, ingests=["one"])
        self.stack.flags["one"] = ["--log.level=debug", "--log.format=json"]
        self.stack.flags["correlator"] = ["--log.level=debug", "--log.format=logfmt"]
        self.stack.start_all()

    def post(self, body, traceparent):
        connection = http.client.HTTPConnection(self.stack.address["one"], timeout=10)
        try:
            connection.request("POST", f"/webhook/{SOURCE}", body.encode(),
                               {"Content-Type": "application/json", "traceparent": traceparent})
            return connection.getresponse().status
        finally:
            connection.close()

    def row_of(self, fingerprint):
        return next((row for row in self.stack.rows()[0]
                     if row.transition.fingerprint == fingerprint), None)

    def ingest_records(self, message):
        whole, _, _ = self.stack.log_of("one").rpartition("\n")
        records = [json.loads(line) for line in whole.splitlines()]
        return [record for record in records if record["msg"] == message]

    def correlator_records(self, message):
        whole, _, _ = self.stack.log_of("correlator").rpartition("\n")
        lines = whole.splitlines()
        for line in lines:
            self.assertRegex(line, r'^ts=\S+ level=(debug|info|warn) msg=("([^"\\]|\\.)*"|\S+)'
                                   r'( [\w.-]+=("([^"\\]|\\.)*"|[^" ]+))*$')
        return [line for line in lines if f'msg="{message}"' in line]

    # What has been answered may be logged a little later.
    def await_traces(self, trace_ids, message):
        wait_for(trace_ids, lambda: [one["trace_id"] for one in self.ingest_records(message)], 30,
                 f"traces of {message!r}")

    def await_applied(self):
        wait_for(1, lambda: len(self.correlator_records("transition is applied")), 30,
                 "records of applied transitions")
        return self.correlator_records("transition is applied")

    def test_a_traceparent_is_carried_to_the_row_and_into_the_logs(self):
        self.assertEqual(200, self.post(notification([alert("1" * 16)]), TRACEPARENT))
        row = wait_until(lambda: self.row_of("1" * 16), 30, "a row")
        self.assertEqual(TRACEPARENT, row.transition.traceparent)
        self.await_traces([TRACE_ID], "notification taken")
        applied = self.await_applied()
        self.assertIn(f" trace_id={TRACE_ID}", applied[0])

    def test_one_that_is_refused_is_found_by_its_trace_as_well(self):
        self.assertEqual(400, self.post("{", TRACEPARENT))
        self.await_traces([TRACE_ID], "notification refused")

    def test_whatever_an_alert_contains_each_event_is_one_record(self):
        hostile = notification([alert("2" * 16, odd=HOSTILE)])
        # The header takes no line breaks; what it has besides is no traceparent.
        self.assertEqual(200, self.post(hostile, "level=error trace_id=\"" + TRACE_ID))
        row = wait_until(lambda: self.row_of("2" * 16), 30, "a row")
        self.assertEqual("", row.transition.traceparent)
        self.assertEqual(400, self.post(HOSTILE, TRACEPARENT))
        self.await_traces([""], "notification taken")
        self.await_traces([TRACE_ID], "notification refused")
        applied = self.await_applied()
        self.assertTrue(re.search(r' trace_id=""$', applied[0]), applied[0])


if __name__ == "__main__":
    unittest.main()
