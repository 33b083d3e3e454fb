"""What both services say of themselves: well-formed, documented, and unchanged by being read."""
import importlib.util
import re
import subprocess
import unittest

import support
from fault_stack import FaultStack, notification
from reload_test import metrics, request
from support import REPOSITORY, wait_until

_SPEC = importlib.util.spec_from_file_location(
    "metrics_docs_test", REPOSITORY / "tests" / "unit" / "layout" / "metrics_docs_test.py")
_DOCS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_DOCS)

# What a scrape itself adds to, and what goes on without one.
OWN_DOING = re.compile(r"^(alertjoin_http_request|process_)")
LINE = re.compile(r"^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$")


class MetricsTest(unittest.TestCase):
    def setUp(self):
        support.api()
        self.stack = FaultStack(self, ingests=["one"])
        # Nothing is polled, so that nothing changes by itself.
        path = self.stack.directory / "one.yml"
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"(?s)metrics_sources:.*", "", text)
        path.write_text(text, encoding="utf-8")
        self.stack.start_all()
        alert = {"status": "firing", "labels": {"alertname": "A", "odd": "\n\"\\{}"},
                 "annotations": {}, "startsAt": "2026-01-01T00:00:00Z",
                 "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "1" * 16}
        self.assertEqual(self.stack.post("one", notification([alert])), 200)
        self.assertEqual(self.stack.post("one", "no json"), 400)
        wait_until(lambda: self.stack.rows()[0] or None, 30, "a row")
        wait_until(lambda: not metrics(self.stack.address["one"])[
            'alertjoin_spool_events{lane="alerts"}'], 30, "an empty spool")

    def text(self, name):
        status, text = request(self.stack.address[name], "GET", "/metrics")
        self.assertEqual(status, 200)
        return text

    def test_promtool_finds_nothing_to_say(self):
        for name in ("one", "correlator"):
            with self.subTest(name):
                checked = subprocess.run(["promtool", "check", "metrics"], input=self.text(name),
                                         capture_output=True, text=True, check=False,
                                         timeout=30)
                self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_each_has_the_documented_type_and_labels(self):
        documented = _DOCS.documented()
        seen = set()
        for name in ("one", "correlator"):
            text = self.text(name)
            types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
            for line in text.splitlines():
                if line.startswith("#"):
                    continue
                series = line.partition("{")[0].partition(" ")[0]
                family = series if series in types else re.sub("_(bucket|sum|count)$", "", series)
                seen.add(family)
                labels = set(re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', line)) - {"le"}
                self.assertIn(family, documented)
                self.assertEqual((types[family], labels), documented[family], line)
        self.assertGreater(len(seen), 50, seen)

    def test_reading_changes_no_count_of_events(self):
        for name in ("one", "correlator"):
            with self.subTest(name):
                counters = set(re.findall(r"^# TYPE (\w+) (?:counter|histogram)$", self.text(name),
                                          re.M))

                def events():
                    return {series: value
                            for series, value in metrics(self.stack.address[name]).items()
                            if not OWN_DOING.match(series)
                            and (LINE.match(series + " 0")[1] in counters)}
                self.assertGreater(len(events()), 10)
                # What happened before may be counted a little later; what reading adds never rests.
                changed = []

                def at_rest():
                    first = events()
                    for _ in range(3):
                        changed[:] = sorted(events().items() ^ first.items())
                        if changed:
                            return False
                    return True
                wait_until(at_rest, 20, "four readings are the same", seen=lambda: changed)

    def test_the_process_tells_what_it_takes(self):
        for name in ("one", "correlator"):
            with self.subTest(name):
                values = metrics(self.stack.address[name])
                pid = self.stack.pid_of(name)
                with open(f"/proc/{pid}/status", encoding="utf-8") as status:
                    kibibytes = int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])
                self.assertAlmostEqual(values["process_resident_memory_bytes"] / 1024 / kibibytes,
                                       1, delta=0.5)
                self.assertGreater(values["process_open_fds"], 5)
                self.assertGreater(values["process_max_fds"], values["process_open_fds"])
                self.assertGreater(values["process_cpu_seconds_total"], 0)
                self.assertGreater(values["process_threads"], 1)
                self.assertGreater(values["process_start_time_seconds"], 1.7e9)


if __name__ == "__main__":
    unittest.main()
