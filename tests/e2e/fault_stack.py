"""Both services, on data folders that survive their processes, next to a made-up Prometheus."""
import http.client
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import support
from process import Child, ProcessDied, stop_all
from stack import choose_ports, is_ready
from support import BINARIES, HERE, wait_until

READY_WITHIN_SECONDS = 30
ENDED_WITHIN_SECONDS = 30
ASKED_WITHIN_SECONDS = 300
SOURCE = "alertmanager"  # the alert source of all ingest instances
# Which alerts are joined with what: by the label `kind`, and by `instance` with their series.
BINDINGS = {"measured": ("load", "heat"), "lost": ("load",), "free": ()}

_INGEST = """
producer_id: {name}
correlator: {{address: "{uplink}"}}
http: {{listen_address: "{http}"}}
alert_sources: [{{name: alertmanager}}]
spool: {{path: "{directory}/{name}-spool"}}
"""
_METRICS = """
metrics_sources:
  - name: prometheus
    url: http://{prometheus}
    timeout: 5s
    settle_delay: {settle_delay}
    queries:
      - {{name: load, expr: load, interval: 1s}}
      - {{name: heat, expr: heat, interval: 2s}}
bindings:
"""


def _bindings():
    return "".join(f"  - {{match: 'kind=\"{kind}\"', query: {query}, on: [instance], "
                   f"tolerance: 30s}}\n" for kind, queries in BINDINGS.items() for query in queries)


class FaultStack:
    """One correlator and some instances of ingest-service, of one alert and one metrics source.

    Everything ends with the test. start and kill belong to the main thread.
    """
    PROMETHEUS = ("fake_prometheus.py",)  # the made-up one: its program and flags
    POLLS = True  # False: no metrics source and no binding

    def __init__(self, test, ingests=("one", "two"), prometheus=None, uplink=None,
                 settle_delay="1s"):
        """prometheus: address of one that is there already, None for an own one.
        uplink: where the ingests find the correlator, None for its own address."""
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="alertjoin-fault-"))
        test.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.ingests = tuple(ingests)
        ports = choose_ports(dict.fromkeys(["grpc", "correlator", "prometheus", *ingests], 0))
        self.address = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self.flags = {}  # Further ones of a service, by its name.
        self._children = {}
        test.addCleanup(self.stop)
        if prometheus is None:
            self._start_prometheus(ports["prometheus"])
        else:
            self.address["prometheus"] = prometheus
        self._write_configuration(uplink or self.address["grpc"], settle_delay)

    def _start_prometheus(self, port):
        program, *flags = self.PROMETHEUS
        argv = [sys.executable, str(HERE / program), "--port", str(port), *flags]
        self._children["prometheus"] = Child("prometheus", argv, self.directory / "prometheus.log")
        self.wait_until_ready("prometheus")

    def _write_configuration(self, uplink, settle_delay):
        (self.directory / "correlator.yml").write_text(
            f'grpc: {{listen_address: "{self.address["grpc"]}"}}\n'
            f'http: {{listen_address: "{self.address["correlator"]}"}}\n'
            f'data: {{path: "{self.directory}/data"}}\n', encoding="utf-8")
        for name in self.ingests:
            text = _INGEST.format(name=name, uplink=uplink, http=self.address[name],
                                  directory=self.directory)
            if self.POLLS:
                text += _METRICS.format(settle_delay=settle_delay,
                                        prometheus=self.address["prometheus"]) + _bindings()
            (self.directory / f"{name}.yml").write_text(text, encoding="utf-8")

    def start(self, *names, wait=True):
        """Starts "correlator" or an ingest; with `wait` until it is ready."""
        for name in names:
            service = "correlator-service" if name == "correlator" else "ingest-service"
            self._children[name] = Child(
                service, [str(BINARIES / service / service),
                          f"--config.file={self.directory / name}.yml",
                          *self.flags.get(name, ())],
                self.directory / f"{name}.log", directory=self.directory)
        for name in names if wait else ():
            self.wait_until_ready(name)

    def start_all(self):
        self.start("correlator", *self.ingests)

    def wait_until_ready(self, name):
        def ready():
            self._children[name].wait(0)
            return is_ready(self.address[name])
        wait_until(ready, READY_WITHIN_SECONDS, f"{name} is ready")

    def kill(self, name):
        """kill -9. Fails if the process had ended by itself."""
        child = self._children.pop(name)
        child.wait(0)
        child.send(signal.SIGKILL)
        child.result(ENDED_WITHIN_SECONDS)

    def signal(self, name, number):
        self._children[name].send(number)

    def pid_of(self, name):
        return self._children[name].pid

    def log_of(self, name):
        """What it has written so far."""
        return (self.directory / f"{name}.log").read_text(encoding="utf-8")

    def has_ended(self, name):
        """Whether the process has ended by itself; result_of tells how."""
        try:
            self._children[name].wait(0)
        except ProcessDied:
            return True
        return False

    def result_of(self, name):
        """Waits until the process has ended by itself. Returns its exit status."""
        try:
            return self._children[name].result(ENDED_WITHIN_SECONDS)
        finally:
            stop_all([self._children.pop(name)])

    def check(self):
        """Raises ProcessDied if any process has ended by itself."""
        for child in self._children.values():
            child.wait(0)

    def stop(self):
        """Ends everything in good order, readers of the correlator first. Exit statuses by name."""
        children, self._children = self._children, {}
        return {name: stop_all([children[name]], ENDED_WITHIN_SECONDS)[children[name].name]
                for name in (*self.ingests, "correlator", "prometheus") if name in children}

    def ask_correlator(self, command):
        """Runs the subcommand of the correlator, which is stopped, on its data.

        Returns the exit status, the lines, and what it said on standard error."""
        done = subprocess.run(
            [BINARIES / "correlator-service" / "correlator-service", command,
             f"--config.file={self.directory / 'correlator.yml'}"],
            cwd=self.directory, capture_output=True, text=True, check=False,
            timeout=ASKED_WITHIN_SECONDS)
        return done.returncode, done.stdout.splitlines(), done.stderr

    def post(self, ingest, body):
        """Sends a notification. Returns the HTTP status, None when the connection breaks."""
        connection = http.client.HTTPConnection(self.address[ingest], timeout=30)
        try:
            connection.request("POST", f"/webhook/{SOURCE}", body,
                               {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException):
            return None  # it was killed
        finally:
            connection.close()

    def alerts_waiting(self, ingest):
        """How many of the events that it has of alerts are not acknowledged by the correlator."""
        connection = http.client.HTTPConnection(self.address[ingest], timeout=30)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        return int(re.search(r'^alertjoin_spool_events\{lane="alerts"\} (\d+)$', text, re.M)[1])

    def rows(self, **arguments):
        """Every row that the correlator lists for these arguments, and its sequence."""
        with support.client.open_channel(self.address["grpc"]) as channel:
            rows, sequences = support.list_all_rows(
                stub=support.api().CorrelatorServiceStub(channel), **arguments)
            return rows, sequences[-1]


def notification(alerts):
    """What Alertmanager sends of these alerts, as text."""
    firing = any(alert["status"] == "firing" for alert in alerts)
    return json.dumps({
        "version": "4", "status": "firing" if firing else "resolved", "receiver": "alertjoin",
        "groupKey": "{}", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager", "truncatedAlerts": 0, "alerts": alerts})
