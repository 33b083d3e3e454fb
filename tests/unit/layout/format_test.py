"""The C++ sources are as clang-format writes them (.clang-format; version 14, of Debian 12)."""

import pathlib
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
CLANG_FORMAT = "clang-format-14"


@unittest.skipUnless(shutil.which(CLANG_FORMAT), f"{CLANG_FORMAT} is not installed")
class Format(unittest.TestCase):
    def test_every_source_is_formatted(self):
        files = [str(path) for folder in ("common", "ingest-service", "correlator-service", "tests")
                 for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".h", ".cc")]
        self.assertGreater(len(files), 50, "the sources were not found")
        done = subprocess.run([CLANG_FORMAT, "--dry-run", "--Werror", *files],
                              capture_output=True, text=True, cwd=ROOT)
        self.assertEqual(0, done.returncode, done.stderr[:4000])


if __name__ == "__main__":
    unittest.main()
