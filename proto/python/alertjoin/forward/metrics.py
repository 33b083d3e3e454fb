"""Counters of the forwarder, in Prometheus' text form."""
from __future__ import annotations

import http.server
import threading

from alertjoin.errors import AlertjoinError

_HELP = {
    "sent": "Events that the target took, by state.",
    "retries": "Attempts that were not taken and are repeated, by status (none: no answer).",
    "dead_letters": "Events that the target refused for good, by status.",
    "dead_letters_dropped": "Dead letters that gave way to newer ones.",
    "resets": "Times that the subscription had to begin anew.",
    "breaks": "Breaks of the subscription that were got over.",
}


class Metrics:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, dict[tuple[tuple[str, str], ...], int]] = {
            name: {} for name in _HELP}
        self._gauges: dict[str, float] = {}

    def add(self, name: str, count: int = 1, **labels: str) -> None:
        """The labels are of few values."""
        with self._lock:
            values = self._counters[name]
            key = tuple(sorted(labels.items()))
            values[key] = values.get(key, 0) + count

    def set(self, name: str, value: float) -> None:
        with self._lock:
            self._gauges[name] = value

    def count(self, name: str) -> int:
        with self._lock:
            return sum(self._counters[name].values())

    def text(self) -> str:
        lines = []
        with self._lock:
            for name, values in self._counters.items():
                full = f"alertjoin_forward_{name}_total"
                lines += [f"# HELP {full} {_HELP[name]}", f"# TYPE {full} counter"]
                for labels, value in sorted(values.items()) or [((), 0)]:
                    pairs = ",".join(f'{key}="{text}"' for key, text in labels)
                    lines.append(f"{full}{{{pairs}}} {value}" if pairs else f"{full} {value}")
            for name, gauge in sorted(self._gauges.items()):
                full = f"alertjoin_forward_{name}"
                lines += [f"# TYPE {full} gauge", f"{full} {gauge!r}"]
        return "\n".join(lines) + "\n"


def serve(metrics: Metrics, address: str) -> http.server.ThreadingHTTPServer:
    """GET /metrics at host:port, on a thread of its own; port 0 for a free one. Raises
    AlertjoinError when it cannot listen there."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f'metrics_address: expected host:port, found "{address}"')

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = metrics.text().encode() if self.path == "/metrics" else b"see /metrics\n"
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    try:
        server = http.server.ThreadingHTTPServer((host.strip("[]"), int(port)), Handler)
    except OSError as error:
        raise AlertjoinError("UNAVAILABLE", f"metrics_address {address}: {error.strerror}: name "
                             "another one", "ADDRESS_NOT_USABLE") from error
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
