"""common/METRICS.md has every metric that the code registers, and no other."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SERVICES = ("common", "ingest-service", "correlator-service")
ROW = re.compile(r"^\| `(\w+)` \| (counter|gauge|histogram) \| ((?:`\w+`(?:, )?)*) \| (\S.*) \|$")


def documented():
    """Type and labels by name."""
    found = {}
    for line in (ROOT / "common" / "METRICS.md").read_text().splitlines():
        if line.startswith("| `"):
            name, kind, labels, _ = ROW.match(line).groups()
            assert name not in found, f"{name} is there twice"
            found[name] = (kind, set(re.findall(r"\w+", labels)))
    return found


def registered():
    """The names that stand in the code as texts of their own."""
    names = set()
    for service in SERVICES:
        for file in (ROOT / service).rglob("*.cc"):
            names.update(re.findall(r'"((?:alertjoin|process)_[a-z_]+)"', file.read_text()))
    return names


class MetricsDocs(unittest.TestCase):
    def test_every_metric_is_documented_and_every_documented_one_is_there(self):
        self.assertGreater(len(registered()), 90, "the code was not found")
        self.assertEqual(registered() - set(documented()), set(), "not in common/METRICS.md")
        self.assertEqual(set(documented()) - registered(), set(), "not in the code")

    def test_names_are_those_of_prometheus(self):
        for name, (kind, _) in documented().items():
            with self.subTest(name):
                self.assertEqual(name.endswith("_total"), kind == "counter")
                self.assertNotRegex(name, r"_(ms|milliseconds|minutes|kb|mb)(_|$)")


if __name__ == "__main__":
    unittest.main()
