"""Endurance: 5,000 samples and 20 alerts a second, with 20 subscribers that come and go. Once what
has been kept for a minute is forgotten again, neither memory nor descriptors nor threads grow.

Takes two minutes; with ALERTJOIN_TEST_SOAK=full half an hour, which is what a release is held to."""
import http.client
import os
import pathlib
import random
import socket
import statistics
import threading
import time
import unittest

import grpc

import soak_prometheus
import support
from alert_feed import _rfc3339
from fault_stack import FaultStack, notification
from support import wait_for

FULL = os.environ.get("ALERTJOIN_TEST_SOAK") == "full"
# Memory grows until retention begins to forget, and RocksDB until its buffers were filled once.
WARM_UP_SECONDS = 600 if FULL else 75
MEASURED_SECONDS = 1200 if FULL else 45
QUERIES = 10
SAMPLES_A_SECOND = QUERIES * soak_prometheus.SERIES_PER_QUERY
ALERTS_A_SECOND = 20
FIRING_SECONDS = 5
# Fingerprints: each fires again and again. What is remembered of the last 100,000 is bounded, too, but
# would take more than an hour to fill; cardinality_test.py is about new ones without end.
ALERTS = 2000
SUBSCRIBERS = 20
# Of the median in the later half over that in the earlier half: noise of the allocator is allowed.
GROWTH_MAX = 0.03 if FULL else 0.08
GROWTH_MIB_MAX = 8
# Of descriptors and threads; the subscribers that are there at the moment make some.
COUNT_SPREAD = 8
# RocksDB keeps its tables open; how many there are goes up and down with its compactions.
TABLES_MAX = 150

_INGEST = """
producer_id: soak
correlator: {{address: "{grpc}"}}
http: {{listen_address: "{one}"}}
alert_sources: [{{name: alertmanager}}]
spool: {{path: "{directory}/one-spool"}}
metrics_sources:
  - name: prometheus
    url: http://{prometheus}
    timeout: 30s
    settle_delay: 1s
    reconcile: false
    queries:
"""


class SoakStack(FaultStack):
    """With the Prometheus of the soak, and a minute of retention."""
    PROMETHEUS = ("soak_prometheus.py", "--queries", str(QUERIES))

    def _write_configuration(self, uplink, settle_delay):
        super()._write_configuration(uplink, settle_delay)
        with open(self.directory / "correlator.yml", "a", encoding="utf-8") as file:
            file.write("retention: {samples: 1m, rows: 1m}\n"
                       "limits: {change_log_bytes: 64MiB}\n")
        text = _INGEST.format(directory=self.directory, **self.address)
        text += "".join(f"      - {{name: soak{number}, expr: soak{number}, interval: 5s}}\n"
                        for number in range(QUERIES))
        text += "bindings:\n" + "".join(
            f"  - {{match: 'shard=\"{number}\"', query: soak{number}, on: [instance]}}\n"
            for number in range(QUERIES))
        (self.directory / "one.yml").write_text(text, encoding="utf-8")


class Watch(threading.Thread):
    """Memory, descriptors and threads of a process, once a second."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self._pids = pids
        self._ending = threading.Event()
        self.seen = {name: [] for name in pids}  # (time, MiB, descriptors, threads, tables)

    def run(self):
        while not self._ending.wait(1):
            for name, pid in self._pids.items():
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                field = {line.split(":")[0]: line.split()[1] for line in status.splitlines()
                         if len(line.split()) > 1}
                tables, others = self._descriptors(pid)
                self.seen[name].append((time.monotonic(), int(field["VmRSS"]) / 1024, others,
                                        int(field["Threads"]), tables))

    @staticmethod
    def _descriptors(pid):
        """Those of RocksDB's tables, and all others."""
        tables = others = 0
        for entry in os.scandir(f"/proc/{pid}/fd"):
            try:
                is_table = os.readlink(entry.path).endswith((".sst", ".sst (deleted)"))
            except OSError:
                continue  # closed meanwhile
            tables += is_table
            others += not is_table
        return tables, others

    def stop(self):
        self._ending.set()


