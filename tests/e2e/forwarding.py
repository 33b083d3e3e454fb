"""`alertjoin forward` as tests run it."""
import pathlib
import re
import subprocess
import tempfile
import urllib.request

from package_stack import PROGRAM
from support import REPOSITORY, wait_until

WAIT_SECONDS = 60
TOKEN = "s3cr3t-t0k3n"


def documented_configurations():
    """Those that the README of the package shows."""
    readme = (REPOSITORY / "proto" / "python" / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```toml\n(.*?)^```$", readme, re.M | re.S)


class Forwarding:
    """`alertjoin forward` as a process, with a state of its own."""

    def __init__(self, test, stack, *flags, target="sysdig", url="", token=TOKEN, timeout="30s"):
        """timeout: how long it waits for the target. What is answered later is sent twice."""
        self._folder = tempfile.TemporaryDirectory()
        test.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        self.token_file = self.folder / "token"
        self.token_file.write_text(token)
        self.log = self.folder / "log"
        self._command = [PROGRAM, "--address", stack.address["grpc"], "forward", "--target", target,
                         "--state-file", str(self.folder / "state"), *flags,
                         "--token-file", str(self.token_file), "--timeout", timeout,
                         "--retry-first", "20ms", "--retry-max", "200ms"]
        if url:
            self._command += ["--url", url]
        self._process = None
        test.addCleanup(self.kill)

    def start(self):
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def run(self, status=0):
        """To its end; returns what it printed and what it logged."""
        done = subprocess.run(self._command, capture_output=True, text=True, timeout=WAIT_SECONDS)
        if done.returncode != status:
            raise AssertionError(f"ended with {done.returncode}: {done.stderr}")
        return done.stdout, done.stderr

    def wait_for_log(self, text):
        """Waits until it is logged."""
        wait_until(lambda: text in self.log.read_text(), WAIT_SECONDS, f"{text!r} is logged",
                   seen=self.log.read_text)

    def metrics(self):
        """What it says of itself, as text, if it is started with --metrics-address 127.0.0.1:0."""
        port = wait_until(lambda: re.search("metrics_port=([0-9]+)", self.log.read_text()),
                          WAIT_SECONDS, "the metrics' port", seen=self.log.read_text)[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return answer.read().decode()

    def wait_until_noted(self):
        """Waits until it would know after a kill what it has sent. See metrics()."""
        def noted():
            text = self.metrics()
            at = {name: float(found[1]) for name in ("sent", "message") if (found := re.search(
                rf"^alertjoin_forward_last_{name}_timestamp_seconds (\S+)$", text, re.M))}
            # The message is over with which it came: all that was to be noted for it is.
            return "sent" in at and at.get("message", 0) > at["sent"]
        wait_until(noted, WAIT_SECONDS, "what was sent is noted", seen=self.metrics)

    def terminate(self):
        """Returns the exit status."""
        self._process.terminate()
        status = self._process.wait(WAIT_SECONDS)
        self._process = None
        return status


def await_taken(target, count, what):
    """Waits until the target has taken so many requests."""
    wait_until(lambda: len(target.taken) >= count, WAIT_SECONDS, what, seen=target.bodies)


def events_of(target, number):
    """Those of this alert that it has taken."""
    return [body["event"] for body in target.bodies()
            if body["event"]["tags"]["number"] == number]
