"""The command line of the Python package, as users install it, against both services."""
import subprocess
import tempfile
import unittest

import pandas as pd

from package_stack import PROGRAM, WAIT_SECONDS, PackageStack
from support import of_class, wait_for, wait_until


class CommandLineTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = PackageStack(of_class(cls), seed=3)
        cls.run_command = cls.stack.run_command
        cls.alert = cls.stack.tell_of_new(ended=False)
        cls.stack.await_final()

    def test_list(self):
        header, *lines = self.run_command("list").splitlines()
        self.assertTrue(header.startswith("TIME (UTC)"))
        self.assertEqual(len(self.stack.expected), len(lines))
        self.assertIn("Fault", lines[0])

    def test_tail_prints_what_is_there_and_what_comes(self):
        there = len(self.stack.expected)
        printed = self.stack.directory / "tailed"
        with open(printed, "wb") as out:
            tail = subprocess.Popen([PROGRAM, "--address", self.stack.address["grpc"], "tail"],
                                    stdout=out)
        self.addCleanup(tail.wait, 10)
        self.addCleanup(tail.kill)

        def lines():
            return printed.read_text().splitlines()
        wait_for(1 + there, lambda: len(lines()), WAIT_SECONDS, "lines for what is there")
        self.assertNotIn("RESOLVED", printed.read_text())
        self.stack.tell(self.alert.ended(self.alert.starts_ms + 1000))
        wait_until(lambda: len(lines()) > 1 + there, WAIT_SECONDS, "a line for what comes",
                   seen=lines)
        self.assertIn("RESOLVED", lines()[1 + there])

    def test_as_of(self):
        text = self.run_command("as-of", "load", "now", "--filter", "instance=i1,part=a")
        self.assertIn("MATCHED", text)
        self.assertIn("no series", self.run_command("as-of", "nonsense", status=1))

    def test_export(self):
        with tempfile.TemporaryDirectory() as folder:
            for kind, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet),
                               ("ndjson", lambda path: pd.read_json(path, lines=True))):
                path = f"{folder}/rows.{kind}"
                self.run_command("export", "joined", path, "--label", "part", "--state", "firing")
                frame = read(path)
                self.assertEqual({"FIRING"}, set(frame.state), kind)
                self.assertIn("part", frame.columns)
            self.run_command("export", "samples", f"{folder}/samples.csv", "--query", "load")
            self.assertGreater(len(pd.read_csv(f"{folder}/samples.csv")), 10)
            refused = self.run_command("export", "joined", f"{folder}/rows.xls", status=2)
            self.assertIn(".csv", refused)
        self.assertIn("row_id,", self.run_command("export", "joined", "-"))

    def test_errors_are_one_line(self):
        text = self.run_command("list", "--filter", "a==", status=1)
        self.assertIn("INVALID_FILTER", text)
        self.assertEqual(1, len(text.strip().splitlines()), text)
        self.run_command("list", "--since", "whenever", status=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
