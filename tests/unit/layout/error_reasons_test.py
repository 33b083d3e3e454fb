"""The list of error reasons, the code that gives them and the table in proto/ERRORS.md agree.

That a reason which is given is in the list, with its status, the compiler sees to."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
LIST = ROOT / "common/status/error_reason.h"
TABLE = ROOT / "proto/ERRORS.md"

ENTRY = re.compile(r'\{"([A-Z_]+)", absl::StatusCode::k(\w+)\}')
ROW = re.compile(r"^\| `([A-Z_]+)` \| ([A-Z_]+) \| (.+?) \| (.+?) \|$", re.M)
# Ways to attach a reason that is not looked up in the list.
UNCHECKED = re.compile(r"\b(WithReason|WithDetail)\(|\bErrorDetail\{")
MAY_BE_UNCHECKED = {"common/status", "common/net"}


def sources():
    for folder in ("common", "correlator-service"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".h", ".cc") and file != LIST:
                yield file


def listed():
    """Reason to status, of the code."""
    snake = lambda name: re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper()
    return {reason: snake(code) for reason, code in ENTRY.findall(LIST.read_text())}


class ErrorReasons(unittest.TestCase):
    def test_the_table_has_every_reason_of_the_code_and_no_other(self):
        rows = ROW.findall(TABLE.read_text(encoding="utf-8"))
        self.assertEqual(len(rows), len({row[0] for row in rows}), "a reason stands twice")
        self.assertEqual(listed(), {reason: status for reason, status, _, _ in rows})
        self.assertGreater(len(rows), 40, "the list was not found")

    def test_every_row_of_the_table_is_whole(self):
        lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines()
                 if line.startswith("| `")]
        self.assertEqual(len(lines), len(ROW.findall("\n".join(lines))))

    def test_every_reason_of_the_list_is_given_somewhere(self):
        code = "\n".join(file.read_text() for file in sources())
        for reason in listed():
            self.assertIn(f'"{reason}"', code)

    def test_no_reason_goes_past_the_list(self):
        for file in sources():
            if str(file.parent.relative_to(ROOT)) in MAY_BE_UNCHECKED:
                continue
            found = UNCHECKED.search(file.read_text())
            self.assertIsNone(found, f"{file}: use MakeError (common/status/error_reason.h)")


if __name__ == "__main__":
    unittest.main()
