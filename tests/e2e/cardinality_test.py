"""A source that goes mad: new fingerprints and new series without end. It is held to its share, what
is beyond is counted to the last one, and the other sources have what they need.

ALERTJOIN_TEST_CARDINALITY=full sends a million of each."""
import http.client
import os
import pathlib
import queue
import re
import statistics
import threading
import time
import unittest

import support
from alert_feed import _rfc3339, now_ms
from fault_stack import FaultStack, notification
from support import wait_until

FULL = os.environ.get("ALERTJOIN_TEST_CARDINALITY") == "full"
BOMB = 1_000_000 if FULL else 40_000
SHARE = 100_000 if FULL else 5_000
ALERTS_PER_POST = 20_000 if FULL else 4_000
SERIES_PER_EVENT = 5_000
BASE_SECONDS = 10 if FULL else 4
# Of the memory of the correlator. A row takes some kilobytes with what RocksDB keeps of it.
GROWTH_MIB_MAX = 2048 if FULL else 400
# Of the 99th percentile of the other source's answers: a fifth, and what the scheduler makes of it on
# a machine with two cores for sender, bomb, both services and whatever else there is: a second, or a
# quarter of the time that the bomb takes there. What it was is printed.
SLOWER_MAX, SLOWER_MS, SLOWER_PART = 1.2, 1000, 0.25


