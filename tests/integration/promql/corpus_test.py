"""What is learnt from many alerting expressions gives back their results on a real Prometheus.

usage: corpus_test.py SPLIT_EXPRESSIONS CORPUS

Series are made up for every selector. For each expression, evaluated at some times:
  - observed whole: the operand's answer is the expression's;
  - one comparison: the operand's answer, filtered here by operator and threshold, is the
    expression's, label for label and bit for bit;
  - otherwise: the expression with each operand in parentheses is the expression, so that no operand
    was cut wrongly; with each operand filtered by what was learnt it still is, so that no operator
    and no threshold is wrong; and every element has the value of an operand that agrees with it.
"""
import collections
import http.client
import json
import math
import operator
import pathlib
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

from synthetic_series import PHASE, SPAN, SyntheticSeries

EXPRESSIONS_LEAST, EXPECTED_LEAST = 300, 60
COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
           "==": operator.eq, "!=": operator.ne}


def read_corpus(path):
    """[(expression, expected operands as shown, or None)]. See the head of the file."""
    entries = []
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith("  => "):
            entries[-1] = (entries[-1][0], (entries[-1][1] or []) + [line[5:]])
        elif line and not line.startswith("# "):
            # For use with other lists: expressions may be JSON strings.
            entries.append((json.loads(line) if line[0] == '"' else line, None))
    return entries


def split(program, expressions):
    lines = "".join(json.dumps(expression) + "\n" for expression in expressions)
    output = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in output.stdout.splitlines()]


def shown(operand):
    parts = [operand["expression"], operand["operator"], operand["threshold"] or ""]
    on = "" if operand["on"] is None else f"on({','.join(operand['on'])})"
    return " ".join(part for part in (*parts, on) if part)


