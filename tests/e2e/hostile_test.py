"""Hostile HTTP against a running ingest-service: each peer is answered rightly or closed, and a real
webhook is taken as fast as ever, in bounded memory, by the same process.

ALERTJOIN_TEST_HOSTILE=full sends the full sizes (a gigabyte, and peers that drip for a minute)."""
import gzip
import http.client
import os
import pathlib
import select
import socket
import statistics
import threading
import time
import unittest

from alert_feed import Episode, now_ms
from fault_stack import SOURCE, FaultStack, notification
from support import wait_until

FULL = os.environ.get("ALERTJOIN_TEST_HOSTILE") == "full"
SLOW_PEERS = 500
DRIP_SECONDS = 60 if FULL else 12
CHUNKED_BYTES = (1 << 30) if FULL else (64 << 20)
P99_MS_MAX = 250
# Of fewer the 99th percentile is the slowest one: a machine that was elsewhere for once makes it.
WEBHOOKS_MIN = 400
MEASURED_SECONDS_MORE = 30
MEMORY_GROWTH_MIB_MAX = 384  # 256 MiB of large bodies, and what the allocator keeps
POST_HEAD = b"POST /webhook/alertmanager HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


class HostileTest(unittest.TestCase):
    def setUp(self):
        self.stack = FaultStack(self, ingests=("one",))
        self.stack.start_all()
        host, port = self.stack.address["one"].split(":")
        self.address = (host, int(port))
        self.pid = self.stack._children["one"].pid
        self.number = 0

    def resident_mib(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def connections(self):
        """How many connections to the service are open."""
        port = f":{self.address[1]:04X}"
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        return sum(line.split()[1].endswith(port) and line.split()[3] == "01" for line in lines)

    def cpu_seconds(self):
        """What the service has taken of the processors so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def webhook_ms(self):
        """How long a real webhook takes, on a connection of its own."""
        self.number += 1
        alert = Episode(self.number, "free", "elsewhere", now_ms()).as_alert()
        body = notification([alert])
        started = time.monotonic()
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        connection.request("POST", f"/webhook/{SOURCE}", body,
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        connection.close()
        self.assertEqual(200, response.status)
        return (time.monotonic() - started) * 1000

    def expect_quick_webhooks(self, seconds, what):
        times = []
        until = time.monotonic() + seconds
        while time.monotonic() < until or (len(times) < WEBHOOKS_MIN and
                                           time.monotonic() < until + MEASURED_SECONDS_MORE):
            times.append(self.webhook_ms())
            time.sleep(0.01)
        p99 = statistics.quantiles(times, n=100)[98]
        print(f"{what}: {len(times)} webhooks, p50 {statistics.median(times):.1f} ms, "
              f"p99 {p99:.1f} ms", flush=True)
        self.assertLess(p99, P99_MS_MAX, what)

    def answer(self, request, more=()):
        """What comes until the end of the connection; sending stops when it cannot go on."""
        with socket.create_connection(self.address, timeout=30) as peer:
            try:
                peer.sendall(request)
                for part in more:
                    if select.select([peer], [], [], 0)[0]:
                        break
                    peer.sendall(part)
            except OSError:
                pass
            received = b""
            try:
                while chunk := peer.recv(65536):
                    received += chunk
            except OSError:
                pass
            return received

    def expect_status(self, status, request, more=()):
        answer = self.answer(request, more)
        self.assertTrue(answer.startswith(b"HTTP/1.1 %d" % status), (request[:200], answer[:300]))
        # Nothing of what follows was taken for a request.
        self.assertEqual(1, answer.count(b"HTTP/1.1 "), answer[:500])
        self.assertNotIn(b"alertjoin_build_info", answer)

    def test_slow_peers(self):
        """A byte every four seconds, in the head, in the body, in a second request."""
        before = self.resident_mib()
        begun = [b"GET /metrics HTTP/1.1\r\nX: ", POST_HEAD + b"Content-Length: 100000\r\n\r\n{",
                 b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\nGET /metr", b""]
        stop = threading.Event()

        def is_closed(peer):
            if not select.select([peer], [], [], 0)[0]:
                return False
            try:
                return peer.recv(65536) == b""
            except OSError:
                return True

        def peers():
            """Those that are closed come again at once."""
            sockets, due = {}, {}
            while not stop.wait(0.1):
                for i in range(SLOW_PEERS):
                    try:
                        if i in sockets and is_closed(sockets[i]):
                            sockets.pop(i).close()
                        if i not in sockets:
                            sockets[i] = socket.create_connection(self.address, timeout=20)
                            sockets[i].sendall(begun[i % len(begun)])
                            due[i] = time.monotonic() + 4
                        elif i % len(begun) != 3 and time.monotonic() >= due[i]:
                            sockets[i].sendall(b"x")
                            due[i] += 4
                    except OSError:
                        sockets.pop(i).close() if i in sockets else None
            for peer in sockets.values():
                peer.close()

        thread = threading.Thread(target=peers, daemon=True)
        thread.start()
        try:
            wait_until(lambda: self.connections() >= SLOW_PEERS, 30, "all peers are there")
            self.expect_quick_webhooks(DRIP_SECONDS, f"with {SLOW_PEERS} slow peers")
            wait_until(lambda: self.connections() >= SLOW_PEERS, 5, "all peers are there still")
        finally:
            stop.set()
            thread.join(60)
        self.assertFalse(thread.is_alive(), "a slow peer hangs")
        self.assertLess(self.resident_mib() - before, MEMORY_GROWTH_MIB_MAX)
        self.stack.check()

    def test_slow_bodies_that_were_asked_for(self):
        peers = []
        for _ in range(100):
            peer = socket.create_connection(self.address, timeout=20)
            self.addCleanup(peer.close)
            peer.sendall(POST_HEAD + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n")
            peers.append(peer)
        self.expect_quick_webhooks(5, "with 100 bodies awaited")

    def test_large_and_malformed(self):
        before = self.resident_mib()
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        self.expect_status(411, POST_HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
                           (chunk for _ in range(CHUNKED_BYTES // len(chunk))))
        self.expect_status(431, b"GET /metrics HTTP/1.1\r\nX: ",
                           (b"x" * 65536 for _ in range(160)))
        bomb = gzip.compress(b"[" * (100 << 20))
        self.expect_status(415, POST_HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" %
                           len(bomb) + bomb)
        self.expect_status(413, POST_HEAD + b"Content-Length: %d\r\n\r\n" % (1 << 40))
        self.expect_status(400, POST_HEAD + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" +
                           SMUGGLED)
        self.expect_status(411, POST_HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"0\r\n\r\n" + SMUGGLED)
        self.expect_status(411, POST_HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" +
                           SMUGGLED)
        self.assertLess(self.resident_mib() - before, MEMORY_GROWTH_MIB_MAX)
        self.webhook_ms()
        self.stack.check()

    def test_nested_brackets(self):
        before = self.resident_mib()
        for text in (b"[" * 1_000_000, b'{"a":' * 1_000_000, b'{"alerts":' + b"[" * 1_000_000,
                     b"[" * 500_000 + b"]" * 500_000):
            before_seconds = self.cpu_seconds()
            answer = self.answer(POST_HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" %
                                 len(text) + text)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400"), answer[:300])
            self.assertLess(self.cpu_seconds() - before_seconds, 2)
        self.assertLess(self.resident_mib() - before, MEMORY_GROWTH_MIB_MAX)
        self.stack.check()

    def test_pages_of_strangers(self):
        """A page in a browser of this machine: by a name that it has point here, or unread."""
        self.stack.kill("one")
        self.stack.flags["one"] = ["--web.host-name=alerts.example"]
        self.stack.start("one")
        alert = notification([Episode(1, "free", "elsewhere", now_ms()).as_alert()])

        def status(name, method, path, body=None, **headers):
            connection = http.client.HTTPConnection(self.stack.address[name], timeout=20)
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            response.read()
            connection.close()
            return response.status
        webhook = f"/webhook/{SOURCE}"
        for name, path in (("one", "/metrics"), ("correlator", "/api/v1/joined.json"),
                           ("correlator", "/metrics")):
            port = self.stack.address[name].split(":")[1]
            for host in (f"evil.example:{port}", "localhost.evil.example", "x"):
                self.assertEqual(421, status(name, "GET", path, Host=host), (path, host))
            for host in (f"localhost:{port}", f"[::1]:{port}", "127.0.0.1", "192.0.2.7"):
                self.assertEqual(200, status(name, "GET", path, Host=host), (path, host))
        self.assertEqual(200, status("one", "GET", "/metrics", Host="alerts.example"))
        self.assertEqual(421, status("correlator", "GET", "/metrics", Host="alerts.example"))
        for origin in ("https://evil.example", "null", "http://localhost:3000"):
            for path, body in ((webhook, alert), ("/-/reload", None), ("/api/v2/alerts", "[]")):
                self.assertEqual(403, status("one", "POST", path, body, Origin=origin))
        self.assertEqual(421, status("one", "POST", webhook, alert, Host="evil.example"))
        self.assertEqual(200, status("one", "POST", webhook, alert, Host="alerts.example",
                                     Origin="https://alerts.example"))
        self.assertEqual(200, status("one", "POST", "/-/reload",
                                     Origin=f"http://{self.stack.address['one']}"))
        self.assertEqual(200, status("one", "POST", "/-/reload"))
        # Nothing came of what was refused, and it is counted.
        connection = http.client.HTTPConnection(self.stack.address["one"], timeout=20)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        for method, code, count in (("GET", 421, 3), ("POST", 403, 9), ("POST", 421, 1)):
            self.assertRegex(text, r'alertjoin_http_requests_total\{(?=[^}]*code="%d")'
                                   r'(?=[^}]*method="%s")[^}]*\} %d\n' % (code, method, count))

    def test_many_large_bodies_at_once(self):
        """16 MiB each but for the last byte, from 60 peers: not all of them are kept."""
        before = self.resident_mib()
        peers = []
        body = b"x" * (16 << 20)
        head = POST_HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
        most = 0
        for _ in range(60 if FULL else 25):
            peer = socket.create_connection(self.address, timeout=20)
            self.addCleanup(peer.close)
            try:
                peer.sendall(head + body[:-1])
            except OSError:
                pass  # refused meanwhile
            peers.append(peer)
            most = max(most, self.resident_mib() - before)
        self.expect_quick_webhooks(3, "with large bodies that are not whole")
        print(f"memory grew by {most:.0f} MiB", flush=True)
        self.assertLess(most, MEMORY_GROWTH_MIB_MAX)
        self.stack.check()


if __name__ == "__main__":
    unittest.main()
