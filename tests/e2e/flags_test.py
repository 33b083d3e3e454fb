"""Both services take the flags and subcommands that Prometheus has, in the same way."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from support import BINARIES, HERE, wait_until  # first: it tells where the others are
from process import Child, stop_all
from stack import choose_ports, is_ready

SERVICES = ("correlator-service", "ingest-service")
# A fault in the third line, seventh column.
FAULTY = {"correlator-service": "grpc:\n  listen_address: a\nlimits: {serie: 1}\n",
          "ingest-service": "http:\n  listen_address: a\nspool: {bytes: 1}\n"}
SHOWN = {"correlator-service": ("listen_address: 127.0.0.1:9750", "rows: 12w6d"),
         "ingest-service": ("listen_address: 127.0.0.1:9752", "alert_bytes_max: 256MiB")}
WITHIN_SECONDS = 60


class ConfigTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="alertjoin-flags-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_service(self, service, *arguments):
        return subprocess.run([str(BINARIES / service / service), *arguments], capture_output=True,
                              text=True, timeout=WITHIN_SECONDS, check=False, cwd=self.folder)

    def write(self, text, name="config.yml"):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return f"--config.file={path}"


class FlagsTest(ConfigTest):
    def each_service(self):
        for service in SERVICES:
            with self.subTest(service):
                yield service

    def test_version_has_the_form_of_prometheus(self):
        for service in self.each_service():
            result = self.run_service(service, "--version")
            self.assertEqual(result.returncode, 0, result.stderr)
            first, *rest = result.stdout.splitlines()
            self.assertRegex(first, rf"^{service}, version \d+\.\d+\.\d+ "
                                    r"\(branch: \S+, revision: \S+\)$")
            self.assertEqual([line.split(":")[0].strip() for line in rest],
                             ["build date", "compiler", "platform"])

    def test_help_names_every_flag_and_subcommand(self):
        for service in self.each_service():
            result = self.run_service(service, "--help")
            self.assertEqual(result.returncode, 0, result.stderr)
            for word in ("--config.file", "--log.level", "--log.format", "--version",
                         "check-config", "print-config"):
                self.assertIn(word, result.stdout)
            self.assertIn("--online", self.run_service(service, "check-config", "--help").stdout)

    def test_unknown_flags_and_values_are_errors(self):
        for service in self.each_service():
            config = self.write("")
            for arguments in (["--log.levle=info"], ["--log.level=loud"], ["--log.format=xml"],
                              ["check-config", "--onlin"], ["print-confg"], ["stray"]):
                result = self.run_service(service, config, *arguments)
                self.assertEqual(result.returncode, 2, (arguments, result))
                self.assertIn(arguments[-1].partition("=")[0], result.stderr)
            self.assertEqual(self.run_service(service).returncode, 2)

    def test_check_config_tells_by_its_status(self):
        for service in self.each_service():
            config = self.write("")
            result = self.run_service(service, "check-config", config)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertTrue(result.stdout.endswith("config.yml: OK\n"), result.stdout)
            result = self.run_service(service, "check-config", self.write(FAULTY[service]))
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertRegex(result.stderr, r"config\.yml:3:\d+: unknown key")

    def test_print_config_fills_in_the_defaults_and_reads_the_same(self):
        for service in self.each_service():
            shown = self.run_service(service, "print-config", self.write("")).stdout
            for line in SHOWN[service]:
                self.assertIn(line, shown)
            again = self.run_service(service, "print-config", self.write(shown)).stdout
            self.assertEqual(again, shown)
            result = self.run_service(service, "print-config", self.write(FAULTY[service]))
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("config.yml:3:", result.stderr)

    def test_logs_are_records_of_the_chosen_format(self):
        for service in self.each_service():
            config = self.write('http: {listen_address: "no \\n \\" port"}\n')
            lines = self.run_service(service, config, "--log.format=json").stderr.splitlines()
            self.assertTrue(lines)
            for line in lines:
                self.assertGreaterEqual(json.loads(line).keys(), {"ts", "level", "msg"})
            for line in self.run_service(service, config).stderr.splitlines():
                self.assertRegex(line, r"^ts=\S+ level=\w+ msg=")


class OnlineTest(ConfigTest):
    """check-config --online asks what is configured, and says of each what came of it."""

    CONFIG = """
correlator: {{address: "127.0.0.1:{correlator}"}}
reconcile: {{enabled: false}}
metrics_sources:
  - name: near
    url: http://127.0.0.1:{prometheus}
    queries: [{{name: load, expr: load}}, {{name: wrong, expr: "load +"}}]
  - name: gone
    url: http://127.0.0.1:{gone}
    authorization: {{credentials: canary}}
    queries: [{{name: never, expr: load}}]
"""

    def setUp(self):
        super().setUp()
        self.ports = choose_ports(dict.fromkeys(["correlator", "prometheus", "gone", "http"], 0))
        children = []
        self.addCleanup(lambda: stop_all(children))
        children.append(Child(
            "prometheus",
            [sys.executable, str(HERE / "fake_prometheus.py"),
             "--port", str(self.ports["prometheus"])], self.folder / "prometheus.log"))
        correlator = self.write(
            f'grpc: {{listen_address: "127.0.0.1:{self.ports["correlator"]}"}}\n'
            f'http: {{listen_address: "127.0.0.1:{self.ports["http"]}"}}\n'
            f"data: {{path: {self.folder}/data}}\n", "correlator.yml")
        children.append(Child(
            "correlator", [str(BINARIES / SERVICES[0] / SERVICES[0]), correlator],
            self.folder / "correlator.log"))
        for port in (self.ports["prometheus"], self.ports["http"]):
            wait_until(lambda port=port: is_ready(f"127.0.0.1:{port}"), 30, "ready")

    def test_each_server_and_query_has_a_line(self):
        result = self.run_service("ingest-service", "check-config", "--online",
                     self.write(self.CONFIG.format(**self.ports)))
        self.assertEqual(result.returncode, 1)
        found = dict(re.findall(r"^(.*?): (OK|FAILED)\b", result.stdout, re.M))
        near, gone = (f"metrics source {name} (http://127.0.0.1:{self.ports[port]})"
                      for name, port in (("near", "prometheus"), ("gone", "gone")))
        self.assertEqual(found, {
            str(self.folder / "config.yml"): "OK",
            f"correlator (127.0.0.1:{self.ports['correlator']})": "OK",
            near: "OK",
            "metrics source near: query load": "OK",
            "metrics source near: query wrong": "FAILED",
            "metrics source near: /api/v1/rules": "FAILED",  # the made-up one has none
            gone: "FAILED"}, result.stdout)
        self.assertIn("query load: OK (20 series)", result.stdout)
        self.assertIn("query wrong: FAILED: near: bad_data: not understood: load +", result.stdout)
        self.assertIn("3 failed", result.stderr)
        self.assertNotIn("canary", result.stdout + result.stderr)

    def test_all_well_is_success(self):
        config = f'correlator: {{address: "127.0.0.1:{self.ports["correlator"]}"}}\n'
        result = self.run_service("ingest-service", "check-config", "--online", self.write(config))
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        config = f'correlator: {{address: "127.0.0.1:{self.ports["gone"]}"}}\n'
        result = self.run_service("ingest-service", "check-config", "--online", self.write(config))
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("): FAILED: ", result.stdout)


if __name__ == "__main__":
    unittest.main()
