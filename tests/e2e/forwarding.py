"""`alertjoin forward` as tests run it."""
import pathlib
import subprocess
import tempfile

from package_stack import PROGRAM
from support import wait_until

WAIT_SECONDS = 60
TOKEN = "s3cr3t-t0k3n"


class Forwarding:
    """`alertjoin forward` as a process, with a state of its own."""

    def __init__(self, test, stack, *flags, target="sysdig", url="", token=TOKEN):
        self._folder = tempfile.TemporaryDirectory()
        test.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        self.token_file = self.folder / "token"
        self.token_file.write_text(token)
        self.log = self.folder / "log"
        self._command = [PROGRAM, "--address", stack.address["grpc"], "forward", "--target", target,
                         "--state-file", str(self.folder / "state"), *flags,
                         "--token-file", str(self.token_file), "--timeout", "500ms",
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

    def terminate(self):
        """Returns the exit status."""
        self._process.terminate()
        status = self._process.wait(10)
        self._process = None
        return status


def await_taken(target, count, what):
    """Waits until the target has taken so many requests."""
    wait_until(lambda: len(target.taken) >= count, WAIT_SECONDS, what, seen=target.bodies)


def events_of(target, number):
    """Those of this alert that it has taken."""
    return [body["event"] for body in target.bodies()
            if body["event"]["tags"]["number"] == number]
