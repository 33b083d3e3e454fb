"""Both services and a client of the Python package, with alerts whose rows are known beforehand."""
import pathlib
import random
import shutil
import signal
import subprocess
import sys

import alertjoin
from alert_feed import find_faults, new_episode, now_ms
from fault_stack import FaultStack, notification
from support import wait_until

PROGRAM = pathlib.Path(sys.executable).parent / "alertjoin"  # the command line, as it is installed
WAIT_SECONDS = 30
FINAL_WITHIN_SECONDS = 60
LASTED_MS = 1500  # from the start of an episode to its end


class PackageStack(FaultStack):
    """Everything runs from the beginning. For a class of tests: PackageStack(of_class(cls))."""

    def __init__(self, test, seed=1):
        super().__init__(test, ingests=("one",))
        self.start_all()
        self.client = alertjoin.connect(self.address["grpc"])
        test.addCleanup(self.client.close)
        self.expected = {}  # the rows of all that was told, by key
        self._dice = random.Random(seed)

    def tell(self, episode, **labels):
        """Posts what has become of the episode, which has these labels besides."""
        alert = episode.as_alert()
        alert["labels"].update(labels)
        self.post_or_fail(notification([alert]))
        self.expected.update(episode.expected_rows())

    def tell_of_new(self, ended=True, began_ms=None, **labels):
        """Of an alert that fired some seconds ago, or then, and of its end. Returns its episode."""
        start_ms = began_ms or now_ms() - 5000 - self._dice.randrange(1000)
        episode = new_episode(self._dice, start_ms, measured=1)
        self.tell(episode, **labels)
        if ended:
            episode = episode.ended(start_ms + LASTED_MS)
            self.tell(episode, **labels)
        return episode

    def post_or_fail(self, body):
        status = self.post("one", body)
        if status != 200:
            raise AssertionError(f"answered {status}: {body}")

    def await_final(self):
        """Until everything told has its rows, each as it must be and final: they change no more.
        Returns them."""
        rows = []

        def faults():
            try:
                rows[:] = self.client.joined_rows()
            except alertjoin.AlertjoinError as error:
                if error.code != "UNAVAILABLE":  # as it is for a moment behind a restart
                    raise
                return [str(error)]
            return find_faults(rows, self.expected) + [
                f"not final: {row.row_id}" for row in rows if not row.final]
        wait_until(lambda: not faults(), FINAL_WITHIN_SECONDS,
                   f"{len(self.expected)} final rows",
                   seen=lambda: f"{len(rows)} rows: {faults()[:5]}")
        return list(rows)

    def lose_store(self):
        """The correlator is started again on an empty disk."""
        self.kill("correlator")
        shutil.rmtree(self.directory / "data")
        self.start("correlator")

    def restart(self, in_order=False):
        """The correlator is killed, or stopped in good order, and started again."""
        if in_order:
            self.signal("correlator", signal.SIGTERM)
            status = self.result_of("correlator")
            if status != 0:
                raise AssertionError(f"correlator-service ended with {status}")
        else:
            self.kill("correlator")
        self.start("correlator")

    def run_command(self, *arguments, status=0):
        """Runs `alertjoin`; what it printed, or its errors where it shall fail."""
        done = subprocess.run([PROGRAM, "--address", self.address["grpc"], *arguments],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != status:
            raise AssertionError(f"alertjoin {arguments} gave {done.returncode}: {done.stderr}")
        return done.stdout if status == 0 else done.stderr
