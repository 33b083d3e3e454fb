"""tests/integration/read/README.md: each call of the API has its row, and each test it names exists."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEXT = (ROOT / "tests" / "integration" / "read" / "README.md").read_text(encoding="utf-8")
# Cells that name no test say why there is nothing to test.
REASONS = {"no pages", "one reading"}


class CallTests(unittest.TestCase):
    def setUp(self):
        self.rows = {name: [cell.strip() for cell in cells.strip("|").split("|")]
                     for name, cells in re.findall(r"^\| `(\w+)` (\|.*\|)$", TEXT, re.M)}
        self.lists = {number: re.findall(r"`(\w+)\.(\w+)`", tests)
                      for number, tests in re.findall(r"^(\d+)\. (.*)$", TEXT, re.M)}

    def test_each_call_has_a_row(self):
        calls = set()
        for path in (ROOT / "proto" / "alertjoin" / "v1").glob("*.proto"):
            calls |= set(re.findall(r"^\s*rpc (\w+)\(", path.read_text(encoding="utf-8"), re.M))
        self.assertGreater(len(calls), 10)
        self.assertEqual(calls, set(self.rows))

    def test_each_cell_names_tests(self):
        used = {cell for cells in self.rows.values() for cell in cells}
        self.assertEqual(set(self.lists), used - REASONS)
        self.assertEqual({6}, {len(cells) for cells in self.rows.values()})

    def test_each_test_exists(self):
        there = set()
        for path in (ROOT / "tests" / "integration").rglob("*_test.cc"):
            there |= set(re.findall(r"^TEST(?:_F)?\((\w+), (\w+)\)",
                                    path.read_text(encoding="utf-8"), re.M))
        for number, tests in self.lists.items():
            self.assertTrue(tests, number)
            self.assertLessEqual(set(tests), there)


if __name__ == "__main__":
    unittest.main()
