"""Real Prometheus and Alertmanager and both services, with alerts that fire when the test says so;
every part can be ended and started again on what it left on its disk. Beside that Prometheus there
is a second metrics source: one that takes connections and never answers, or its twin."""
import http.client
import http.server
import json
import pathlib
import shutil
import signal
import socket
import tempfile
import threading
import time

import support
from process import Child, stop_all
from stack import choose_ports, is_ready
from support import BINARIES, wait_until

SOURCE = "alertmanager"
READY_WITHIN_SECONDS = 30

# `Always` shows when the rules were evaluated, and fires all the time.
_RULES = """
groups:
  - name: signals
    interval: 1s
    rules:
      - {alert: Always, expr: vector(1)}
      - alert: Plain
        expr: signal{sort="plain"} > 0
        labels: {severity: page, internal: "1"}
        annotations: {value: '{{ $value }}'}
      - alert: Held
        expr: signal{sort="held"} > 0
        for: 3s
        labels: {severity: ticket}
"""

_PROMETHEUS = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
  external_labels: {{cluster: east, replica: {replica}}}
rule_files: ["{directory}/rules.yml"]
scrape_configs:
  - job_name: target
    honor_labels: false
    static_configs: [{{targets: ["{target}"]}}]
alerting:
  alert_relabel_configs:
    - {{regex: "replica|internal", action: labeldrop}}
    - {{source_labels: [severity, cluster], separator: "/", target_label: route}}
    - {{source_labels: [name], regex: "(.)(.*)", target_label: initial, replacement: "${{1}}"}}
  alertmanagers:
    - static_configs: [{{targets: ["{alertmanager}"]}}]
"""

_ALERTMANAGER = """
route:
  receiver: alertjoin
  group_by: [alertname, group]
  group_wait: 3s
  group_interval: 8s
  repeat_interval: 1h
inhibit_rules:
  - {{source_matchers: [name="inhibitor"], target_matchers: [name="inhibited"]}}
receivers:
  - name: alertjoin
    webhook_configs:
      - {{url: "http://{ingest}/webhook/alertmanager", max_alerts: 3}}
"""

_CORRELATOR = """
grpc: {{listen_address: "{grpc}"}}
http: {{listen_address: "{correlator}"}}
data: {{path: "{directory}/data"}}
"""

_INGEST = """
producer_id: one
correlator: {{address: "{grpc}"}}
http: {{listen_address: "{ingest}"}}
spool: {{path: "{directory}/spool"}}
reconcile: {{interval: 1s, wait: 3s, lookback: 10m}}
metrics_sources:
  - name: prometheus
    url: http://{prometheus}
    settle_delay: 2s
  - {second}
