"""One command sends an alert through the whole path, and the payloads to try by hand do what their page
says."""
import re
import shlex
import shutil
import subprocess
import unittest

import support
from fault_stack import FaultStack
from support import REPOSITORY, wait_until

PAYLOADS = REPOSITORY / "tests" / "testdata" / "payloads"
PAGE = (PAYLOADS / "README.md").read_text(encoding="utf-8")
COUNT = 5


class MockAlertTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        support.api()
        cls.stack = FaultStack(support.of_class(cls), ingests=("one",))
        cls.stack.start_all()
        # The command shows the first rows of its alerts, which are of no series before samples come.
        wait_until(cls.series, 30, "series")

    @classmethod
    def series(cls):
        """The series of the query that the alerts are joined with, as the correlator knows them."""
        with support.client.open_channel(cls.stack.address["grpc"]) as channel:
            stub = support.api().CorrelatorServiceStub(channel)
            request = support.api().ListSeriesRequest()
            request.series.query_name = "load"
            return stub.ListSeries(request, timeout=10).series

    def mock_alert(self, *options):
        at = self.stack.address
        return subprocess.run(
            [REPOSITORY / "deploy/mock-alert", "--ingest", f"http://{at['one']}", "--correlator",
             at["grpc"], "--prometheus", f"http://{at['prometheus']}", "--expr", "load",
             "--label", "instance=i3", *options], capture_output=True, text=True, timeout=120)

    def test_it_comes_through_firing_and_resolved(self):
        done = self.mock_alert()
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        # The made-up Prometheus has two series of that instance.
        for state in ("FIRING", "RESOLVED"):
            lines = [line for line in done.stdout.splitlines()
                     if re.search(rf"\b{state} .*MockAlert", line)]
            for part in ("a", "b"):
                self.assertRegex("\n".join(lines), rf'part="{part}"\S* +[\d.e+]+ ', done.stdout)

    def test_so_many_at_once(self):
        done = self.mock_alert("--count", str(COUNT), "--label", "batch=yes")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        rows, _ = self.stack.rows(filter="batch=yes")
        self.assertEqual(COUNT, len({row.transition.fingerprint for row in rows}))

    def test_where_it_ended_is_said(self):
        done = self.mock_alert("--source", "nobody")
        self.assertEqual(1, done.returncode)
        self.assertIn("answered 404", done.stderr)
        done = self.mock_alert("--correlator", "127.0.0.1:1")
        self.assertEqual(1, done.returncode)
        self.assertIn("the correlator at 127.0.0.1:1", done.stderr)
        self.assertEqual(2, self.mock_alert("--count", "0").returncode)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_payloads_and_their_lines(self):
        lines = re.findall(r"^curl .*$", PAGE, re.M)
        used = set(re.findall(r"@(\w+\.json)", " ".join(lines)))
        self.assertEqual({path.name for path in PAYLOADS.glob("*.json")}, used)
        for line in lines:
            with self.subTest(line):
                command = shlex.split(line.replace("127.0.0.1:9752", self.stack.address["one"]))
                done = subprocess.run(command, cwd=PAYLOADS, capture_output=True, text=True,
                                      timeout=30)
                self.assertEqual(0, done.returncode, done.stderr)
                if "never_taken" in line:
                    self.assertRegex(done.stdout, r"startsAt(.|\n)*\n400\n$")
                else:
                    self.assertEqual("", done.stdout)

        def states():
            rows, _ = self.stack.rows(filter='alertname=~"DiskFull|LatencyHigh|QueueDeep"')
            return {(row.transition.alert_name, row.transition.state) for row in rows}
        wanted = {("DiskFull", 1), ("DiskFull", 2), ("LatencyHigh", 1), ("QueueDeep", 1)}
        support.wait_for(wanted, states, 30, "alerts that have rows, and their states")


if __name__ == "__main__":
    unittest.main(verbosity=2)
