"""What the command line `alertjoin` prints and writes, and how it ends. Without services."""
import contextlib
import csv
import io
import json
import math
import os
import pathlib
import socket
import stat
import tempfile
import threading
import unittest
from types import SimpleNamespace
from unittest import mock

import pandas as pd

from alertjoin import cli, frames
from alertjoin.cli import export
from alertjoin.cli.tail import visible
from alertjoin.errors import AlertjoinError
from alertjoin.forward import Forwarder
from alertjoin.subscription import Message
from alertjoin.v1.joined_row_pb2 import JoinedRow
from alertjoin.v1.samples_pb2 import AsOfResult


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(*arguments, output=io.StringIO):
    """Returns the exit status, what it printed and what it said besides."""
    printed, said = output(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said), \
            mock.patch.object(said, "close"), mock.patch("signal.signal"):
        status = cli.main(["--address", "127.0.0.1:1", *arguments])
    return status, printed.getvalue(), said.getvalue()


class ForwardTest(unittest.TestCase):
    DRY = ("forward", "--target", "webhook", "--dry-run")

    def test_an_address_of_metrics_that_is_none(self):
        for port in ("99999", "x", ""):
            status, _, said = run(*self.DRY, "--metrics-address", f"127.0.0.1:{port}")
            self.assertEqual(2, status, said)
            self.assertIn("metrics_address: expected host:port", said)

    def test_an_address_of_metrics_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            status, _, said = run(*self.DRY, "--metrics-address", address)
        self.assertEqual(1, status)
        self.assertIn(f"metrics_address {address}: Address already in use", said)
        self.assertNotIn("STATE_NOT_USABLE", said)

    def test_who_reads_a_dry_run_may_have_enough(self):
        with mock.patch.object(Forwarder, "run", side_effect=BrokenPipeError):
            status, _, said = run(*self.DRY)
        self.assertEqual(0, status)
        self.assertNotIn("STATE_NOT_USABLE", said)


def row_of(row_id, value=None, label=""):
    row = JoinedRow(row_id=row_id)
    row.transition.event_time.FromMilliseconds(1_772_359_200_123)
    row.transition.labels["of"] = label
    if value is not None:
        row.match.value = value
    return row


class TailTest(unittest.TestCase):
    def test_why_nothing_comes_is_told_once(self):
        def subscribe(broken, **_):
            for reason in "one", "one", "two", "one":
                broken(AlertjoinError("UNAVAILABLE", reason))
            yield Message("started")
            broken(AlertjoinError("UNAVAILABLE", "one"))
        client = contextlib.nullcontext(SimpleNamespace(subscribe=subscribe))
        with mock.patch.object(cli, "connect", return_value=client):
            status, _, said = run("tail")
        self.assertEqual((0, [f"alertjoin: {reason} (UNAVAILABLE): is tried again"
                              for reason in ("one", "two", "one")]), (status, said.splitlines()))

    def test_a_token_that_is_not_there_is_told_at_the_start(self):
        status, _, said = run("--credentials-file", "nowhere.token", "tail")
        self.assertEqual((2, "alertjoin: nowhere.token: No such file or directory\n"),
                         (status, said))

    def test_hostile_labels_stay_in_their_cell(self):
        self.assertEqual("a\ufffd[31mb", visible("a\x1b[31mb", 20))
        self.assertEqual("abc\u2026", visible("abcdefgh", 4))


class AsOfTest(unittest.TestCase):
    def test_hostile_labels_do_not_reach_the_terminal(self):
        result = AsOfResult()
        result.match.value = 4.5
        result.series.query.name = "lo\x1bad"
        result.series.query.source = "\u202eecruos"  # Right to left from here on.
        for name, value in (("pod", "a\x1b[2Jb"), ("na\x1bme", "c"), ("na\x07me", "long " * 50)):
            result.series.labels[name] = value
        client = contextlib.nullcontext(SimpleNamespace(
            as_of=lambda *_, **__: frames.as_of_frame([result])))
        with mock.patch.object(cli, "connect", return_value=client):
            status, printed, _ = run("as-of", "load")
        self.assertEqual(0, status)
        head, line = printed.splitlines()
        self.assertTrue((head + line).isprintable(), printed)
        for text in ("4.5", "lo\ufffdad", "\ufffdecruos", "a\ufffd[2Jb", " c ", "long " * 49 + "long"):
            self.assertIn(text, line)
        self.assertEqual(2, head.count("na\ufffdme"))


class ExportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def export(self, rows, name, status=0):
        """Of an iterator of rows, which may fail. Returns where they are, or what was said."""
        client = contextlib.nullcontext(SimpleNamespace(joined_rows=lambda **_: iter(rows)))
        with mock.patch.object(cli, "connect", return_value=client), \
                mock.patch.object(export, "_ROWS_AT_ONCE", 2):
            found, _, said = run("export", "joined", str(self.folder / name), "--label", "of")
        self.assertEqual(status, found, said)
        return said if status else self.folder / name

    def test_hostile_labels_do_not_reach_the_terminal_and_elsewhere_stay_as_they_are(self):
        hostile = "a\x1b[2J\x07\u202eb\r\nc"
        for output in Terminal, io.StringIO:
            row = row_of("r", 4.5, hostile)
            row.transition.alert_name = hostile
            client = contextlib.nullcontext(SimpleNamespace(joined_rows=lambda **_: iter([row])))
            with mock.patch.object(cli, "connect", return_value=client):
                status, printed, said = run("export", "joined", "-", "--label", "of",
                                            output=output)
            self.assertEqual(0, status, said)
            line, = csv.DictReader(io.StringIO(printed, newline=""))
            if output is Terminal:
                self.assertTrue(printed.replace("\n", "").isprintable(), printed)
                self.assertEqual(2, printed.count("\n"))
                self.assertEqual("a\ufffd[2J\ufffd\ufffdb\ufffd\ufffdc", line["of"])
            else:
                self.assertEqual([hostile] * 2, [line["of"], line["alert"]])

    def test_a_flag_that_the_table_does_not_have_is_refused(self):
        path = self.folder / "file.csv"
        for table, flags, words in (
                ("samples", ["--state", "firing"], "only joined and alerts can"),
                ("samples", ["--final"], "only joined can"),
                ("alerts", ["--query", "load"], "only joined and samples can"),
                ("alerts", ["--final"], "only joined can")):
            status, _, said = run("export", table, str(path), *flags)
            self.assertEqual(2, status, said)
            self.assertIn(f"export {table} has no {flags[0]}: {words}", said)
            self.assertFalse(path.exists())

    def test_the_flags_that_a_table_has_are_passed_on(self):
        asked = {}

        def reader(table, nothing):
            def read(*query, **arguments):
                asked[table] = (*query, arguments)
                return nothing
            return read
        client = contextlib.nullcontext(SimpleNamespace(
            joined_rows=reader("joined", iter(())), alert_messages=reader("alerts", iter(())),
            samples=reader("samples", frames.samples_frame([]))))
        for table, flags in (("joined", ["--state", "firing", "--query", "load", "--final"]),
                             ("alerts", ["--state", "firing"]), ("samples", ["--query", "load"])):
            with mock.patch.object(cli, "connect", return_value=client):
                status, _, said = run("export", table, "-", *flags)
            self.assertEqual(0, status, said)
        self.assertEqual(("FIRING", "load", True),
                         tuple(asked["joined"][-1][name] for name in (
                             "state", "query", "final_only")))
        self.assertEqual("FIRING", asked["alerts"][-1]["state"])
        self.assertEqual("load", asked["samples"][0])

    def test_values_keep_their_digits(self):
        values = [1e-12, 0.1 + 0.2, 1e300, math.inf, -math.inf, math.nan, None, 4.0]
        path = self.export([row_of(str(number), value) for number, value in enumerate(values)],
                           "rows.ndjson")
        lines = path.read_text().split("\n")
        self.assertEqual("", lines.pop())
        rows = [json.loads(line) for line in lines]
        self.assertEqual([1e-12, 0.1 + 0.2, 1e300, "Infinity", "-Infinity", "NaN", None, 4.0],
                         [row["value"] for row in rows])
        self.assertEqual({"row_id": "0", "event_time": "2026-03-01T10:00:00.123Z", "state": None,
                          "duration": None, "final": False, "revision": 0, "of": ""},
                         {name: rows[0][name] for name in (
                             "row_id", "event_time", "state", "duration", "final", "revision",
                             "of")})

    def test_whatever_is_in_a_label_is_one_cell(self):
        labels = ["a\rb", "a\nb", "a\r\n", "\r", 'a",b', ""]
        path = self.export([row_of(str(number), label=label)
                            for number, label in enumerate(labels)], "rows.csv")
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(labels, [row["of"] for row in rows])
        self.assertEqual({""}, {row["value"] for row in rows})
        table = pd.read_csv(path, keep_default_na=False)
        self.assertEqual(labels, list(table.of))
        self.assertTrue(path.read_bytes().split(b"\n")[0].endswith(b",of"))

    def test_a_file_stays_as_it_was_until_the_new_one_is_whole(self):
        def broken():
            yield from (row_of(str(number)) for number in range(3))
            raise AlertjoinError("UNAVAILABLE", "gone")
        for name in ("rows.csv", "rows.ndjson", "rows.parquet"):
            (self.folder / name).write_text("old")
            (self.folder / name).chmod(0o640)
            self.assertIn("gone", self.export(broken(), name, status=1))
            self.assertEqual("old", (self.folder / name).read_text())
            self.export([row_of("a")], name)
            self.assertNotEqual(b"old", (self.folder / name).read_bytes())
            self.assertEqual(0o640, stat.S_IMODE((self.folder / name).stat().st_mode))
        self.assertEqual(3, len(list(self.folder.iterdir())))

    def test_a_pipe_and_a_link_stay_what_they_are(self):
        pipe = self.folder / "pipe.csv"
        os.mkfifo(pipe)
        read = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
        reader.start()
        self.export([row_of("a")], "pipe.csv")
        reader.join(30)
        self.assertIn("row_id,", read[0])
        (self.folder / "link.csv").symlink_to("file.csv")
        (self.folder / "file.csv").write_text("old")
        self.export([row_of("a")], "link.csv")
        self.assertIn("row_id,", (self.folder / "file.csv").read_text())
        self.assertTrue((self.folder / "link.csv").is_symlink())

    def test_a_folder_that_is_not_there_is_one_clear_error(self):
        said = self.export([], "nowhere/rows.csv", status=1)
        self.assertIn("nowhere/rows.csv.part: No such file or directory", said)
        self.assertEqual(1, len(said.splitlines()))


if __name__ == "__main__":
    unittest.main()
