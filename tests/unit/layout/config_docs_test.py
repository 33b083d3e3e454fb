"""README.md tells every key that the readers of the configuration ask for, and no other."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Who reads which file, as its table calls it.
READERS = {
    "a security file": ["common/access/access_config.cc"],
    "`correlator.yml`": ["correlator-service/app/correlator_config.cc",
                       "common/service/log_config.cc"],
    "`ingest.yml`": ["ingest-service/app/*_config.cc", "common/service/log_config.cc",
                   "ingest-service/prometheus/http_client_config.cc",
                   "ingest-service/alertmanager/*_config.cc"],
}


def asked_for(readers):
    """The last parts of the keys."""
    names = set()
    for pattern in readers:
        files = sorted(ROOT.glob(pattern))
        assert files, f"{pattern}: no such file"
        for file in files:
            text = file.read_text()
            names.update(re.findall(r'Child\("(\w+)"\)', text))
            for secret in re.findall(r'ReadSecretText\(node, "(\w+)"', text):
                names.update({secret, f"{secret}_file"})
    return names


def table(file_name):
    """The rows of the table of the file: texts in backquotes of the first and second column."""
    text = (ROOT / "README.md").read_text()
    rows = text.split(f"| key of {file_name} | meaning |\n|---|---|\n")[1].split("\n\n")[0]
    for row in rows.splitlines():
        first, second = re.match(r"^\| (.*?) \| (.*) \|$", row).groups()
        yield re.findall(r"`([^`]+)`", first), re.findall(r"`([^`]+)`", second)


class ConfigDocs(unittest.TestCase):
    def test_every_key_is_documented_and_every_documented_one_is_read(self):
        for file_name, readers in READERS.items():
            with self.subTest(file_name):
                asked = asked_for(readers)
                self.assertGreater(len(asked), 10, "the readers were not found")
                keys, explained = set(), set()
                for first, second in table(file_name):
                    keys.update(part for key in first for part in re.findall(r"\w+", key))
                    explained.update(re.findall(r"\w+", " ".join(second)))
                self.assertEqual(asked - keys - explained, set(), "not in README.md")
                self.assertEqual(keys - asked, set(), "not in the code")


if __name__ == "__main__":
    unittest.main()
