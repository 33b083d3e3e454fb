"""The configuration of `alertjoin forward`."""
import pathlib
import re
import tempfile
import unittest

from alertjoin.forward import Options
from alertjoin.forward.options import load
from forwarding import documented_configurations


class OptionsTest(unittest.TestCase):
    def read(self, text, **flags):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "forward.toml"
            path.write_text(text)
            return load(str(path), flags)

    def test_a_file_and_flags_that_win(self):
        options = self.read('target = "sysdig"\nurl = "https://a"\nstate_file = "s"\nall = true\n'
                            'since = "1d"\n[severity]\np1 = 1\n[scope]\n'
                            '"host.hostName" = "instance"', since="2h", url=None)
        self.assertEqual(("https://a", "2h", True), (options.url, options.since, options.all))
        self.assertEqual({"host.hostName": "instance"}, options.scope)

    def test_what_the_documents_show_is_read(self):
        options, = map(self.read, documented_configurations())
        self.assertEqual(("sysdig", "10m"), (options.target, options.max_wait))
        self.assertEqual({"page": 1, "default": 4}, options.severity)
        self.assertIn("host.hostName", options.scope)
        # Matchers know no other quotes.
        self.assertEqual('severity=~"page|critical"', options.filter)

    def test_what_is_wrong_is_named(self):
        good = 'target = "sysdig"\nurl = "http://a"\nstate_file = "s"\n'
        self.read(good)
        for wrong, words in (
                ("urll = 1", '"urll" is no key'), ("all = 1", "all: expected true or false"),
                ('panel_id = "x"', "panel_id: expected a number"), ("= 3", "line 4"),
                ('since = "1 day"', "since: expected a duration"),
                ('api = "v3"', "api: expected v1"),
                ("[severity]\na = 9", "severity.a: expected 0 to 7"),
                ("[scope]\na = 1", "scope.a: expected a text")):
            with self.assertRaisesRegex(ValueError, re.escape(words)):
                self.read(good + wrong)
        for flags, words in (({"target": "x"}, "target: expected one of"),
                             ({"url": "ftp://a"}, "url: expected http"),
                             ({"url": "http://u:p@a"}, "put a token into token_file"),
                             ({"url": "http://a/a hook"}, "url: a space"),
                             ({"url": "http://a/\n"}, "a control character"),
                             ({"url": "http://a/\x7f"}, "a control character"),
                             ({"url": "http://b\xfccher/"}, "not ASCII"),
                             ({"state_file": ""}, "state_file: is needed")):
            with self.assertRaisesRegex(ValueError, re.escape(words)):
                load("", {"target": "sysdig", "url": "http://a", "state_file": "s", **flags})
        self.assertEqual("", Options(target="webhook", dry_run=True).url)


if __name__ == "__main__":
    unittest.main()
