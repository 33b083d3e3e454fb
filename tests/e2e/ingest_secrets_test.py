"""What ingest-service is given to show to others, and to ask of its senders, is seen nowhere: not in
logs, metrics, answers, printed configurations, dead letters, nor in what it tells the correlator.

Its metrics sources are as spiteful as can be: each gives back, in every way there is, the headers
that it was asked with. Beside them is a good one, whose past is backfilled through a correlator that
wants a certificate and a token.
"""
import base64
import hashlib
import hmac
import http.client
import http.server
import json
import re
import subprocess
import threading
import unittest

import fake_prometheus
import support
from process import Child, stop_all
from secure_calls import alert, basic
from secure_stack import CANARY, TOKENS, SecureStack
from stack import choose_ports, is_ready
from support import BINARIES, wait_until

ODD = ("text", "json", "fine", "warning", "redirect", "garbage")  # How a source gives back what it got.
# Name: configuration beside name and url. Every secret has the canary in it.
SECRETS = {
    "password": f'basic_auth: {{username: joe, password: "{CANARY}-1"}}',
    "password-file": "basic_auth: {username: joe, password_file: secret-password}",
    "token": f'authorization: {{credentials: "{CANARY}-2"}}',
    "token-file": "authorization: {credentials_file: secret-token}",
    "header": f'http_headers: {{X-Key: {{secrets: ["{CANARY}-3"]}}}}',
    "header-file": "http_headers: {X-Key: {files: [secret-header]}}",
    "user": f'basic_auth: {{username: "joe", password: "{CANARY} 4"}}',
}
SENDERS = {
    "by-password": f'basic_auth: {{username: joe, password: "{CANARY}-5"}}',
    "by-token": f'authorization: {{credentials: "{CANARY}-6"}}',
    "by-token-file": "authorization: {credentials_file: secret-token}",
    "by-signature": f'hmac: {{secret: "{CANARY}-7", header: X-Signature}}',
    "by-signature-file": "hmac: {secret_file: secret-key, header: X-Signature}",
}
FILES = {"secret-password": f"{CANARY}-f1", "secret-token": f"{CANARY}-f2",
         "secret-header": f"{CANARY}-f3", "secret-key": f"{CANARY}-f4"}