"""

_SECOND = {"hung": '{{name: hung, url: "http://{hung}", timeout: 25s, settle_delay: 2s}}',
           "twin": '{{name: twin, url: "http://{twin}", settle_delay: 2s}}'}


class Signals:
    """A scraped target whose series are switched on and off."""

    def __init__(self, port):
        self._on = {}
        self._lock = threading.Lock()
        signals = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = signals.text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def set(self, value, *names, sort="plain", group="main"):
        with self._lock:
            for name in names:
                self._on[sort, group, name] = value

    def text(self):
        with self._lock:
            return "".join(f'signal{{sort="{sort}",group="{group}",name="{name}"}} {value}\n'
                           for (sort, group, name), value in self._on.items())

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Hung:
    """Takes every connection, and says nothing."""

    def __init__(self, port):
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._taken = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while True:
            try:
                self._taken.append(self._listener.accept()[0])
            except OSError:  # Closed.
                return

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._taken:
            connection.close()


class ReconcileStack:
    """Starts everything. start, kill and stop belong to the main thread."""

    NAMES = ("prometheus", "twin", "alertmanager", "grpc", "correlator", "ingest", "target", "hung")

    def __init__(self, add_cleanup, second="hung"):
        """`second`: the other metrics source, `hung` or `twin`, a Prometheus with the same rules."""
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="alertjoin-reconcile-"))
        add_cleanup(shutil.rmtree, self.directory, ignore_errors=True)
        ports = choose_ports(dict.fromkeys(self.NAMES, 0))
        self.address = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        values = {**self.address, "directory": self.directory, "second": _SECOND[second].format(
            **self.address)}
        for name, text in (("rules", _RULES),
                           ("prometheus", _PROMETHEUS.format(**values, replica="r1")),
                           ("twin", _PROMETHEUS.format(**values, replica="r2")),
                           ("alertmanager", _ALERTMANAGER.format(**values)),
                           ("correlator-service", _CORRELATOR.format(**values)),
                           ("ingest-service", _INGEST.format(**values))):
            (self.directory / f"{name}.yml").write_text(text, encoding="utf-8")
        self.signals = Signals(ports["target"])
        add_cleanup(self.signals.close)
        add_cleanup(Hung(ports["hung"]).close)
        self._children = {}
        add_cleanup(self.stop)

    def _command(self, name):
        config = f"--config.file={self.directory / name}.yml"
        at = self.address
        if name in ("prometheus", "twin"):
            return [shutil.which("prometheus"), config,
                    f"--storage.tsdb.path={self.directory / name}-data",
                    f"--web.listen-address={at[name]}", f"--web.external-url=http://{at[name]}"]
        if name == "alertmanager":
            return [shutil.which("prometheus-alertmanager"), config, "--cluster.listen-address=",
                    f"--storage.path={self.directory / 'alertmanager'}",
                    f"--web.listen-address={at['alertmanager']}"]
        return [str(BINARIES / name / name), config]

    def _ready_address(self, name):
        return self.address[name.removesuffix("-service")]

    def start(self, *names):
        for name in names:
            self._children[name] = Child(name, self._command(name),
                                         self.directory / f"{name}.log", directory=self.directory)
        for name in names:
            def ready(name=name):
                self._children[name].wait(0)
                return is_ready(self._ready_address(name))
            wait_until(ready, READY_WITHIN_SECONDS, f"{name} is ready")

    def kill(self, name):
        """kill -9."""
        child = self._children.pop(name)
        child.wait(0)
        child.send(signal.SIGKILL)
        child.result(READY_WITHIN_SECONDS)

    def end(self, name):
        """SIGTERM. Returns the exit status."""
        return stop_all([self._children.pop(name)])[name]

    def forget_notifications(self):
        """Alertmanager's memory of what it has sent. It must not run."""
        shutil.rmtree(self.directory / "alertmanager", ignore_errors=True)

    def stop(self):
        children, self._children = self._children, {}
        stop_all(list(children.values()))

    def check(self):
        for child in self._children.values():
            child.wait(0)

    def ask(self, name, method, path, body=None):
        connection = http.client.HTTPConnection(self.address[name], timeout=10)
        try:
            kind = "application/json" if isinstance(body, str) else None
            connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            response = connection.getresponse()
            text = response.read().decode()
            if response.status != 200:
                raise AssertionError(f"{method} {path}: {response.status}: {text}")
            return text
        finally:
            connection.close()

    def silence(self, name):
        """Silences the alerts of one signal."""
        now = time.time()
        stamp = "%Y-%m-%dT%H:%M:%SZ"
        self.ask("alertmanager", "POST", "/api/v2/silences", json.dumps({
            "matchers": [{"name": "name", "value": name, "isRegex": False, "isEqual": True}],
            "startsAt": time.strftime(stamp, time.gmtime(now - 5)),
            "endsAt": time.strftime(stamp, time.gmtime(now + 3600)),
            "createdBy": "test", "comment": "test"}))

    def metric(self, name, **labels):
        """The value of one of ingest-service's metrics; 0 when it is not there."""
        for line in self.ask("ingest", "GET", "/metrics").splitlines():
            head, _, value = line.rpartition(" ")
            if head.split("{")[0] == name and all(f'{k}="{v}"' in head for k, v in labels.items()):
                return float(value)
        return 0.0

    def sources(self):
        """The health of each source, by its name."""
        with support.client.open_channel(self.address["grpc"]) as channel:
            stub = support.api().CorrelatorServiceStub(channel)
            answer = stub.ListSources(support.api().ListSourcesRequest(), timeout=10)
            return {source.source: source.health for source in answer.sources}

    def rows(self):
        with support.client.open_channel(self.address["grpc"]) as channel:
            rows, _ = support.list_all_rows(stub=support.api().CorrelatorServiceStub(channel))
            return rows
