"""A place to forward to, such as Sysdig or Grafana, that can be told to fail."""
import collections
import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import support  # noqa: F401  it tells where the others are
from stack import choose_ports

TAKE, HANG, CUT = "take", "hang", "cut"
TAKE_AND_HANG, TAKE_AND_CUT = "take and hang", "take and cut"
# After these the sender cannot know that its request was taken.
UNANSWERED = (TAKE_AND_HANG, TAKE_AND_CUT)
HANG_SECONDS_MOST = 30  # or until the sender gives up

Taken = collections.namedtuple("Taken", "method path headers body fault")


class FakeTarget:
    """Takes any JSON. `fault` decides for each request: TAKE and the like, or an HTTP status, or
    (status, headers). It can be stopped and started again, under the same port."""

    def __init__(self, test, fault=lambda path, body: TAKE, token=""):
        self.fault = fault
        self.token = token  # requests with another one are answered 401
        self.taken = []
        self.statuses = collections.Counter()
        self._lock = threading.Lock()
        self._server = None
        # Not one that the kernel gives to others while this is stopped.
        self._port = choose_ports({"target": 0})["target"]
        self.start()
        test.addCleanup(self.stop)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def start(self):
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.target = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.cut_all()

    def bodies(self):
        with self._lock:
            return [taken.body for taken in self.taken]

    def decide(self, path, headers, body):
        """What becomes of a request."""
        if headers.get("Authorization", "") != (f"Bearer {self.token}" if self.token else ""):
            return 401
        return self.fault(path, body)

    def note(self, taken):
        """Returns an id for it."""
        with self._lock:
            self.taken.append(taken)
            return len(self.taken)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *arguments):
        self._sockets = set()
        super().__init__(*arguments)

    def process_request(self, request, client_address):
        self._sockets.add(request)
        super().process_request(request, client_address)

    def cut_all(self):
        """As when the process ends: connections that were kept end, too."""
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle_error(self, request, client_address):
        pass  # the sender was killed


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        target = self.server.target
        fault = target.decide(self.path, self.headers, body)
        if fault == CUT:
            return self._cut()
        if fault == HANG:
            self._hang()
            return self._cut()
        status, headers = (fault, {}) if isinstance(fault, int) else \
            fault if isinstance(fault, tuple) else (200, {})
        target.statuses[status] += 1
        identity = 0
        if status == 200:
            identity = target.note(
                Taken(self.command, self.path, dict(self.headers), body, fault))
        if fault == TAKE_AND_HANG:
            self._hang()
        if fault in UNANSWERED:
            return self._cut()
        answer = json.dumps({"id": identity, "message": "as told"}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        return None

    do_POST = do_PUT = do_PATCH = _handle

    def _hang(self):
        self.connection.settimeout(HANG_SECONDS_MOST)
        with contextlib.suppress(OSError):
            self.rfile.read(1)

    def _cut(self):
        self.close_connection = True
        with contextlib.suppress(OSError):  # the sender has gone
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        pass
