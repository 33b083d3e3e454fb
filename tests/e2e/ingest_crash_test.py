"""kill -9 of ingest-service again and again, with the correlator absent and there: each alert whose
notification got 200 has its row, once."""
import http.client
import json
import os
import pathlib
import random
import signal
import shutil
import tempfile
import threading
import time
import unittest

import support
from process import Child, stop_all
from stack import choose_ports, is_ready
from support import BINARIES, wait_until

CYCLES = int(os.environ.get("ALERTJOIN_TEST_KILLS", "12"))
SENDERS = 4


def notification(name):
    alert = {"status": "firing", "labels": {"alertname": name}, "annotations": {},
             "startsAt": "2026-03-01T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
             "generatorURL": ""}
    return json.dumps({"version": "4", "status": "firing", "receiver": "r", "groupKey": "{}",
                       "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
                       "externalURL": "", "truncatedAlerts": 0, "alerts": [alert]})


class IngestCrashTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="alertjoin-crash-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        ports = choose_ports(dict.fromkeys(["grpc", "correlator", "ingest"], 0))
        self.address = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        (self.directory / "correlator.yml").write_text(
            f'grpc: {{listen_address: "{self.address["grpc"]}"}}\n'
            f'http: {{listen_address: "{self.address["correlator"]}"}}\n'
            f'data: {{path: "{self.directory}/data"}}\n', encoding="utf-8")
        (self.directory / "ingest.yml").write_text(
            f'producer_id: crash\ncorrelator: {{address: "{self.address["grpc"]}"}}\n'
            f'http: {{listen_address: "{self.address["ingest"]}"}}\n'
            f'spool: {{path: "{self.directory}/spool"}}\n', encoding="utf-8")
        self.children = []
        self.addCleanup(lambda: stop_all(self.children))
        self.seed = int(os.environ.get("ALERTJOIN_TEST_SEED", random.randrange(1 << 32)))
        self.random = random.Random(self.seed)
        self.kept, self.sent = set(), 0
        self.lock = threading.Lock()
        self.done = threading.Event()

    def start(self, service, name):
        child = Child(service, [str(BINARIES / service / service),
                                f"--config.file={self.directory / name}.yml"],
                      self.directory / f"{name}.log", directory=self.directory)
        self.children.append(child)
        wait_until(lambda: is_ready(self.address[name]), 20, f"{service} is ready")
        return child

    def send_until_done(self):
        """Sends alerts of its own, each until it is taken, as Alertmanager would."""
        while not self.done.is_set():
            with self.lock:
                self.sent += 1
                name = f"A{self.sent}"
            while not self.done.is_set():
                if self.post(name) == 200:
                    with self.lock:
                        self.kept.add(name)
                    break
                time.sleep(0.01)

    def post(self, name):
        connection = http.client.HTTPConnection(self.address["ingest"], timeout=5)
        try:
            connection.request("POST", "/webhook", notification(name),
                               {"Content-Type": "application/json"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None  # it was killed
        finally:
            connection.close()

    def row_names(self):
        api = support.api()
        with support.client.open_channel(self.address["grpc"]) as channel:
            stub = api.CorrelatorServiceStub(channel)
            names, token = [], ""
            while True:
                response = stub.ListJoinedRows(
                    api.ListJoinedRowsRequest(page_size=1000, page_token=token), timeout=10)
                names += [row.transition.alert_name for row in response.rows]
                token = response.next_page_token
                if not token:
                    return names

    def test_what_got_200_is_in_the_rows_once(self):
        print(f"ALERTJOIN_TEST_SEED={self.seed}")
        support.stubs_directory()
        ingest = self.start("ingest-service", "ingest")
        senders = [threading.Thread(target=self.send_until_done) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        self.addCleanup(self.done.set)
        for cycle in range(CYCLES):
            before = len(self.kept)
            wait_until(lambda: len(self.kept) >= before + self.random.randrange(1, 40), 30,
                       "alerts are taken")
            if cycle == CYCLES // 2:
                self.start("correlator-service", "correlator")
            ingest.send(signal.SIGKILL)
            ingest.result()
            self.children.remove(ingest)
            ingest = self.start("ingest-service", "ingest")
        self.done.set()
        for sender in senders:
            sender.join()
        self.assertGreater(len(self.kept), CYCLES)
        wait_until(lambda: self.kept <= set(self.row_names()), 30, "every alert kept has its row")
        names = self.row_names()
        self.assertEqual(len(names), len(set(names)), f"a row twice, seed {self.seed}")
        # The end in good order: all is handed over, and the exit status says so.
        self.children.remove(ingest)
        self.assertEqual(0, stop_all([ingest])["ingest-service"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
