"""A Prometheus of many made-up series with a sample each second, cheap enough to serve thousands a
second: all series of a query have the same value at the same time.

Answers /api/v1/query for one of the names soak0, soak1, ..., with or without a range, and nothing
else. Run: soak_prometheus.py --port 9090 --queries 10
"""
import argparse
import json
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler

from fake_prometheus import _SELECTOR, Server, parse_duration_ms, parse_time_ms

INSTANCES = 100
PARTS = 5
SERIES_PER_QUERY = INSTANCES * PARTS


def heads_of(name):
    """The begin of each series in an answer, up to its samples."""
    return ['{"metric":' + json.dumps(
        {"__name__": name, "instance": f"i{instance}", "part": str(part)}) + ","
        for instance in range(INSTANCES) for part in range(PARTS)]


def sample(time_s):
    return f'[{time_s},"{time_s % 997 / 8}"]'


class Answers:
    def __init__(self, queries):
        self._heads = {f"soak{number}": heads_of(f"soak{number}") for number in range(queries)}

    def answer(self, expression, time_ms):
        """The result of an instant query, as JSON text."""
        parsed = _SELECTOR.fullmatch(expression.strip("()"))
        if parsed is None or parsed["name"] not in self._heads or parsed["matchers"]:
            raise ValueError(f"not understood: {expression}")
        newest = min(time_ms, time.time_ns() // 1_000_000) // 1000  # nothing is known of the future
        if parsed["range"] is None:
            kind, rest = "vector", f'"value":[{time_ms / 1000},"{newest % 997 / 8}"]}}'
        else:
            after = (time_ms - parse_duration_ms(parsed["range"])) // 1000
            samples = ",".join(sample(second) for second in range(after + 1, newest + 1))
            kind, rest = "matrix", f'"values":[{samples}]}}'
        series = ",".join(head + rest for head in self._heads[parsed["name"]])
        return f'{{"status":"success","data":{{"resultType":"{kind}","result":[{series}]}}}}'


class Handler(BaseHTTPRequestHandler):
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
            return self._send(200, "{}")
        if path != "/api/v1/query":
            return self._send(404, '{"status":"error","errorType":"not_found","error":"path"}')
        parameters = dict(urllib.parse.parse_qsl(form))
        try:
            return self._send(200, self.server.answers.answer(parameters["query"],
                                                              parse_time_ms(parameters["time"])))
        except (ValueError, KeyError):
            return self._send(400, '{"status":"error","errorType":"bad_data","error":"query"}')

    def _send(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--queries", type=int, default=10)
    arguments = parser.parse_args()
    server = Server(("127.0.0.1", arguments.port), Handler)
    server.answers = Answers(arguments.queries)
    server.serve_forever()


if __name__ == "__main__":
    main()