class Spiteful(http.server.BaseHTTPRequestHandler):
    """Gives back every header that it was asked with."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        got = " ".join(self.headers.values())
        kind, _, pair = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            got += " " + base64.b64decode(pair).decode()
        way = self.path.split("/")[1]
        failed = {"status": "error", "errorType": "bad_data", "error": got}
        if way == "text":
            self.answer(500, got)
        elif way == "json":
            self.answer(400, json.dumps(failed))
        elif way == "fine":
            self.answer(200, json.dumps(failed))
        elif way == "warning":
            self.answer(200, json.dumps({"status": "success", "warnings": [got], "data": {
                "resultType": "vector", "result": []}}))
        elif way == "redirect":
            self.answer(302, got, ("Location", "http://127.0.0.1:1/" + got.replace(" ", "/")))
        else:
            self.answer(200, got)

    do_POST = do_GET

    def answer(self, status, text, *headers):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        for name, value in headers:
            self.send_header(name, value.replace("\n", ""))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


class IngestSecretsTest(unittest.TestCase):
    """One run serves all tests."""

    @classmethod
    def setUpClass(cls):
        cls.stack = SecureStack(support.of_class(cls))
        cls.stack.start()
        for name, text in FILES.items():
            cls.stack.replace(name, text + "\n")
        spiteful = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Spiteful)
        good = fake_prometheus.Server(("127.0.0.1", 0), fake_prometheus.Handler)
        for server in (spiteful, good):
            cls.addClassCleanup(server.server_close)
            cls.addClassCleanup(server.shutdown)
        cls.address = f"127.0.0.1:{choose_ports({'ingest': 0})['ingest']}"
        cls.write(serve(spiteful), serve(good))
        cls.child = Child("second", cls.command(), cls.stack.folder / "second.log",
                          cls.stack.folder)
        cls.addClassCleanup(stop_all, [cls.child])

        def ready():
            cls.child.wait(0)
            return is_ready(cls.address)
        wait_until(ready, 30, "ingest-service is ready")

    @classmethod
    def write(cls, spiteful, good):
        own_key = (cls.stack.folder / cls.stack.client[1].name).read_text().replace("\n", "\\n")
        own_cert = (cls.stack.folder / cls.stack.client[0].name).read_text().replace("\n", "\\n")
        cls.own_key = own_key.split("\\n")[1]
        query = "queries: [{name: depth, expr: depth, interval: 2s}]"
        more = f"timeout: 2s, settle_delay: 1s, reconcile: false, {query}"
        sources = [f"{{name: good, url: {good}, {more}}}"]
        for name, secret in SECRETS.items():
            sources += [f"{{name: {name}-{way}, url: {spiteful}/{way}, {more}, {secret}}}"
                        for way in ODD]
        sources += [
            f'{{name: key, url: {spiteful.replace("http:", "https:")}, {more}, '
            f'tls_config: {{key: "{own_key}", cert: "{own_cert}"}}}}',
            f'{{name: proxy, url: http://nowhere.invalid, {more}, '
            f'proxy_url: "http://joe:{CANARY}-8@127.0.0.1:1"}}']
        senders = ["{name: alertmanager}"]
        senders += [f"{{name: {name}, {terms}}}" for name, terms in SENDERS.items()]
        cert, key = cls.stack.uplink
        text = (f'producer_id: second\nhttp: {{listen_address: "{cls.address}"}}\n'
                f'correlator:\n  address: "{cls.stack.address["grpc"]}"\n'
                f"  tls_config: {{ca_file: ca.pem, cert_file: {cert.name}, key_file: {key.name}, "
                "server_name: localhost}\n  authorization: {credentials_file: uplink-token}\n"
                f'spool: {{path: "{cls.stack.folder}/second-spool"}}\n'
                "bindings: [{match: 'alertname=~\".+\"', query: depth, on: []}]\n"
                "alert_sources:\n" + "".join(f"  - {sender}\n" for sender in senders) +
                "metrics_sources:\n" + "".join(f"  - {source}\n" for source in sources))
        (cls.stack.folder / "second.yml").write_text(text, encoding="utf-8")

    @classmethod
    def command(cls, *arguments):
        return [str(BINARIES / "ingest-service" / "ingest-service"), *arguments,
                f"--config.file={cls.stack.folder}/second.yml"]

    def run_command(self, *arguments):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60,
                              check=False, cwd=self.stack.folder)
        return done.returncode, done.stdout + done.stderr

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            return response.status, response.read().decode() + str(response.headers)
        finally:
            connection.close()

    def call(self, method, **arguments):
        """The answer of a call of the correlator."""
        api = support.api()
        with self.stack.channel() as channel:
            call = getattr(api.CorrelatorServiceStub(channel), method)
            return call(getattr(api, method + "Request")(**arguments), timeout=10,
                        metadata=[("authorization", f"Bearer {TOKENS['reader']}")])

    def rows(self):
        rows, token = [], ""
        while True:
            page = self.call("ListJoinedRows", page_size=1000, page_token=token)
            rows += page.rows
            token = page.next_page_token
            if not token:
                return rows

    def show(self, source, body):
        """The headers with which a sender of that source is let in."""
        signed = {"by-signature": f"{CANARY}-7", "by-signature-file": FILES["secret-key"]}
        tokens = {"by-token": f"{CANARY}-6", "by-token-file": FILES["secret-token"]}
        if source in signed:
            return {"X-Signature": hmac.new(signed[source].encode(), body.encode(),
                                            hashlib.sha256).hexdigest()}
        if source in tokens:
            return {"Authorization": f"Bearer {tokens[source]}"}
        return {"Authorization": basic("joe", f"{CANARY}-5")}

    def post_everything(self):
        """Good, broken and refused notifications to every sender's path; what was answered."""
        answers = []
        for number, source in enumerate(SENDERS):
            path = f"/webhook/{source}"
            good = alert(f"Secret{number}")
            for body, status in ((good, 200), ('{"alerts": 7}', 400)):
                answered = self.ask("POST", path, body, **self.show(source, body))
                self.assertEqual(answered[0], status, (source, answered))
                answers.append(answered[1])
            for headers in ({}, {"Authorization": f"Bearer {CANARY}-wrong"},
                            {"Authorization": basic("joe", f"{CANARY}-wrong")},
                            {"X-Signature": f"{CANARY}-wrong"}):
                answered = self.ask("POST", path, good, **headers)
                self.assertIn(answered[0], (401, 403), (source, headers, answered))
                answers.append(answered[1])
        return answers

    def unheard(self):
        """The spiteful sources that have not been told of yet, where each is told of: a source that
        does not answer properly, a query that it refuses, a warning beside an answer."""
        self.child.wait(0)
        heard = {source.source for source in self.call("ListSources").sources if source.last_error}
        heard |= {query.query.source for query in self.call("ListQueries").queries if query.error}
        warned = r'alertjoin_query_remarks_total\{kind="warning",source="(.+?)"\} [1-9]'
        heard |= set(re.findall(warned, self.ask("GET", "/metrics")[1]))
        return sorted({f"{name}-{way}" for name in SECRETS for way in ODD} - heard)

    def test_1_no_secret_is_seen_anywhere(self):
        seen = self.post_everything()

        wait_until(lambda: not self.unheard(), 60, "the spiteful sources have been heard",
                   self.unheard)
        seen += [str(self.call("ListSources")), str(self.rows()), str(self.call("ListQueries")),
                 str(self.call("ListAlerts"))]
        for path in ("/metrics", "/-/ready", "/x"):
            seen.append(self.ask("GET", path)[1])
        seen.append(self.ask("POST", "/-/reload")[1])
        for command in (("check-config",), ("print-config",), ("check-config", "--online"),
                        ("dead-letters",), ("dead-letters", "--json")):
            seen.append(self.run_command(*command)[1])
        seen.append(self.stack.ask("correlator", "GET", "/metrics",
                                   f"Bearer {TOKENS['reader']}")[1])
        seen.append(self.stack.logs())
        # It was there to be seen: what follows means something.
        self.assertIn("password-text", seen[-1])
        self.assertIn("<secret>", "".join(seen))
        secrets = [CANARY, self.own_key] + [
            base64.b64encode(f"joe:{CANARY}{end}".encode()).decode()[:18] for end in ("-", " ")]
        secrets += (self.stack.folder / self.stack.uplink[1].name).read_text().splitlines()[1:2]
        for text in seen:
            for secret in secrets:
                place = text.find(secret)
                self.assertEqual(place, -1, text[max(0, place - 300):place + 100])

    def test_2_the_past_goes_the_same_way_as_the_present(self):
        """With the same certificate and token, that is."""
        status, text = self.run_command("backfill", "--query=depth", "--source=good",
                                        "--from=now-1m")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"good: depth: \S+ to \S+ [1-9][\d,]* samples")


if __name__ == "__main__":
    unittest.main(verbosity=2)
