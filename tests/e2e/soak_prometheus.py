"""A Prometheus of many made-up series with a sample each second, cheap enough to serve thousands a
second: all series of a query have the same value at the same time.

Answers /api/v1/query for one of the names soak0, soak1, ..., with or without a range, and nothing
else. Run: soak_prometheus.py --port 9090 --queries 10
"""
import argparse
import json
import time

import fake_prometheus
from fake_prometheus import SELECTOR, parse_duration_ms

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
        parsed = SELECTOR.fullmatch(expression.strip("()"))
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


class Handler(fake_prometheus.Handler):
    answers = None

    def _query(self, expression, time_ms):
        return self.answers.answer(expression, time_ms)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--queries", type=int, default=10)
    arguments = parser.parse_args()
    Handler.answers = Answers(arguments.queries)
    fake_prometheus.Server(("127.0.0.1", arguments.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
