"""A Prometheus of made-up series, each value a function of its series and its time alone.

What ingest-service ought to find can thus be computed without asking anybody: `newest_sample`.
Answers /api/v1/query for a metric name with equality matchers, with or without a range, and nothing
else. Run: fake_prometheus.py --port 9090
"""
import argparse
import json
import re
import sys
import time
import urllib.parse
import zlib
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INSTANCES = [f"i{number}" for number in range(10)]
# Metric name: time between scrapes in ms, values of the label `part`.
METRICS = {"load": (1000, ("a", "b")), "heat": (2000, ("a",)), "depth": (1000, ("a", "b"))}

SELECTOR = re.compile(r"(?P<name>\w+)(?:\{(?P<matchers>[^}]*)\})?(?:\[(?P<range>\w+)\])?")
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def series_of(metric):
    """The labels of all series of the metric."""
    return [{"__name__": metric, "instance": instance, "part": part}
            for instance in INSTANCES for part in METRICS[metric][1]]


def _hash(labels, text):
    name = f"{labels['__name__']} {labels['instance']} {labels['part']} {text}"
    return zlib.crc32(name.encode())


def newest_sample(labels, time_ms):
    """Time and value of the newest sample of the series at or before this time."""
    period_ms = METRICS[labels["__name__"]][0]
    offset_ms = _hash(labels, "offset") % period_ms
    scrape_ms = time_ms - (time_ms - offset_ms) % period_ms
    return scrape_ms, _hash(labels, scrape_ms) % 1_000_000 / 8


def samples(labels, after_ms, through_ms):
    """All samples of the series in (after, through], oldest first."""
    found = []
    scrape_ms, value = newest_sample(labels, through_ms)
    while scrape_ms > after_ms:
        found.append((scrape_ms, value))
        scrape_ms, value = newest_sample(labels, scrape_ms - 1)
    return found[::-1]


def parse_time_ms(text):
    """RFC 3339, or seconds since the epoch."""
    if "T" not in text:
        return round(float(text) * 1000)
    since = datetime.fromisoformat(text.replace("Z", "+00:00")) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def parse_duration_ms(text):
    parts = re.findall(r"(\d+)(ms|[smhd])", text)
    return sum(int(number) * _UNITS_MS[unit] for number, unit in parts)


def answer(expression, time_ms):
    """The result of an instant query: (type, list of series)."""
    parsed = SELECTOR.fullmatch(expression.strip("()"))
    if parsed is None:
        raise ValueError(f"not understood: {expression}")
    found = find_series(parsed["name"], parsed["matchers"] or "")
    through_ms = min(time_ms, time.time_ns() // 1_000_000)  # nothing is known of the future
    if parsed["range"] is None:
        return "vector", [{"metric": labels, "value": shown(time_ms, value)}
                          for labels in found
                          for _, value in [newest_sample(labels, through_ms)]]
    after_ms = time_ms - parse_duration_ms(parsed["range"])
    return "matrix", [{"metric": labels, "values": [shown(*point) for point in points]}
                      for labels in found
                      if (points := samples(labels, after_ms, through_ms))]


def find_series(metric, matchers):
    """The labels of those series of the metric that match, given as in a selector."""
    wanted = re.findall(r'(\w+)="([^"]*)"', matchers)
    return [labels for labels in (series_of(metric) if metric in METRICS else [])
            if all(labels.get(name, "") == value for name, value in wanted)]


def shown(time_ms, value):
    """A sample as the API writes it."""
    return [time_ms / 1000, repr(value)]


class Handler(BaseHTTPRequestHandler):
    """Prometheus' API, on the series above or on those of a subclass."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self._respond(path, query)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._respond(self.path, body.decode())

    def _respond(self, path, form):
        if path == "/-/ready":
            return self._send(200, {})
        if path != "/api/v1/query":
            return self._refuse(404, "not_found", path)
        parameters = dict(urllib.parse.parse_qsl(form))
        try:
            text = self._query(parameters["query"], parse_time_ms(parameters["time"]))
        except (ValueError, KeyError) as error:
            return self._refuse(400, "bad_data", str(error))
        return self._send_text(200, text)

    def _query(self, expression, time_ms):
        """The answer to an instant query, as JSON text. Raises ValueError or KeyError."""
        kind, result = answer(expression, time_ms)
        return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})

    def _refuse(self, status, kind, reason):
        self._send(status, {"status": "error", "errorType": kind, "error": reason})

    def _send(self, status, message):
        self._send_text(status, json.dumps(message))

    def _send_text(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # whoever asked was killed
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    Server(("127.0.0.1", parser.parse_args().port), Handler).serve_forever()


if __name__ == "__main__":
    main()
