"""Both services, scraped by a real Prometheus that evaluates the alerts shipped with them."""
import base64
import crypt
import http.client
import http.server
import json
import re
import signal
import threading
import time
import urllib.parse

import yaml

from fault_stack import FaultStack
from process import Child
from stack import choose_ports
from support import REPOSITORY

SHIPPED = REPOSITORY / "deploy" / "prometheus"
# A minute and a half of the shipped rules is a second here.
QUICKER = 90
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([smhd])")
# Where a PromQL expression has durations: its ranges and offsets.
_IN_EXPRESSION = re.compile(r"(?<=\[)\w+(?=\])|(?<=offset )\w+")

PASSWORD = "the right one"

# Security files: everyone may do everything; none but the observer may; none at all.
OPEN = "http_server_config: {headers: {X-Frame-Options: deny}}\n"
CLOSED = ("basic_auth_users:\n  observer: \""
          + crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)) + "\"\n")
FAULTY = "basic_auth_users: [\n"


_INGEST = """
producer_id: one
correlator: {{address: "{grpc}"}}
http: {{listen_address: "{one}"}}
alert_sources:
  - {{name: alertmanager, heartbeat: {{match: alertname=Heart, max_age: 5s}}}}
  - {{name: guarded, basic_auth: {{username: sender, password: {password}}}}}
spool: {{path: "{directory}/one-spool"}}
reconcile: {{interval: 2s, lookback: 1m}}
metrics_sources:
  - name: prometheus
    url: http://{prometheus}
    timeout: 5s
    settle_delay: 1s
    reconcile: false
    queries:
      - {{name: load, expr: load, interval: 1s}}
  - {{name: observer, url: "http://{observer}", settle_delay: 1s, learn: {{poll: always, refresh: 5s}}}}
  - name: refusing
    url: http://{refusing}
    queries: [{{name: load, expr: load, interval: 1s}}]
    reconcile: false
grafana_sources:
  - {{name: grafana, url: "http://{refusing}/", interval: 1s}}
bindings:
  - {{match: 'kind="measured"', query: load, source: prometheus, on: [instance]}}
"""

_PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{directory}/alerts.yml"]
scrape_configs:
  - job_name: alertjoin-ingest
    basic_auth: {{username: observer, password: {password}}}
    static_configs: [{{targets: ["{one}"]}}]
  - job_name: alertjoin-correlator
    static_configs: [{{targets: ["{correlator}"]}}]
"""


def quickened(duration):
    """A duration of the shipped rules as it is here, of whole milliseconds."""
    seconds = sum(int(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION.findall(duration))
    return f"{seconds * 1000 // QUICKER}ms"


def quickened_rules(text):
    """The shipped alerts with every `for`, range and offset divided by QUICKER. All else is as it is:
    expressions, thresholds, labels, annotations."""
    rules = yaml.safe_load(text)
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = quickened(rule["for"])
            rule["expr"] = _IN_EXPRESSION.sub(lambda found: quickened(found[0]), rule["expr"])
    return yaml.safe_dump(rules)


class _Refusing(http.server.BaseHTTPRequestHandler):
    """Answers 401 to everything, from a clock that is an hour ahead."""

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + 3600)

    def log_message(self, *_):
        pass


class ObservedStack(FaultStack):
    """The services, a made-up Prometheus, a server that refuses us, and the observer."""

    def __init__(self, test):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        test.addCleanup(self._server.server_close)
        test.addCleanup(self._server.shutdown)
        self._configuration = {}  # As it was at first, of those that were reloaded.
        super().__init__(test, ingests=("one",))

    def _write_configuration(self, uplink, settle_delay):
        self.address["observer"] = f"127.0.0.1:{choose_ports({'observer': 0})['observer']}"
        self.address["refusing"] = f"127.0.0.1:{self._server.server_port}"
        super()._write_configuration(uplink, settle_delay)
        values = {**self.address, "directory": self.directory, "password": PASSWORD}
        (self.directory / "one.yml").write_text(_INGEST.format(**values), encoding="utf-8")
        (self.directory / "observer.yml").write_text(_PROMETHEUS.format(**values),
                                                     encoding="utf-8")
        self.write_security_file(OPEN)
        self.flags["one"] = [f"--web.config.file={self.directory}/web.yml"]
        shipped = (SHIPPED / "alerts.yml").read_text(encoding="utf-8")
        (self.directory / "alerts.yml").write_text(quickened_rules(shipped), encoding="utf-8")

    def write_security_file(self, text):
        """Of the HTTP listener of ingest-service; it is read again soon."""
        new = self.directory / "web.yml.new"
        new.write_text(text, encoding="utf-8")
        new.rename(self.directory / "web.yml")

    def reload(self, name, more=""):
        """Has a service read its configuration again, as it was at the start and with this added."""
        path = self.directory / f"{name}.yml"
        self._configuration.setdefault(name, path.read_text(encoding="utf-8"))
        path.write_text(self._configuration[name] + more, encoding="utf-8")
        self._children[name].send(signal.SIGHUP)

    def start_observer(self):
        """From now on the services are scraped."""
        self._children["observer"] = Child(
            "prometheus",
            ["prometheus", f"--config.file={self.directory}/observer.yml",
             f"--storage.tsdb.path={self.directory}/observer",
             f"--web.listen-address={self.address['observer']}",
             f"--web.external-url=http://{self.address['observer']}"],
            self.directory / "observer.log", directory=self.directory)
        self.wait_until_ready("observer")

    def start_made_up_prometheus(self):
        """Again, at the address that it had."""
        self._start_prometheus(self.address["prometheus"].split(":")[1])

    def stop(self):
        children = {name: self._children.pop(name) for name in ("observer",)
                    if name in self._children}
        for child in children.values():
            child.send(15)
            child.finish(10)
        return super().stop()

    def observe(self, path, **parameters):
        """The data of an answer of the observer's API."""
        form = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        connection = http.client.HTTPConnection(self.address["observer"], timeout=10)
        try:
            connection.request("GET", f"/api/v1/{path}{form}")
            return json.loads(connection.getresponse().read())["data"]
        finally:
            connection.close()

    def targets(self):
        """The health of each scraped job."""
        return {target["labels"]["job"]: target["health"]
                for target in self.observe("targets")["activeTargets"]}

    def post_to(self, path, body):
        """The HTTP status of a notification for another alert source."""
        connection = http.client.HTTPConnection(self.address["one"], timeout=10)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def exposition(self, name):
        """/metrics of a service, as text, by the observer's password."""
        password = base64.b64encode(f"observer:{PASSWORD}".encode()).decode()
        connection = http.client.HTTPConnection(self.address[name], timeout=10)
        try:
            connection.request("GET", "/metrics", headers={"Authorization": f"Basic {password}"})
            return connection.getresponse().read().decode()
        finally:
            connection.close()
