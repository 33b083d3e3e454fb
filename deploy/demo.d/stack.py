"""The whole path on loopback: demo target, Prometheus, Alertmanager and both services.

    with Stack(binaries) as stack:
        print(stack.addresses["correlator_grpc"])

Used by the demo and by the end-to-end tests.
"""
import http.client
import os
import pathlib
import random
import shutil
import socket
import string
import sys
import tempfile
import time

from process import Child, ProcessDied, stop_all

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = HERE / "config"
READY_WITHIN_SECONDS = 30

PREFERRED_PORTS = {
    "prometheus": 9090,
    "alertmanager": 9093,
    "correlator_grpc": 9750,
    "correlator_http": 9751,
    "ingest_http": 9752,
    "target": 9753,
}


class StackError(Exception):
    """The stack could not be started. The message says why."""


def choose_ports(preferred):
    """A free loopback port for each name: the preferred one if it is free (0: no preference).
    One without a preference is given to no other process by this function while this one lives."""
    held = {}
    try:
        for name, port in preferred.items():
            held[name] = _listen(port) if port else None
            while held[name] is None:
                # Below the range from which the kernel takes ports for outgoing connections.
                port = random.randrange(20000, 32000)
                held[name] = _listen(port) if _reserve(port) else None
        return {name: listener.getsockname()[1] for name, listener in held.items()}
    finally:
        for listener in held.values():
            if listener is not None:
                listener.close()


def _reserve(port):
    """Whether nobody has reserved the port: who did may listen there later, or now and then."""
    mark = socket.socket(socket.AF_UNIX)
    try:
        # In no folder: the kernel forgets the name with this process.
        mark.bind(f"\0alertjoin-port-{port}")
    except OSError:
        mark.close()
        return False
    mark.detach()
    return True


def _listen(port):
    """A socket that listens on the port, or None when the port is taken."""
    listener = socket.socket()
    # What Go and gRPC do too: a port whose last connections linger counts as free.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        return None
    return listener


def is_ready(address):
    """Whether GET /-/ready at this address answers 200."""
    return _answers_200(address, "/-/ready", timeout_seconds=2)


def serves_page(address):
    """Whether the correlator at this address was built with the live page."""
    return _answers_200(address, "/", timeout_seconds=10)


def _answers_200(address, path, timeout_seconds):
    """Whether GET of the path does; what answers nothing in this time, or no HTTP, does not."""
    connection = http.client.HTTPConnection(address, timeout=timeout_seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Stack:
    """Starts everything on entry, stops everything on exit, however it comes to that."""

    def __init__(self, binaries, *, ports=PREFERRED_PORTS, period_seconds=25, scrape_interval="2s",
                 settle_delay="4s", rules=CONFIG / "rules.yml", ingest=CONFIG / "ingest.yml",
                 prometheus=CONFIG / "prometheus.yml", prometheus_flags=()):
        """binaries: a CMake build folder. rules, ingest, prometheus: configuration files for other
        uses, and further flags."""
        self.addresses = {}
        self.children = []
        self.exit_statuses = {}
        self.directory = None
        self._binaries = pathlib.Path(binaries).resolve()
        self._ports = ports
        self._period_seconds = period_seconds
        self._prometheus_flags = prometheus_flags
        self._templates = {"prometheus": pathlib.Path(prometheus),
                           "alertmanager": CONFIG / "alertmanager.yml",
                           "correlator": CONFIG / "correlator.yml",
                           "ingest": pathlib.Path(ingest)}
        self._rules = pathlib.Path(rules)
        self._settings = {"scrape_interval": scrape_interval, "scrape_timeout": "1s",
                          "settle_delay": settle_delay}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def check(self, seconds=0):
        """Raises ProcessDied if any process has ended by itself, or does within these seconds."""
        for child in self.children:
            child.wait(seconds / len(self.children))

    def stop_one(self, name):
        """Ends one process before the others, on purpose. Returns its exit status."""
        child = next(child for child in self.children if child.name == name)
        self.children.remove(child)
        self.exit_statuses |= stop_all([child])
        return self.exit_statuses[name]

    def stop(self):
        """Ends all processes and removes their files. Harmless when called again."""
        self.exit_statuses |= stop_all(self.children)
        self.children = []
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def _start(self):
        programs = self._find_programs()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="alertjoin-demo-"))
        self.addresses = {name: f"127.0.0.1:{port}"
                          for name, port in choose_ports(self._ports).items()}
        files = self._write_configuration()
        at, data = self.addresses, self.directory / "data"
        commands = [
            ("target", at["target"],
             [sys.executable, str(HERE / "demo_target.py"), "--port", at["target"].split(":")[1],
              "--period", str(self._period_seconds)]),
            ("correlator-service", at["correlator_http"],
             [programs["correlator-service"], f"--config.file={files['correlator']}"]),
            ("ingest-service", at["ingest_http"],
             [programs["ingest-service"], f"--config.file={files['ingest']}"]),
            ("alertmanager", at["alertmanager"],
             [programs["prometheus-alertmanager"], f"--config.file={files['alertmanager']}",
              f"--storage.path={data / 'alertmanager'}", "--cluster.listen-address=",
              f"--web.listen-address={at['alertmanager']}"]),
            ("prometheus", at["prometheus"],
             [programs["prometheus"], f"--config.file={files['prometheus']}",
              f"--storage.tsdb.path={data / 'prometheus'}",
              f"--web.listen-address={at['prometheus']}",
              f"--web.external-url=http://{at['prometheus']}", *self._prometheus_flags]),
        ]
        for name, _, argv in commands:
            log = self.directory / f"{name}.log"
            self.children.append(Child(name, argv, log, directory=self.directory))
        self._wait_until_ready([address for _, address, _ in commands])

    def _find_programs(self):
        programs = {name: shutil.which(name) for name in ("prometheus", "prometheus-alertmanager")}
        for name in ("correlator-service", "ingest-service"):
            path = self._binaries / name / name
            programs[name] = str(path) if os.access(path, os.X_OK) else None
        absent = [name for name, path in programs.items() if path is None]
        if absent:
            raise StackError(f"not found: {', '.join(absent)} (services are looked for in "
                             f"{self._binaries}, the others on PATH)")
        return programs

    def _write_configuration(self):
        """Fills in the templates. Returns the paths of the files by name."""
        rules = self.directory / "rules.yml"
        shutil.copyfile(self._rules, rules)
        values = {**self.addresses, **self._settings, "rules": rules,
                  "spool": self.directory / "spool", "data": self.directory / "data"}
        files = {}
        for name, template in self._templates.items():
            files[name] = self.directory / f"{name}.yml"
            text = template.read_text(encoding="utf-8")
            files[name].write_text(string.Template(text).substitute(values), encoding="utf-8")
        return files

    def _wait_until_ready(self, addresses):
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        for child, address in zip(self.children, addresses):
            while not is_ready(address):
                if time.monotonic() > deadline:
                    raise StackError(f"{child.name} is not ready at http://{address}/-/ready after "
                                     f"{READY_WITHIN_SECONDS} s; the end of its log:\n"
                                     f"{child.log_tail()}")
                child.wait(0.05)
        self.check()


__all__ = ["PREFERRED_PORTS", "ProcessDied", "Stack", "StackError", "choose_ports", "serves_page"]
