"""The subscribers of proto/examples, each in its language, across a death of the correlator."""
import collections
import os
import random
import shutil
import subprocess
import sys
import unittest

import alertjoin
from alertjoin.v1.events_pb2 import AlertState
from alert_feed import new_episode, now_ms
from fault_stack import FaultStack, notification
from support import REPOSITORY, wait_for, wait_until

EXAMPLES = REPOSITORY / "proto" / "examples"
# What has been built of them stays for the next time.
BUILD = REPOSITORY / "build" / "examples"
WAIT_SECONDS = 60
PREPARE_SECONDS = 200  # less than ctest has for all of it
LINES_MOST = 30
GO_TOOLS = ("google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
            "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.5.1")


def prepare(command, folder, environment=None):
    """Runs a step of building that needs the network; the test skips itself where it is not possible,
    or takes too long."""
    try:
        done = subprocess.run(command, cwd=folder, env={**os.environ, **(environment or {})},
                              capture_output=True, text=True, timeout=PREPARE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise unittest.SkipTest(str(error)) from None
    if done.returncode:
        said = (done.stdout + done.stderr)[-800:]
        raise unittest.SkipTest(f"{' '.join(map(str, command))}: {said}")


def build(command, folder, environment=None):
    """Runs a step that needs no network: what fails here is our own fault. What it printed."""
    done = subprocess.run(command, cwd=folder, env={**os.environ, **(environment or {})},
                          stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    return done.stdout


def need(program):
    if not shutil.which(program):
        raise unittest.SkipTest(f"{program} is not installed")


def python_subscriber():
    return [sys.executable, EXAMPLES / "python" / "subscribe.py"], []


def go_subscriber():
    need("go")
    need("protoc")
    folder = BUILD / "go"
    shutil.copytree(EXAMPLES / "go", folder, dirs_exist_ok=True)
    tools = {"GOBIN": str(BUILD / "bin"), "PATH": f"{BUILD}/bin:{os.environ['PATH']}"}
    for tool in GO_TOOLS:
        if not (BUILD / "bin" / tool.partition("@")[0].rpartition("/")[2]).exists():
            prepare(["go", "install", tool], folder, tools)
    build([EXAMPLES / "go" / "generate", folder], folder, tools)
    prepare(["go", "mod", "download"], folder)
    build(["go", "build", "-o", BUILD / "subscribe", "."], folder)
    unformatted = build(["gofmt", "-l", "subscribe.go"], folder)
    if unformatted:
        raise AssertionError("gofmt would change subscribe.go")
    return [BUILD / "subscribe"], []


def typescript_subscriber():
    need("node")
    need("npm")
    folder = BUILD / "typescript"
    shutil.copytree(EXAMPLES / "typescript", folder, dirs_exist_ok=True)
    if not (folder / "node_modules" / "typescript").exists():
        prepare(["npm", "install", "--no-audit", "--no-fund", "--silent"], folder)
    build(["npm", "run", "--silent", "build"], folder)
    return ["node", folder / "subscribe.js"], [REPOSITORY / "proto"]


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        self.dice = random.Random(5)

    def test_python(self):
        self.follow("python/subscribe.py", *python_subscriber())

    def test_go(self):
        self.follow("go/subscribe.go", *go_subscriber())

    def test_typescript(self):
        self.follow("typescript/subscribe.ts", *typescript_subscriber())

    def follow(self, source, command, more):
        lines = (EXAMPLES / source).read_text().splitlines()
        code = [line for line in map(str.strip, lines)
                if line and not line.startswith(("//", '"""'))]
        self.assertLess(len(code), LINES_MOST, source)
        self.stack = FaultStack(self, ingests=("one",))
        self.stack.start_all()
        self.post("mine")
        printed = self.stack.directory / "printed"
        with open(printed, "wb") as out:
            process = subprocess.Popen(
                [*command, self.stack.address["grpc"], "whose=mine", *more], stdout=out)
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.kill)
        self.expect(printed, 2)
        self.stack.kill("correlator")
        self.stack.start("correlator")
        self.post("mine")
        self.post("another's")
        self.expect(printed, 4)
        self.assertIsNone(process.poll())

    def post(self, whose):
        start = now_ms() - 6000
        firing = new_episode(self.dice, start, measured=1)
        for one in (firing, firing.ended(start + 1500)):
            alert = one.as_alert()
            alert["labels"]["whose"] = whose
            self.assertEqual(200, self.stack.post("one", notification([alert])))

    def expect(self, printed, transitions):
        """Every final row of ours, once."""
        with alertjoin.connect(self.stack.address["grpc"]) as client:
            def final():
                rows = [row for row in client.joined_rows(filter="whose=mine")]
                return rows if all(row.final for row in rows) and len(
                    {(row.transition.fingerprint, row.transition.state) for row in rows}
                ) == transitions else None
            rows = wait_until(final, WAIT_SECONDS, f"final rows of {transitions} transitions",
                              seen=lambda: list(client.joined_rows()))
        expected = collections.Counter(
            (AlertState.Name(row.transition.state), "Fault", row.query.name, row.match.value)
            for row in rows)

        def found():
            whole, _, _ = printed.read_text().rpartition("\n")
            words = [line.split(" ") for line in whole.splitlines()]
            return collections.Counter((state, alert, query, float(value))
                                       for state, alert, query, value in words)
        wait_for(expected, found, WAIT_SECONDS, "printed lines")


if __name__ == "__main__":
    unittest.main(verbosity=2)