class Alerts(threading.Thread):
    """Posts what fires now, and what ends now, each second."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self._stack = stack
        self._ending = threading.Event()
        self._number = 0
        self.refused = []
        self.posted = 0
        self.slowest_ms = 0.0

    def _new_alerts(self, second):
        alerts = []
        for _ in range(ALERTS_A_SECOND):
            self._number = (self._number + 1) % ALERTS
            alerts.append({
                "status": "firing", "annotations": {}, "generatorURL": "",
                "labels": {"alertname": "Soak", "shard": str(second % QUERIES),
                           "instance": f"i{self._number % soak_prometheus.INSTANCES}",
                           "number": str(self._number)},
                "startsAt": _rfc3339(second * 1000), "endsAt": "0001-01-01T00:00:00Z",
                "fingerprint": f"{self._number:016x}"})
        return alerts

    def _post(self, alerts):
        started = time.monotonic()
        status = self._stack.post("one", notification(alerts))
        self.slowest_ms = max(self.slowest_ms, (time.monotonic() - started) * 1000)
        self.posted += len(alerts)
        if status != 200:
            self.refused.append(status)

    def run(self):
        firing = []
        due = time.monotonic()
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            due += 1
            second = int(time.time())
            new = self._new_alerts(second)
            self._post(new)
            firing.append(new)
            if len(firing) > FIRING_SECONDS:
                self._post([{**alert, "status": "resolved", "endsAt": _rfc3339(second * 1000)}
                            for alert in firing.pop(0)])

    def stop(self):
        self._ending.set()


class Subscriber(threading.Thread):
    """Subscribes, reads for a while, goes away, and comes again. What it reads it throws away."""

    KINDS = ("rows",) * 11 + ("alerts",) * 3 + ("events",) * 3 + ("samples",) * 2 + ("stalled",)

    def __init__(self, stack, kind, seed):
        super().__init__(daemon=True)
        self._stack = stack
        self._kind = kind
        self._random = random.Random(seed)
        self._ending = threading.Event()
        self.bytes = 0
        self.times = 0
        self.errors = []

    def run(self):
        while not self._ending.is_set():
            try:
                (self._read_events if self._kind == "events" else self._read_rpc)(
                    time.monotonic() + self._random.uniform(1, 10))
                self.times += 1
            except (OSError, http.client.HTTPException) as error:
                self.errors.append((self._kind, repr(error)))
                self._ending.wait(1)

    def _request(self):
        api = support.api()
        request = {"alerts": api.SubscribeAlertsRequest, "samples": api.SubscribeSamplesRequest}.get(
            self._kind, api.SubscribeJoinedRowsRequest)()
        request.snapshot_window.FromSeconds(5)
        name = {"alerts": "SubscribeAlerts", "samples": "SubscribeSamples"}.get(
            self._kind, "SubscribeJoinedRows")
        return name, request.SerializeToString()

    def _read_rpc(self, until):
        name, request = self._request()
        with grpc.insecure_channel(self._stack.address["grpc"], options=[
                ("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]) as channel:
            call = channel.unary_stream(f"/alertjoin.v1.CorrelatorService/{name}")(
                request, timeout=max(0.1, until - time.monotonic()))
            try:
                for message in call:
                    self.bytes += len(message)
                    if self._kind == "stalled":
                        self._ending.wait(until - time.monotonic())
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.DEADLINE_EXCEEDED:
                    self.errors.append((self._kind, str(error)))

    def _read_events(self, until):
        host, port = self._stack.address["correlator"].split(":")
        with socket.create_connection((host, int(port)), timeout=30) as peer:
            peer.sendall(b"GET /api/v1/stream?snapshot_window=5s HTTP/1.1\r\nHost: localhost\r\n"
                         b"\r\n")
            while time.monotonic() < until:
                part = peer.recv(65536)
                if not part:
                    raise ConnectionError("the event stream ended")
                self.bytes += len(part)

    def stop(self):
        self._ending.set()


class SoakTest(unittest.TestCase):
    def metric(self, name, series):
        """The sum of the series of the service's metric that begin so."""
        connection = http.client.HTTPConnection(self.stack.address[name], timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith(series))

    def halves(self, seen, since):
        """Medians of the earlier and of the later half of what was measured."""
        measured = [entry[1:] for entry in seen if entry[0] >= since]
        half = len(measured) // 2
        return [[statistics.median(column) for column in zip(*part)]
                for part in (measured[:half], measured[half:])]

    def test_nothing_grows(self):
        self.stack = SoakStack(self, ingests=("one",))
        support.api()
        self.stack.start_all()
        watch = Watch({"correlator": self.stack.pid_of("correlator"),
                       "ingest": self.stack.pid_of("one")})
        alerts = Alerts(self.stack)
        subscribers = [Subscriber(self.stack, kind, number)
                       for number, kind in enumerate(Subscriber.KINDS)]
        self.assertEqual(SUBSCRIBERS, len(subscribers))
        began = time.monotonic()
        for thread in (watch, alerts, *subscribers):
            thread.start()
        time.sleep(WARM_UP_SECONDS)
        taken = self.metric("correlator", 'alertjoin_join_samples_total{outcome="new"}')
        since = time.monotonic()
        while time.monotonic() < since + MEASURED_SECONDS:
            time.sleep(5)
            self.stack.check()
        seconds = time.monotonic() - since
        taken = self.metric("correlator", 'alertjoin_join_samples_total{outcome="new"}') - taken
        with_load = {name: seen[-1] for name, seen in watch.seen.items()}
        for subscriber in subscribers:
            subscriber.stop()
        alerts.stop()
        watch.stop()
        for thread in (watch, alerts, *subscribers):
            thread.join(60)
            self.assertFalse(thread.is_alive(), f"{thread} goes on for 60 s")
        print(f"{seconds:.0f} s measured after {since - began:.0f} s: {taken / seconds:.0f} "
              f"samples/s, {alerts.posted} notified alerts (slowest answer "
              f"{alerts.slowest_ms:.0f} ms), {sum(s.times for s in subscribers)} subscriptions, "
              f"{sum(s.bytes for s in subscribers) >> 20} MiB streamed", flush=True)
        for name, seen in watch.seen.items():
            early, late = self.halves(seen, since)
            print(f"{name}: resident {early[0]:.1f} -> {late[0]:.1f} MiB, descriptors "
                  f"{early[1]:.0f} -> {late[1]:.0f}, threads {early[2]:.0f} -> {late[2]:.0f}, "
                  f"tables {early[3]:.0f} -> {late[3]:.0f}, at last {with_load[name][1]:.1f} MiB", flush=True)
        self.assertEqual([], alerts.refused)
        self.assertEqual([], [error for subscriber in subscribers for error in subscriber.errors])
        self.assertTrue(all(subscriber.bytes for subscriber in subscribers))
        self.assertGreater(taken / seconds, 0.9 * SAMPLES_A_SECOND)
        for name, seen in watch.seen.items():
            early, late = self.halves(seen, since)
            self.assertLess(late[0], early[0] * (1 + GROWTH_MAX) + GROWTH_MIB_MAX, name)
            self.assertLessEqual(late[1], early[1] + COUNT_SPREAD, name)
            self.assertLessEqual(late[2], early[2] + COUNT_SPREAD, name)
            self.assertLess(max(entry[4] for entry in seen), TABLES_MAX, name)

        # Those who have gone leave nothing behind.
        def left():
            return self.metric("correlator", "alertjoin_subscribers ")
        wait_for(0, left, 60, "subscribers that are there still")


if __name__ == "__main__":
    unittest.main()
