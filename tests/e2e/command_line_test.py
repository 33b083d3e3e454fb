"""How the command line `alertjoin` ends when something is wrong. Without services."""
import contextlib
import io
import socket
import unittest
from unittest import mock

from alertjoin import cli
from alertjoin.forward import Forwarder


def run(*arguments):
    """Returns the exit status, what it printed and what it said besides."""
    printed, said = io.StringIO(), io.StringIO()
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


if __name__ == "__main__":
    unittest.main()
