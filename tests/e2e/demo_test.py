"""deploy/demo as a user runs it: what it prints, how it ends, and that nothing stays behind."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
import uuid

from support import BINARIES, REPOSITORY, demo_stack, wait_for, wait_until

PROGRAMS = {"python3", "prometheus", "prometheus-alertmanager", "ingest-service",
            "correlator-service"}
STARTED = "In another terminal"  # printed once every process is ready


class Demo:
    """One run of deploy/demo, with everything it starts marked by an environment variable."""

    def __init__(self, test, *arguments):
        self.mark = f"ALERTJOIN_TEST_MARK={uuid.uuid4()}"
        self.directory = tempfile.mkdtemp(prefix="alertjoin-demo-test-")
        test.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        name, value = self.mark.split("=")
        self.process = subprocess.Popen(
            [REPOSITORY / "deploy" / "demo", "--binaries", BINARIES, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, name: value, "TMPDIR": self.directory})
        test.addCleanup(self.process.stdout.close)
        test.addCleanup(self.process.stderr.close)
        test.addCleanup(self.process.kill)
        self.output, self.errors = [], []
        self._readers = [threading.Thread(target=lines.extend, args=(stream,), daemon=True)
                         for lines, stream in ((self.output, self.process.stdout),
                                               (self.errors, self.process.stderr))]
        for reader in self._readers:
            reader.start()

    def wait_for(self, text, seconds):
        def there():
            if self.process.poll() is not None:
                raise AssertionError(f"the demo ended:\n{self.said()}")
            return text in self.said()
        wait_until(there, seconds, f"{text!r} is printed", seen=self.said)

    def said(self):
        return "".join(self.errors) + "".join(self.output)

    def end(self, seconds):
        """Exit status and everything printed."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the demo goes on for {seconds} s:\n{self.said()}") from None
        for reader in self._readers:
            reader.join(10)
        return status, self.said()

    def processes(self):
        """Process ids, with program names, of all that this run started and that is running."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                marked = self.mark.encode() in (entry / "environ").read_bytes().split(b"\0")
                if marked:
                    argv = (entry / "cmdline").read_bytes().split(b"\0")
                    found[int(entry.name)] = " ".join(os.path.basename(part.decode())
                                                      for part in argv[:3])
            except OSError:
                pass  # it has ended meanwhile
        return found

    def files(self):
        return os.listdir(self.directory)


class DemoTest(unittest.TestCase):
    def assert_nothing_left(self, demo):
        self.assertEqual({}, demo.processes())
        self.assertEqual([], demo.files())

    def occupy(self, port):
        """Listens on the port until the test ends, unless another program does for good.

        A process that was killed may hold its ports for a moment after it is gone from /proc.
        """
        def listens():
            occupier = socket.socket()
            occupier.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                occupier.bind(("127.0.0.1", port))
                occupier.listen()
            except OSError:
                occupier.close()
                return False
            self.addCleanup(occupier.close)
            return True
        with contextlib.suppress(AssertionError):
            wait_until(listens, 5, f"port {port} is free")

    def test_six_rows_with_both_states_though_the_ports_are_taken(self):
        for port in demo_stack.PREFERRED_PORTS.values():
            self.occupy(port)
        demo = Demo(self, "--rows", "6")
        status, said = demo.end(180)
        self.assertEqual(0, status, said)
        table = "".join(demo.output).splitlines()
        for heading in ("TIME", "STATE", "ALERT", "INSTANCE", "QUERY", "VALUE", "THRESHOLD", "AGE",
                        "REV", "FINAL", "$value SENT"):
            self.assertIn(heading, table[0])
        rows = [line for line in table[1:] if re.match(r"\d\d:\d\d:\d\d\.\d{3}  ", line)]
        self.assertGreaterEqual(len(rows), 6, said)
        self.assertTrue([line for line in rows if "  FIRING  " in line], said)
        self.assertTrue([line for line in rows if "  RESOLVED  " in line], said)
        self.assertNotIn("127.0.0.1:9750 ", said)
        self.assertIn("The live page", said)
        self.assertNotIn("127.0.0.1:9751", said)
        self.assertNotIn("\x1b", said)
        self.assert_nothing_left(demo)

    def test_ctrl_c_leaves_nothing(self):
        demo = Demo(self)
        demo.wait_for(STARTED, 60)
        running = " ".join(demo.processes().values())
        for program in PROGRAMS:
            self.assertIn(program, running)
        demo.process.send_signal(signal.SIGINT)
        status, said = demo.end(40)
        self.assertEqual(130, status, said)
        self.assertNotIn("Traceback", said)
        self.assert_nothing_left(demo)

    def test_a_process_that_dies_ends_the_demo_with_its_log(self):
        demo = Demo(self)
        demo.wait_for(STARTED, 60)
        victim = next(pid for pid, argv in demo.processes().items() if "correlator-service" in argv)
        os.kill(victim, signal.SIGKILL)
        status, said = demo.end(40)
        self.assertEqual(1, status, said)
        self.assertIn("correlator-service ended by itself (killed by SIGKILL)", said)
        self.assertIn("the end of its log", said)
        self.assertNotIn("Traceback", said)
        self.assert_nothing_left(demo)

    def test_nothing_outlives_a_demo_that_was_killed(self):
        demo = Demo(self)
        demo.wait_for(STARTED, 60)
        demo.process.kill()
        demo.end(10)
        wait_for({}, demo.processes, 30, "processes that still run")

    def test_no_row_in_time_is_a_failure(self):
        demo = Demo(self, "--seconds", "1")
        status, said = demo.end(60)
        self.assertEqual(1, status, said)
        self.assertIn("no row came within 1 s", said)
        self.assert_nothing_left(demo)

    def test_wrong_arguments(self):
        for arguments in (["--rows", "0"], ["--rows", "six"], ["--seconds", "-1"], ["--tables"]):
            demo = Demo(self, *arguments)
            status, said = demo.end(30)
            self.assertEqual(2, status, said)
            self.assertIn("usage: deploy/demo", said)

    def test_missing_services_are_named(self):
        demo = Demo(self, "--binaries", self.enterContext(tempfile.TemporaryDirectory()))
        status, said = demo.end(30)
        self.assertEqual(1, status, said)
        self.assertIn("not found: correlator-service, ingest-service", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
