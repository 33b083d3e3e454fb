"""What the demo watches: an HTTP server whose metrics rise and fall with a period of its own.

Every value is a function of the time since the start, so that each alert of config/rules.yml fires
and resolves once a period. Run: demo_target.py --port 9753 --period 25
"""
import argparse
import math
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REQUESTS_PER_SECOND = 50.0
ERRORS_PER_SECOND = 10.0  # on average


def swing(seconds, period, shift=0.0):
    """0 at the start, 1 half a period later, 0 again at its end; `shift` in parts of a period."""
    return 0.5 - 0.5 * math.cos(2 * math.pi * (seconds / period - shift))


def metrics(seconds, period):
    """The exposition at `seconds` after the start."""
    phase = seconds % period / period
    # The integral of ERRORS_PER_SECOND * 2 * swing(t): a counter whose rate rises and falls.
    angle = 2 * math.pi * seconds / period
    errors = ERRORS_PER_SECOND * (seconds - period / (2 * math.pi) * math.sin(angle))
    orders = 15 + 90 * swing(seconds, period)
    mail = 15 + 90 * swing(seconds, period, shift=1 / 3)
    latency = 0.1 + 0.6 * swing(seconds, period, shift=1 / 8)
    lines = [
        "# HELP demo_queue_depth Entries that wait.",
        "# TYPE demo_queue_depth gauge",
        f'demo_queue_depth{{queue="orders"}} {orders!r}',
        f'demo_queue_depth{{queue="mail"}} {mail!r}',
        "# HELP demo_latency_seconds Time to answer.",
        "# TYPE demo_latency_seconds gauge",
        f"demo_latency_seconds {latency!r}",
        "# HELP demo_requests_total Requests answered.",
        "# TYPE demo_requests_total counter",
        f'demo_requests_total{{code="200"}} {REQUESTS_PER_SECOND * seconds - errors!r}',
        f'demo_requests_total{{code="500"}} {errors!r}',
    ]
    if not 0.6 <= phase < 0.85:
        lines += [
            "# HELP demo_heartbeat_time_seconds When the worker was last alive; goes missing.",
            "# TYPE demo_heartbeat_time_seconds gauge",
            f"demo_heartbeat_time_seconds {time.time()!r}",
        ]
    return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    started = time.monotonic()
    period = 25.0

    def do_GET(self):
        known = self.path in ("/metrics", "/-/ready")
        text = metrics(time.monotonic() - self.started, self.period) if known else "not found\n"
        body = text.encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--address", default="127.0.0.1", help="where it listens")
    parser.add_argument("--period", type=float, default=25.0, help="seconds")
    options = parser.parse_args()
    Handler.period = options.period
    ThreadingHTTPServer((options.address, options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