class CardinalityTest(unittest.TestCase):
    def setUp(self):
        self.api = support.api()
        self.stack = FaultStack(self, ingests=("one",))
        path = self.stack.directory / "one.yml"
        path.write_text(path.read_text(encoding="utf-8").replace(
            "alert_sources: [{name: alertmanager}]",
            "alert_sources: [{name: alertmanager}, {name: mad}]"), encoding="utf-8")
        with open(self.stack.directory / "correlator.yml", "a", encoding="utf-8") as file:
            file.write(f"limits: {{source_series: {SHARE}, source_alerts: {SHARE}}}\n")
        self.stack.start_all()
        self.good = 0

    def post(self, source, alerts):
        """How long it took, in ms."""
        body = notification(alerts)
        started = time.monotonic()
        connection = http.client.HTTPConnection(self.stack.address["one"], timeout=120)
        connection.request("POST", f"/webhook/{source}", body,
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        self.assertEqual(200, response.status, text)
        return (time.monotonic() - started) * 1000

    @staticmethod
    def alert(name, number, starts):
        return {"status": "firing", "labels": {"alertname": name, "number": str(number)},
                "annotations": {}, "startsAt": starts, "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "", "fingerprint": f"{number:016x}"}

    def good_ms(self):
        self.good += 1
        return self.post("alertmanager", [self.alert("Good", self.good, _rfc3339(now_ms()))])

    def good_while(self, busy):
        times = []
        while busy() or len(times) < 2:  # percentiles are of two at least
            times.append(self.good_ms())
            time.sleep(0.02)
        return times

    def metric(self, series):
        connection = http.client.HTTPConnection(self.stack.address["correlator"], timeout=60)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return float(re.search("^" + re.escape(series) + r" (\S+)$", text, re.M)[1])

    def resident_mib(self):
        text = pathlib.Path(f"/proc/{self.stack.pid_of('correlator')}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def bomb_alerts(self):
        starts = _rfc3339(now_ms())
        for first in range(0, BOMB, ALERTS_PER_POST):
            self.post("mad", [self.alert("Mad", number, starts)
                              for number in range(first, first + ALERTS_PER_POST)])

    def push(self, events):
        """Pushes what comes of the iterator, as a producer of its own, to the last ack."""
        api, requests, sent = self.api, queue.Queue(8), 0
        with support.client.open_channel(self.stack.address["grpc"]) as channel:
            call = api.IngestServiceStub(channel).PushEvents(iter(requests.get, None), timeout=900)
            requests.put(api.PushEventsRequest(hello=api.Hello(
                producer_id=f"mad-{time.monotonic_ns()}", log_id="a", epoch=1, first_sequence=1,
                next_sequence=1)))
            next(call)
            for event in events:
                requests.put(api.PushEventsRequest(batch=api.EventBatch(
                    base_sequence=sent + 1, events=[event])))
                sent += 1
                while next(call).ack.durable_sequence != sent:
                    pass
            requests.put(None)

    def series(self, source, count):
        now, first = now_ms(), 0
        query = self.api.Query(source=source, name=source, expression=source, time_kind=1)
        while first < count:
            here = range(first, min(count, first + SERIES_PER_EVENT))
            event = self.api.Event()
            batch = event.samples
            if first == 0:
                batch.queries.add(query_ref=1, query=query)
            for number in here:
                batch.series.add(series_ref=number + 1, query_ref=1,
                                 labels={"number": str(number)})
            batch.series_refs.extend(number + 1 for number in here)
            batch.times_ms.extend([now] * len(here))
            batch.values.extend([1.0] * len(here))
            batch.received_time.FromMilliseconds(now)
            yield event
            first = here.stop

    def expect_others_unharmed(self, bomb, what):
        """Runs the bomb, with the other source at work before and meanwhile."""
        until = time.monotonic() + BASE_SECONDS
        before = self.good_while(lambda: time.monotonic() < until)
        faults = []

        def run():
            try:
                bomb()
            except Exception as fault:  # pylint: disable=broad-except
                faults.append(fault)
        thread = threading.Thread(target=run, daemon=True)
        started, resident = time.monotonic(), self.resident_mib()
        thread.start()
        meanwhile = self.good_while(thread.is_alive)
        seconds = time.monotonic() - started
        thread.join()
        self.assertEqual([], faults)
        grown = self.resident_mib() - resident
        p99 = [statistics.quantiles(times, n=100)[98] for times in (before, meanwhile)]
        print(f"{BOMB} {what} in {seconds:.0f} s: webhooks of another source p50 "
              f"{statistics.median(before):.1f} -> {statistics.median(meanwhile):.1f} ms, p99 "
              f"{p99[0]:.1f} -> {p99[1]:.1f} ms, correlator grew by {grown:.0f} MiB", flush=True)
        self.assertLess(grown, GROWTH_MIB_MAX)
        self.assertLess(p99[1], p99[0] * SLOWER_MAX + max(SLOWER_MS, 1000 * seconds * SLOWER_PART))

    def test_new_fingerprints_without_end(self):
        self.expect_others_unharmed(self.bomb_alerts, "new fingerprints")
        refused = 'alertjoin_join_refused_total{reason="alert_limit"}'
        wait_until(lambda: self.metric(refused) >= BOMB - SHARE, 300, "all were refused")
        good = self.good
        wait_until(lambda: self.metric("alertjoin_join_rows") >= SHARE + good, 60, "all good rows")
        self.assertEqual(BOMB - SHARE, self.metric(refused))
        self.assertEqual(SHARE + good, self.metric("alertjoin_join_rows"))
        rows, _ = self.stack.rows(filter="alertname=Good")
        self.assertEqual(set(range(1, good + 1)),
                         {int(row.transition.labels["number"]) for row in rows})
        self.stack.check()

    def test_new_series_without_end(self):
        before = self.metric("alertjoin_join_series")
        self.expect_others_unharmed(lambda: self.push(self.series("mad", BOMB)), "new series")
        refused = 'alertjoin_join_refused_total{reason="sample_limit"}'
        wait_until(lambda: self.metric(refused) >= BOMB - SHARE, 300, "all were refused")
        self.assertEqual(BOMB - SHARE, self.metric(refused))
        # Another source's new series have their place.
        others = SHARE // 2
        known = self.metric("alertjoin_join_series")
        self.assertGreaterEqual(known, before + SHARE)
        self.push(self.series("others", others))
        wait_until(lambda: self.metric("alertjoin_join_series") >= known + others, 60, "all taken")
        self.assertEqual(BOMB - SHARE, self.metric(refused))
        self.stack.check()


if __name__ == "__main__":
    unittest.main()
