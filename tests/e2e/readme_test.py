"""What README.md tells a user to type works as written."""
import contextlib
import http.client
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import unittest

import support
from support import BINARIES, REPOSITORY, shared_stack, wait_for_rows, wait_until

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
DEFAULTS = {"127.0.0.1:9750": "correlator_grpc", "127.0.0.1:9751": "correlator_http",
            "127.0.0.1:9090": "prometheus"}
ANSWER_WITHIN_SECONDS = 20


def grpcurl_lines():
    """Every grpcurl command of the README, continued lines joined."""
    text = "\n".join(block for _, block in BLOCKS).replace("\\\n", " ")
    return [line for line in text.splitlines() if line.startswith("grpcurl ")]


def yaml_block(file_name):
    """The block whose first line is a comment that names the file."""
    return next(block for language, block in BLOCKS
                if language == "yaml" and block.startswith(f"# {file_name}"))


def at_stack(text):
    """The text with the default addresses replaced by those of the shared stack."""
    for address, name in DEFAULTS.items():
        text = text.replace(address, shared_stack().addresses[name])
    return text


def curl_lines():
    """Every command of the README that reads from the correlator by curl."""
    text = "\n".join(block for _, block in BLOCKS).replace("\\\n", " ")
    return [line for line in text.splitlines()
            if line.startswith("curl ") and "127.0.0.1:9751" in line]


class CurlLinesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shared_stack()
        wait_for_rows()

    def test_each_line_answers(self):
        self.assertGreaterEqual(len(curl_lines()), 5)
        for line in curl_lines():
            with self.subTest(line), tempfile.TemporaryDirectory() as directory:
                _, *arguments = shlex.split(at_stack(line))
                command = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time",
                           str(ANSWER_WITHIN_SECONDS), *arguments]
                if "-N" in arguments:
                    self.check_stream(command)
                    continue
                done = subprocess.run(command, cwd=directory, text=True, capture_output=True,
                                      check=False, timeout=2 * ANSWER_WITHIN_SECONDS)
                self.assertEqual(0, done.returncode, done)
                self.assertTrue("-O" in arguments or done.stdout, done)

    def check_stream(self, command):
        """It has no end of its own: its first event will do."""
        printed = ""
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as stream:
            for line in stream.stdout:
                printed += line
                if line == "event: started\n":
                    stream.kill()
                    return
        self.fail(f"no event: {printed}")


class GrpcurlLinesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.grpcurl = support.find_grpcurl()
        if not cls.grpcurl:
            raise unittest.SkipTest("grpcurl is not installed")
        shared_stack()
        wait_for_rows()

    def test_there_are_fifteen(self):
        self.assertGreaterEqual(len(grpcurl_lines()), 15)

    def test_each_line_answers(self):
        for line in grpcurl_lines():
            with self.subTest(line):
                self.check_line(line)

    def check_line(self, line):
        _, *arguments = shlex.split(at_stack(line))
        streaming = "Subscribe" in arguments[-1]
        with subprocess.Popen([self.grpcurl, *arguments], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as command:
            timer = threading.Timer(ANSWER_WITHIN_SECONDS, command.kill)
            timer.start()
            output = ""
            for text in command.stdout:
                output += text
                # A stream has no end: one whole message and the start of the next will do.
                if streaming and output.count("\n{") >= 1:
                    command.kill()
                    break
            output += command.stdout.read()
            errors = command.stderr.read()
            status = command.wait()
            timer.cancel()
        self.assertEqual(-signal.SIGKILL if streaming else 0, status, errors)
        self.assertTrue(output.strip(), errors)
        if "ListJoinedRows" in arguments[-1] and "describe" not in arguments:
            self.assertRegex(output, '"row_?[iI]d"')
        if "ListAlerts" in arguments[-1] and "from" in line:
            self.assertRegex(output, '"alert_?[iI]d"')
        if "SummarizeAlerts" in arguments[-1]:
            self.assertRegex(output, '"firing_?[tT]ime"')
        if streaming:
            self.assertIn('"started"', output)


class ConfigurationTest(unittest.TestCase):
    """The examples are accepted by the programs that read them."""

    def write(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return file.name

    def check(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_alertmanager_yml(self):
        self.check("amtool", "check-config", self.write(yaml_block("alertmanager.yml")))

    def test_prometheus_yml(self):
        self.check("promtool", "check", "config", self.write(yaml_block("prometheus.yml")))

    def test_rules_yml(self):
        self.check("promtool", "check", "rules", self.write(yaml_block("rules.yml")))

    def test_service_configurations(self):
        for name, http_port in (("correlator", "9751"), ("ingest", "9752")):
            with self.subTest(name):
                self.check_service(name, http_port)

    def check_service(self, name, http_port):
        """The service starts on its example, is healthy, and ends well when asked to."""
        ports = support.demo_stack.choose_ports(dict.fromkeys(["9750", "9751", "9752"], 0))
        text = yaml_block(f"{name}.yml").replace("127.0.0.1:9090",
                                                 shared_stack().addresses["prometheus"])
        for default, port in ports.items():
            text = text.replace(f"127.0.0.1:{default}", f"127.0.0.1:{port}")
        program = BINARIES / f"{name}-service" / f"{name}-service"
        folder = self.enterContext(tempfile.TemporaryDirectory())  # For what it writes.
        with tempfile.TemporaryFile("w+") as log, subprocess.Popen(
                [program, f"--config.file={self.write(text)}"], stdout=log, stderr=log,
                cwd=folder) as service, contextlib.ExitStack() as ending:
            ending.callback(service.kill)  # Whatever fails here: who leaves waits for its end.

            def healthy():
                if service.poll() is not None:
                    log.seek(0)
                    self.fail(f"{name}-service ended:\n{log.read()}")
                connection = http.client.HTTPConnection("127.0.0.1", ports[http_port], timeout=5)
                try:
                    connection.request("GET", "/-/healthy")
                    return connection.getresponse().status == 200
                except OSError:
                    return False
                finally:
                    connection.close()

            wait_until(healthy, 20, f"{name}-service is healthy")
            service.terminate()
            try:
                self.assertEqual(0, service.wait(20))
            except subprocess.TimeoutExpired:
                log.seek(0)
                self.fail(f"{name}-service does not end within 20 s:\n{log.read()}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
