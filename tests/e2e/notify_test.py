"""What systemd hears of the services: ready when they are, alive while they run, stopping when they
are asked to."""
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

from support import BINARIES
from stack import choose_ports

# So long that the few words that a socket holds are not used up while this test does not get to run:
# what the services then say is lost.
ALIVE_MICROSECONDS = 2_000_000
HEARD_WITHIN_SECONDS = 30

_CONFIGURATIONS = {
    "correlator": 'grpc: {{listen_address: "127.0.0.1:{grpc}"}}\n'
                  'http: {{listen_address: "127.0.0.1:{http}"}}\ndata: {{path: data}}\n',
    "ingest": 'correlator: {{address: "127.0.0.1:{grpc}"}}\n'
              'http: {{listen_address: "127.0.0.1:{http}"}}\nspool: {{path: spool}}\n'}


class NotifyTest(unittest.TestCase):
    def start(self, name):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.manager = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.manager.bind(f"{folder}/notify")
        self.manager.settimeout(HEARD_WITHIN_SECONDS)
        ports = choose_ports({"grpc": 0, "http": 0})
        self.http = f"127.0.0.1:{ports['http']}"
        with open(f"{folder}/{name}.yml", "w", encoding="utf-8") as file:
            file.write(_CONFIGURATIONS[name].format(**ports))
        log = self.enterContext(open(f"{folder}/log", "wb"))
        service = subprocess.Popen(
            [BINARIES / f"{name}-service" / f"{name}-service", f"--config.file={name}.yml"],
            cwd=folder, stdout=log, stderr=log,
            env={**os.environ, "NOTIFY_SOCKET": f"{folder}/notify",
                 "WATCHDOG_USEC": str(ALIVE_MICROSECONDS)})
        self.addCleanup(service.wait, HEARD_WITHIN_SECONDS)
        self.addCleanup(service.kill)
        return service

    def hear(self):
        try:
            return self.manager.recv(4096).decode()
        except TimeoutError:
            self.fail(f"nothing is heard for {HEARD_WITHIN_SECONDS} s")

    def test_both_services(self):
        for name in _CONFIGURATIONS:
            with self.subTest(name):
                service = self.start(name)
                self.assertEqual("READY=1", self.hear())
                with urllib.request.urlopen(f"http://{self.http}/-/ready",
                                            timeout=HEARD_WITHIN_SECONDS) as answer:
                    self.assertEqual(200, answer.status, "it said so too early")
                for _ in range(3):
                    self.assertEqual("WATCHDOG=1", self.hear())
                service.send_signal(signal.SIGTERM)
                deadline = time.monotonic() + HEARD_WITHIN_SECONDS
                heard = self.hear()
                while heard == "WATCHDOG=1" and time.monotonic() < deadline:
                    heard = self.hear()
                self.assertEqual("STOPPING=1", heard)
                self.assertEqual(0, service.wait(HEARD_WITHIN_SECONDS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
