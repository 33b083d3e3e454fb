"""Who gets in and who does not: listeners, every call by every identity, and where secrets show."""
import collections
import re
import subprocess
import time
import unittest

import grpc

import support
from secure_calls import CALLERS, DENIED, UNAUTHENTICATED, SecureCase, alert, endless
from secure_stack import CANARY, TOKENS, SecureStack
from support import wait_for, wait_until


class ListenerTest(unittest.TestCase):
    def setUp(self):
        self.stack = SecureStack(self)

    def refusal(self, name, *flags, command=()):
        argv = [*self.stack.command(name)[:2], *command, *flags]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False,
                              cwd=self.stack.folder)
        self.assertEqual(1, done.returncode, done.stderr)
        return done.stderr

    def test_others_than_this_machine_need_tls(self):
        for command in ((), ("check-config",)):
            self.assertIn("HTTP listener 0.0.0.0:", self.refusal("ingest", command=command))
            self.assertIn("HTTP listener 0.0.0.0:", self.refusal("correlator", command=command))
            web = f"--web.config.file={self.stack.folder}/web.yml"
            text = self.refusal("correlator", web, command=command)
            self.assertIn("gRPC listener 0.0.0.0:", text)
            self.assertIn("--insecure", text)
            # For gRPC a certificate of ours alone is too little.
            text = self.refusal("correlator", web, f"--grpc.config.file={self.weak()}",
                                command=command)
            self.assertIn("certificates of its clients", text)

    def weak(self):
        self.stack.replace("weak.yml", "tls_server_config: {cert_file: pair/cert.pem, "
                                       "key_file: pair/key.pem}\n")
        return self.stack.folder / "weak.yml"

    def test_insecure_lets_them_start(self):
        for name in ("correlator", "ingest"):
            done = subprocess.run([*self.stack.command(name)[:2], "--insecure", "check-config"],
                                  capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(0, done.returncode, done.stderr)


class AccessTest(SecureCase):
    def rpcs(self):
        """Every method of our services with the role that it needs, and the standard ones."""
        methods = {}
        for name, role in (("IngestService", "push"), ("CorrelatorService", "read")):
            service = support.api().DESCRIPTOR.pool.FindServiceByName(f"alertjoin.v1.{name}")
            for method in service.methods:
                methods[f"/alertjoin.v1.{name}/{method.name}"] = role
        methods["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = "read"
        methods["/grpc.health.v1.Health/Check"] = "anyone"
        methods["/alertjoin.v1.CorrelatorService/NoSuchMethod"] = "nobody"
        return methods

    def refused_calls(self):
        """How many calls of each method were refused with each code, by the correlator's metrics."""
        text = self.stack.ask("correlator", "GET", "/metrics", f"Bearer {TOKENS['reader']}")[1]
        found = re.findall(r'^alertjoin_grpc_requests_total\{code="(UNAUTHENTICATED|PERMISSION_DENIED)"'
                           r',method="(\w+)"\} (\d+)$', text, re.M)
        return collections.Counter({(method, code): int(count) for code, method, count in found})

    def test_every_rpc_by_every_identity(self):
        cells = 0
        refused = self.refused_calls()
        with self.stack.channel() as channel:
            for method, role in self.rpcs().items():
                for who, (header, roles) in CALLERS.items():
                    with self.subTest(method=method, who=who):
                        code, reason = self.end_of_call(channel, method, header)
                        if role == "anyone" or (roles and role in roles):
                            self.assertNotIn(code, (UNAUTHENTICATED, DENIED))
                        else:
                            self.assertEqual(UNAUTHENTICATED if roles is None else DENIED, code)
                            self.assertEqual(self.refused_for(method, role, header, roles), reason)
                            label = "other" if role == "nobody" else method.split("/")[-1]
                            refused[label, code.name] += 1
                        cells += 1
        self.assertEqual(len(self.rpcs()) * len(CALLERS), cells)
        # A call may be counted only after its caller has the answer.
        wait_for(refused, self.refused_calls, 30, "calls that were refused")
        self.assertGreaterEqual(cells, 17 * 9)

    def refused_for(self, method, role, header, roles):
        """The reason that a refusal of the cell gives. Reflection is not ours, and gives none."""
        if "ServerReflection" in method:
            return ""
        if roles is None:
            return "CREDENTIALS_UNKNOWN" if header else "CREDENTIALS_MISSING"
        return "METHOD_NOT_ALLOWED" if role == "nobody" else "ROLE_MISSING"

    def test_every_service_of_the_server_is_among_those(self):
        """What is registered is asked for, so that a new service has its rows above."""
        reflect = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        with self.stack.channel() as channel:
            answers = channel.stream_stream(reflect)(
                endless(b"\x3a\x00"), timeout=10,  # list_services: ""
                metadata=[("authorization", f"Bearer {TOKENS['reader']}")])
            services = set(re.findall(rb"[a-z0-9_.]+\.[A-Z]\w+", next(answers)))
            answers.cancel()
        self.assertEqual({method.split("/")[1].encode() for method in self.rpcs()}, services)

    def test_two_credentials_are_none(self):
        """Nor is the certificate taken in their place, though it would open the call."""
        header = ("authorization", f"Bearer {TOKENS['pusher']}")
        with self.stack.channel("uplink") as channel:
            for method in ("/alertjoin.v1.IngestService/PushEvents",
                           "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"):
                with self.assertRaises(grpc.RpcError) as caught:
                    next(channel.unary_stream(method)(b"", timeout=10, metadata=[header, header]))
                self.assertEqual(UNAUTHENTICATED, caught.exception.code())
                self.assertIn("more than once", caught.exception.details())

    def test_every_path_by_every_identity(self):
        paths = {
            "correlator": {("GET", "/-/healthy"): "anyone", ("GET", "/-/ready"): "anyone",
                           ("GET", "/metrics"): "read", ("GET", "/"): "read",
                           ("POST", "/-/reload"): "admin", ("POST", "/other"): "nobody",
                           ("DELETE", "/"): "nobody"},
            "ingest": {("GET", "/-/healthy"): "anyone", ("GET", "/metrics"): "read",
                       ("GET", "/api/v2/status"): "push read admin",
                       ("POST", "/webhook"): "push", ("PUT", "/webhook/alertmanager"): "push",
                       ("POST", "/"): "push", ("POST", "/api/v2/alerts"): "push",
                       ("POST", "/-/reload"): "admin", ("POST", "/other"): "nobody"},
        }
        for name, rows in paths.items():
            for (method, path), role in rows.items():
                for who, (header, roles) in CALLERS.items():
                    with self.subTest(service=name, method=method, path=path, who=who):
                        status, text = self.stack.ask(name, method, path, header, b"{}"
                                                      if method in ("POST", "PUT") else None)
                        may = role == "anyone" or set(role.split()) & set(roles or ())
                        if may:
                            self.assertNotIn(status, (401, 403, 503))
                        else:
                            self.assertEqual(401 if roles is None else 403, status)
                        self.assertIn("X-Content-Type-Options: nosniff", text)
                        self.assertEqual(status == 401, "WWW-Authenticate: Basic" in text)

    def test_an_alert_goes_all_the_way(self):
        status, text = self.stack.ask("ingest", "POST", "/webhook", f"Bearer {TOKENS['pusher']}",
                                      alert("AllTheWay"))
        self.assertEqual(200, status, text)
        wait_until(lambda: any(row.transition.alert_name == "AllTheWay"
                               for row in self.stack.rows(TOKENS["reader"])), 20, "its row")

    def test_the_uplink_tells_when_its_certificate_expires(self):
        line = "alertjoin_uplink_certificate_expiry_timestamp_seconds "

        def expiry():
            _, text = self.stack.ask("ingest", "GET", "/metrics", f"Bearer {TOKENS['reader']}")
            return float(text.split("\n" + line)[1].split()[0])
        wait_until(lambda: expiry() > 0, 20, "the uplink has looked")
        self.assertTrue(46 < (expiry() - time.time()) / 3600 <= 48)

    def test_an_online_check_tells_who_may_not_push(self):
        for user, said in (("pusher", ": OK"), ("reader", ": FAILED: .*has no role"),
                           ("wrong", ": FAILED: .*credentials")):
            self.stack.replace(f"token-{user}", TOKENS.get(user, CANARY) + "\n")
            config = (self.stack.folder / "ingest.yml").read_text()
            self.stack.replace(f"ingest-{user}.yml", config.replace(
                "credentials_file: uplink-token", f"credentials_file: token-{user}"))
            done = subprocess.run(
                [self.stack.command("ingest")[0], "check-config", "--online",
                 f"--config.file={self.stack.folder}/ingest-{user}.yml",
                 f"--web.config.file={self.stack.folder}/web.yml"],
                capture_output=True, text=True, timeout=60, check=False)
            self.assertRegex(done.stdout, fr"(?m)^correlator \(.*\){said}", user)
            self.assertEqual(user != "pusher", done.returncode, done.stderr)

    def await_loads(self, listeners, outcome):
        """Until the correlator's listeners have read their files, with 1 well and with 0 not."""
        for listener in listeners:
            line = f'alertjoin_access_last_load_successful{{listener="{listener}"}} {outcome}\n'
            wait_until(lambda line=line: self.metric("correlator", line), 30, line.strip())

    def test_no_secret_is_seen_anywhere(self):
        seen = []
        for name in ("correlator", "ingest"):
            for header, _ in CALLERS.values():
                for method, path in (("GET", "/metrics"), ("GET", "/-/ready"), ("GET", "/x"),
                                     ("POST", "/-/reload"), ("POST", "/webhook")):
                    body = b"{" if method == "POST" else None
                    seen.append(self.stack.ask(name, method, path, header, body)[1])
            for command in (["check-config"], ["print-config"]):
                done = subprocess.run([*self.stack.command(name), *command], capture_output=True,
                                      text=True, timeout=30, check=False, cwd=self.stack.folder)
                seen.append(done.stdout + done.stderr)
        with self.stack.channel() as channel:
            for header, _ in CALLERS.values():
                call = channel.unary_unary("/alertjoin.v1.CorrelatorService/ListJoinedRows")
                try:
                    seen.append(str(call(b"", timeout=10, metadata=[("authorization", header)])))
                except grpc.RpcError as error:
                    seen.append(f"{error.details()} {error.trailing_metadata()}")
        # Faults of each file that has secrets, and the listeners that read it.
        for name, text, listeners in (
                ("tokens", f"reader {CANARY}\n", ("grpc", "http")),
                ("web.yml", f"basic_auth_users: {{ann: {CANARY}}}\n", ("http",)),
                ("grpc.yml", f"basic_auth_users: {CANARY}\n", ("grpc",))):
            kept = (self.stack.folder / name).read_text()
            self.addCleanup(self.stack.replace, name, kept)
            self.stack.replace(name, text)
            done = subprocess.run([*self.stack.command("correlator"), "check-config"],
                                  capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(1, done.returncode)
            seen.append(done.stdout + done.stderr)
            self.await_loads(listeners, 0)
            self.stack.replace(name, kept)
            self.await_loads(listeners, 1)
        self.assertGreater(len(seen), 60)
        for text in seen:
            for secret in self.secrets():
                self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