class Prometheus:
    """A server on the samples of one OpenMetrics file."""

    def __init__(self, directory, samples):
        data = directory / "data"
        subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", samples, data],
                       check=True, capture_output=True)
        (directory / "prometheus.yml").write_text("", encoding="utf-8")
        self._port = self._free_port()
        self._log = open(directory / "log", "wb")
        self._process = subprocess.Popen(
            ["prometheus", f"--config.file={directory / 'prometheus.yml'}",
             f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{self._port}",
             "--storage.tsdb.retention.time=10y"], stdout=self._log, stderr=self._log)
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)

    @staticmethod
    def _free_port():
        for _ in range(100):
            port = random.randrange(20000, 32000)
            with socket.socket() as listener:
                try:
                    listener.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
        raise AssertionError("no port is free")

    def wait_until_ready(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                self._connection.request("GET", "/-/ready")
                answer = self._connection.getresponse()
                answer.read()
                if answer.status == 200:
                    return
            except OSError:
                self._connection.close()
            assert self._process.poll() is None, "Prometheus has ended"
            time.sleep(0.1)
        raise AssertionError("Prometheus is not ready")

    def stop(self):
        self._connection.close()
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def evaluate(self, expression, at):
        """The answer as {labels: bits of the value}, or the error as a text."""
        self._connection.request(
            "POST", "/api/v1/query", urllib.parse.urlencode({"query": expression, "time": at}),
            {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.loads(self._connection.getresponse().read())
        if answer["status"] != "success":
            return f"{answer['errorType']}: {answer['error']}"
        data = answer["data"]
        if data["resultType"] == "scalar":
            return {frozenset(): bits(float(data["result"][1]))}
        return {frozenset(series["metric"].items()): bits(float(series["value"][1]))
                for series in data["result"]}


def bits(value):
    return struct.pack(">d", math.nan if math.isnan(value) else value)


def value_of(packed):
    return struct.unpack(">d", packed)[0]


def filtered(operand, answer):
    compare, threshold = COMPARE[operand["operator"]], float(operand["threshold"])
    return {labels: packed for labels, packed in answer.items()
            if compare(value_of(packed), threshold)}


def substituted(expression, operands, text_of):
    """The expression with each operand replaced."""
    raw = expression.encode()
    for operand in sorted(operands, key=lambda each: -each["offset"]):
        end = operand["offset"] + len(operand["expression"].encode())
        before = raw[:operand["offset"]]
        # Parentheses right behind these would be taken for theirs.
        own = b"() " if re.search(rb"group_(left|right)\s*$", before, re.IGNORECASE) else b""
        raw = before + own + text_of(operand).encode() + raw[end:]
    return raw.decode()


def with_comparison(operand):
    if operand["threshold"] is None:
        return f"({operand['expression']})"
    return f"(({operand['expression']}) {operand['operator']} {operand['threshold']})"


def is_explained(element, operand, answer):
    """Whether the operand has the element's value on labels that contradict none of it."""
    labels, packed = dict(element[0]), element[1]
    if operand["threshold"] is not None:
        answer = filtered(operand, answer)
    return any(packed == other and all(labels.get(name, value) == value for name, value in series
                                       if name != "__name__")
               for series, other in answer.items())


class Check:
    """Compares what was learnt with Prometheus, and counts."""

    def __init__(self, prometheus, times):
        self._prometheus, self._times = prometheus, times
        self._at = None
        self.counts = collections.Counter()
        self.faults = []

    def _evaluate(self, expression):
        return self._prometheus.evaluate(expression, self._at)

    def add(self, expression, operands):
        kind = ("whole" if len(operands) == 1 and not operands[0]["operator"] else
                "one comparison" if len(operands) == 1 and operands[0]["threshold"] is not None
                else "several operands")
        outcomes = set()
        for self._at in self._times:
            result = self._evaluate(expression)
            if isinstance(result, str):
                # A fault of the data (many-to-many) or of the expression: nothing to compare with.
                outcomes.add(result.split(":")[0])
                continue
            outcomes.add("a result" if result else "no result")
            fault = self._fault_of(kind, expression, result, operands)
            if fault:
                self.faults.append(f"{fault}: {expression}\n    {list(map(shown, operands))}")
                break
        if "bad_data" in outcomes and kind != "whole":
            self.faults.append(f"taken apart, though it is no PromQL: {expression}")
        outcome = next((each for each in ("a result", "no result", "bad_data") if each in outcomes),
                       "not evaluated")
        self.counts[f"{kind}, {outcome}"] += 1

    def _fault_of(self, kind, expression, result, operands):
        answers = [self._evaluate(operand["expression"]) for operand in operands]
        for operand, answer in zip(operands, answers):
            if isinstance(answer, str):
                return f"{operand['expression']} cannot be evaluated: {answer}"
        if kind == "whole" and expression.strip("() \n") == operands[0]["expression"].strip("() \n"):
            return None if answers[0] == result else "the whole differs"
        if kind == "one comparison" and filtered(operands[0], answers[0]) != result:
            return "the filtered operand differs"
        if self._evaluate(substituted(expression, operands,
                                      lambda each: f"({each['expression']})")) != result:
            return "an operand was cut wrongly"
        if self._evaluate(substituted(expression, operands, with_comparison)) != result:
            return "an operator or a threshold is wrong"
        for element in result.items():
            if not any(is_explained(element, *pair) for pair in zip(operands, answers)):
                return f"no operand has the value of {element}"
        return None


def main(program, corpus):
    entries = read_corpus(corpus)
    splits = split(program, [expression for expression, _ in entries])
    assert len(entries) == len(splits) >= EXPRESSIONS_LEAST
    assert len({expression for expression, _ in entries}) == len(entries), "an expression is twice"
    wrong = [f"{expression}\n    expected {expected}\n    got      {got}"
             for (expression, expected), each in zip(entries, splits)
             if expected is not None
             and (got := [shown(operand) for operand in each["operands"]]) != expected]
    expected = sum(expected is not None for _, expected in entries)
    series = SyntheticSeries()
    for each in splits:
        series.add(each["tokens"] or [])
    directory = pathlib.Path(tempfile.mkdtemp(prefix="alertjoin-corpus-"))
    try:
        now = int(time.time()) // 60 * 60 - 300
        count = series.write(directory / "samples", now)
        prometheus = Prometheus(directory, directory / "samples")
        try:
            prometheus.wait_until_ready()
            check = Check(prometheus, range(now - SPAN + PHASE, now + 1, PHASE))
            for (expression, _), each in zip(entries, splits):
                check.add(expression, each["operands"])
        finally:
            prometheus.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print("\n".join(wrong + check.faults))
    print(f"{len(entries)} expressions on {count} series, {expected} with expected operands: "
          f"{len(wrong)} not as expected, {len(check.faults)} disagree with Prometheus")
    for kind, times in sorted(check.counts.items()):
        print(f"  {times:5}  {kind}")
    return 1 if wrong or check.faults or expected < EXPECTED_LEAST else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
