"""Child processes that are always ended by, and never outlive, the process that started them."""
import ctypes
import os
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class ProcessDied(Exception):
    """A process that should run has ended. The message has the end of its log."""


def _end_with_parent(parent):
    """For preexec_fn: the kernel kills the child when `parent` is gone, kill -9 included."""

    def set_death_signal():
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it went before the line above
            os._exit(1)

    return set_death_signal


class Child:
    """One process, in a process group of its own so that Ctrl-C reaches only the starter.

    Start it on the main thread: the kernel ties its life to the thread that started it.
    """

    def __init__(self, name, argv, log_path=None, directory=None):
        """What it writes goes to the log, or to our standard error when there is none."""
        self.name = name
        self.log_path = log_path
        environment = {key: value for key, value in os.environ.items()
                       if key.lower() not in ("http_proxy", "https_proxy", "all_proxy")}
        with open(log_path or sys.stderr.fileno(), "ab", closefd=bool(log_path)) as log:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=directory, env=environment, process_group=0,
                preexec_fn=_end_with_parent(os.getpid()))

    @property
    def pid(self):
        return self._process.pid

    def wait(self, seconds):
        """Waits that long, and raises ProcessDied as soon as the process ends."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        raise ProcessDied(f"{self.name} ended by itself ({describe_status(status)}); "
                          f"the end of its log:\n{self.log_tail()}")

    def result(self, seconds=None):
        """Waits for the end. Returns the exit status. Raises TimeoutError when it does not come in
        that time."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} has not ended within {seconds} s; the end of its log:\n"
                               f"{self.log_tail()}") from None

    def send(self, signal_number):
        """Sends a signal to the whole group, if there still is one."""
        try:
            os.killpg(self.pid, signal_number)
        except ProcessLookupError:
            pass

    def finish(self, seconds):
        """Waits for the end after SIGTERM was sent, kills what is left. Returns the exit status."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        self.send(signal.SIGKILL)
        return self._process.wait()

    def log_tail(self, lines=15):
        """The last lines of what the process wrote."""
        with open(self.log_path, "rb") as log:
            log.seek(max(0, os.path.getsize(self.log_path) - 64 * 1024))
            text = log.read().decode(errors="backslashreplace")
        return "\n".join("    " + line for line in text.splitlines()[-lines:]) or "    (empty)"


def describe_status(status):
    """Popen's return code in words."""
    if status >= 0:
        return f"exit status {status}"
    return f"killed by {signal.Signals(-status).name}"


def stop_all(children, seconds=30):
    """Ends all of them, the last one first, and returns their exit statuses by name."""
    statuses = {}
    for child in reversed(children):
        child.send(signal.SIGTERM)
        statuses[child.name] = child.finish(seconds)
    return statuses
