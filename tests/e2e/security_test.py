"""Who gets in and who does not: listeners, TLS, identities, roles, and where secrets show."""
import base64
import collections
import datetime
import json
import re
import socket
import ssl
import subprocess
import threading
import time
import unittest

import grpc

import support
from secure_stack import CANARY, PASSWORD, ROLES, TOKENS, USER, SecureStack
from support import wait_for, wait_until

# The answers of a call that was let through depend on its arguments; these say that it was not.
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
DENIED = grpc.StatusCode.PERMISSION_DENIED
REVOKED_WITHIN_SECONDS = 5


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# Name of the caller: header, roles (None: it is not known).
CALLERS = {
    "without anything": ("", None),
    "wrong token": (f"Bearer {CANARY}-wrong", None),
    "wrong password": (basic(USER, CANARY + "-wrong"), None),
    "unknown user": (basic("bob", PASSWORD), None),
    **{name: (f"Bearer {token}", ROLES[name]) for name, token in TOKENS.items()},
    USER: (basic(USER, PASSWORD), ROLES[USER]),
}


def reason_of(error):
    """The reason in the google.rpc.ErrorInfo of our domain; "" without one."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    found = re.search(rb"google\.rpc\.ErrorInfo\x12.{1,2}\n.([A-Z_]+)\x12\x09alertjoin", details, re.S)
    return found[1].decode() if found else ""


def endless(first):
    """One message, and then none."""
    yield first
    threading.Event().wait(60)


def last_event(events):
    """(code, reason, whether ids came) of the error that ends an event stream."""
    token, error = False, {}
    for line in events:
        token = token or line.startswith(b"id: ")
        if line.startswith(b"data: "):
            error = json.loads(line[6:])
    reason = next((detail.get("debug", {}).get("reason", "")
                   for detail in error.get("details", ())), "")
    return error.get("code", "").upper(), reason, token


def alert(name):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    return json.dumps({
        "version": "4", "status": "firing", "receiver": "alertjoin", "groupKey": "{}",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am",
        "truncatedAlerts": 0,
        "alerts": [{"status": "firing", "labels": {"alertname": name}, "annotations": {},
                    "startsAt": now, "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
                    "fingerprint": "0011223344556677"}]})


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


class SecurityTest(unittest.TestCase):
    """One stack serves all tests; what they change they put back."""

    @classmethod
    def setUpClass(cls):
        cls.stack = SecureStack(support.of_class(cls))
        cls.stack.start()

    def tearDown(self):
        self.stack.check()

    def end_of_call(self, channel, method, authorization):
        """What an empty call of the method ends with, and the reason in its ErrorInfo; OK for the
        first message of a stream."""
        call = channel.unary_stream(method, lambda request: request, lambda answer: answer)(
            b"", timeout=10, metadata=[("authorization", authorization)] if authorization else [])
        try:
            next(call)
            call.cancel()
            return grpc.StatusCode.OK, ""
        except StopIteration:
            return grpc.StatusCode.OK, ""
        except grpc.RpcError as error:
            return error.code(), reason_of(error)

    def code_of(self, channel, method, authorization):
        return self.end_of_call(channel, method, authorization)[0]

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
        wait_for(refused, self.refused_calls, 10, "calls that were refused")
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

    def test_grpc_hears_nobody_without_a_certificate(self):
        for pair in (None, "stranger"):
            if pair:
                folder = self.stack.folder / "stranger"
                folder.mkdir()
                self.stack.stranger = type(self.stack.authority)(folder).issue("x", "ingest-1")
            with self.stack.channel(pair) as channel:
                code = self.code_of(channel, "/grpc.health.v1.Health/Check", "")
                self.assertEqual(grpc.StatusCode.UNAVAILABLE, code)

    def test_a_certificate_is_an_identity_where_it_is_listed(self):
        with self.stack.channel("uplink") as channel:
            push = self.code_of(channel, "/alertjoin.v1.IngestService/PushEvents", "")
            self.assertNotIn(push, (UNAUTHENTICATED, DENIED))
            self.assertEqual(DENIED, self.code_of(
                channel, "/alertjoin.v1.CorrelatorService/ListJoinedRows", ""))

    def test_an_alert_goes_all_the_way(self):
        status, text = self.stack.ask("ingest", "POST", "/webhook", f"Bearer {TOKENS['pusher']}",
                                      alert("AllTheWay"))
        self.assertEqual(200, status, text)
        wait_until(lambda: any(row.transition.alert_name == "AllTheWay"
                               for row in self.stack.rows(TOKENS["reader"])), 20, "its row")

    def test_plain_text_gets_no_answer(self):
        for name in ("correlator", "ingest", "grpc"):
            host, port = self.stack.address[name].split(":")
            with socket.create_connection((host, int(port)), timeout=20) as plain:
                plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                try:
                    answer = plain.recv(1000)
                except ConnectionError:
                    answer = b""
                self.assertNotIn(b"HTTP", answer)

    def test_old_versions_of_tls_are_refused(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        host, port = self.stack.address["ingest"].split(":")
        with socket.create_connection((host, int(port)), timeout=20) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain)

    def test_a_token_that_is_taken_away_opens_nothing(self):
        self.addCleanup(self.stack.write_tokens, TOKENS)
        header = f"Bearer {TOKENS['reader']}"
        self.assertEqual(200, self.stack.ask("correlator", "GET", "/metrics", header)[0])
        left = {name: token for name, token in TOKENS.items() if name != "reader"}
        self.stack.write_tokens(left)
        started = time.monotonic()
        with self.stack.channel() as channel:
            def is_out():
                http_status = self.stack.ask("correlator", "GET", "/metrics", header)[0]
                code = self.code_of(channel, "/alertjoin.v1.CorrelatorService/ListSources", header)
                return http_status == 401 and code == UNAUTHENTICATED
            wait_until(is_out, REVOKED_WITHIN_SECONDS, "the token opens nothing")
        print(f"revoked after {time.monotonic() - started:.1f} s", flush=True)

    def open_streams(self, user):
        """Every kind of stream, begun with this token: name -> what gives its end."""
        header = [("authorization", f"Bearer {TOKENS[user]}")]
        service = "alertjoin.v1.CorrelatorService"
        channel = self.stack.channel()
        self.addCleanup(channel.close)
        streams = {}

        def follow(name, call):
            next(call)  # it is open
            streams[name] = lambda: self.end_of(call)
        if user == "pusher":
            api = support.api()
            hello = api.PushEventsRequest(hello=api.Hello(
                producer_id="revoked", log_id="a", epoch=1, first_sequence=1, next_sequence=1))
            follow("PushEvents", channel.stream_stream("/alertjoin.v1.IngestService/PushEvents")(
                endless(hello.SerializeToString()), metadata=header))
            return streams
        for method in ("SubscribeJoinedRows", "SubscribeAlerts", "SubscribeSamples"):
            follow(method, channel.unary_stream(f"/{service}/{method}")(b"", metadata=header))
        for path in ("/api/v1/stream", "/api/v1/stream/alerts", "/api/v1/stream/samples"):
            events = self.stack.open_events("correlator", path, header[0][1])
            self.addCleanup(events.close)
            streams[path] = lambda events=events: last_event(events)
        return streams

    def end_of(self, call):
        """(code, reason, whether a resume token came) of a stream that ends by itself."""
        try:
            for _ in call:
                pass
        except grpc.RpcError as error:
            details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
            return error.code().name, reason_of(error), b"resume_token" in details
        return "OK", "", False

    def expect_ends(self, streams, code, reason, what):
        """All end in time, each on a thread of its own."""
        ends, started = {}, time.monotonic()

        def wait(name):
            ends[name] = (streams[name](), time.monotonic() - started)
        threads = [threading.Thread(target=wait, args=(name,), daemon=True) for name in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(REVOKED_WITHIN_SECONDS + 20)
        for name in streams:
            with self.subTest(what=what, stream=name):
                self.assertIn(name, ends, "is still open")
                end, seconds = ends[name]
                self.assertEqual((code, reason), end[:2])
                self.assertEqual(name != "PushEvents", end[2], "resume token")
                self.assertLess(seconds, REVOKED_WITHIN_SECONDS)
        print(f"{what}: {len(ends)} streams ended within "
              f"{max(seconds for _, seconds in ends.values()):.1f} s", flush=True)

    def test_streams_end_when_their_token_is_taken_away(self):
        for user in ("reader", "pusher"):
            self.addCleanup(self.stack.write_tokens, TOKENS)
            streams = self.open_streams(user)
            self.stack.write_tokens({name: token for name, token in TOKENS.items() if name != user})
            self.expect_ends(streams, "UNAUTHENTICATED", "CREDENTIALS_REVOKED",
                             f"token of {user}")
            self.stack.write_tokens(TOKENS)
            wait_until(lambda: self.opens(user), 10, f"{user} is known again")

    def test_streams_end_when_their_role_is_taken_away(self):
        self.addCleanup(self.stack.write_security, ROLES)
        streams = self.open_streams("reader")
        self.stack.write_security({**ROLES, "reader": ["push"]})
        self.expect_ends(streams, "PERMISSION_DENIED", "PERMISSION_REVOKED", "role of reader")
        self.stack.write_security(ROLES)
        wait_until(lambda: self.opens("reader"), 10, "reader reads again")

    def test_streams_end_when_their_authority_is_no_longer_trusted(self):
        folder = self.stack.folder / "another"
        folder.mkdir()
        another = type(self.stack.authority)(folder)
        self.addCleanup(wait_until, self.takes_our_certificates, 10, "it is trusted again")
        self.addCleanup(self.stack.trust, self.stack.authority)
        streams = {**self.open_streams("pusher"), **self.open_streams("reader")}
        # Those over HTTP showed no certificate.
        streams = {name: end for name, end in streams.items() if not name.startswith("/")}
        self.stack.trust(another)
        self.expect_ends(streams, "UNAUTHENTICATED", "CREDENTIALS_REVOKED", "authority of clients")

    def takes_our_certificates(self):
        with self.stack.channel() as channel:
            code = self.code_of(channel, "/alertjoin.v1.CorrelatorService/ListSources",
                                f"Bearer {TOKENS['reader']}")
        return code == grpc.StatusCode.OK

    def test_streams_of_others_go_on(self):
        """A change of the file that does not concern a stream does not end it."""
        self.addCleanup(self.stack.write_tokens, TOKENS)
        with self.stack.channel() as channel:
            call = channel.unary_stream("/alertjoin.v1.CorrelatorService/SubscribeJoinedRows")(
                support.api().SubscribeJoinedRowsRequest(
                    progress_interval={"nanos": 100_000_000}).SerializeToString(),
                timeout=30, metadata=[("authorization", f"Bearer {TOKENS['reader']}")])
            next(call)
            self.stack.write_tokens({name: token for name, token in TOKENS.items()
                                     if name != "admin"})
            wait_until(lambda: self.stack.ask("correlator", "POST", "/-/reload",
                                              f"Bearer {TOKENS['admin']}")[0] == 401, 10,
                       "the file was read")
            for _ in range(30):  # at a progress message each 0.1 s, three times the look of 1 s
                next(call)
            call.cancel()

    def opens(self, user):
        """Whether the token opens what it is for, over both listeners of the correlator."""
        header = f"Bearer {TOKENS[user]}"
        method = "IngestService/PushEvents" if user == "pusher" else "CorrelatorService/ListSources"
        with self.stack.channel() as channel:
            code = self.code_of(channel, f"/alertjoin.v1.{method}", header)
        status = self.stack.ask("correlator", "GET", "/metrics", header)[0]
        return (code not in (UNAUTHENTICATED, DENIED)
                and status == (403 if user == "pusher" else 200))

    def serial(self, name):
        """The certificate that the listener shows now."""
        host, port = self.stack.address[name].split(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((host, int(port)), timeout=20) as plain:
            with context.wrap_socket(plain) as wrapped:
                return wrapped.getpeercert(binary_form=True)

    def metric(self, name, line):
        return line in self.stack.ask(name, "GET", "/metrics", f"Bearer {TOKENS['reader']}")[1]

    def test_certificates_are_exchanged_under_load(self):
        stop, failures, calls = threading.Event(), [], [0]

        def load_http(name):
            while not stop.is_set():
                try:
                    status, _ = self.stack.ask(name, "GET", "/-/healthy")
                    if status != 200:
                        failures.append((name, status))
                except OSError as error:
                    failures.append((name, error))
                calls[0] += 1

        def load_grpc():
            while not stop.is_set():
                with self.stack.channel() as channel:
                    code = self.code_of(channel, "/grpc.health.v1.Health/Check", "")
                    if code != grpc.StatusCode.OK:
                        failures.append(("grpc", code))
                calls[0] += 1

        threads = [threading.Thread(target=load_http, args=("correlator",), daemon=True),
                   threading.Thread(target=load_http, args=("ingest",), daemon=True),
                   threading.Thread(target=load_grpc, daemon=True)]
        for thread in threads:
            thread.start()
        try:
            for number in range(3):
                pair = self.stack.authority.issue(f"rotated-{number}")
                expected = ssl.PEM_cert_to_DER_cert(pair[0].read_text())
                self.stack.install(pair)
                for name in ("correlator", "ingest", "grpc"):
                    wait_until(lambda name=name, expected=expected: self.serial(name) == expected,
                               10, f"{name} shows certificate {number}")
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        self.assertFalse([thread for thread in threads if thread.is_alive()], "a call hangs")
        self.assertEqual([], failures)
        self.assertGreater(calls[0], 20)
        print(f"{calls[0]} calls during 3 exchanges, none failed", flush=True)

    def test_a_wrong_pair_keeps_the_old(self):
        right = self.stack.authority.issue("right")
        self.stack.install(right)
        expected = ssl.PEM_cert_to_DER_cert(right[0].read_text())
        for name in ("correlator", "ingest", "grpc"):
            wait_until(lambda name=name: self.serial(name) == expected, 10, f"{name} has the pair")
        other = self.stack.authority.issue("other")
        self.addCleanup(self.stack.install, right)
        self.stack.install((other[0], right[1]))
        for name, listener in (("correlator", "http"), ("correlator", "grpc"), ("ingest", "http")):
            line = f'alertjoin_access_last_load_successful{{listener="{listener}"}} 0'
            wait_until(lambda name=name, line=line: self.metric(name, line), 10, line)
        for name in ("correlator", "ingest", "grpc"):
            self.assertEqual(expected, self.serial(name))
        self.assertIn("is not the key of the certificate", self.stack.logs())
        self.stack.install(right)
        wait_until(lambda: self.metric(
            "correlator", 'alertjoin_access_last_load_successful{listener="grpc"} 1'), 10, "healed")

    def test_no_secret_is_seen_anywhere(self):
        """Every secret there is has the canary in it, or is listed here."""
        secrets = [CANARY, self.stack.hash, base64.b64encode(PASSWORD.encode()).decode()[:16],
                   basic(USER, PASSWORD).split()[1],
                   (self.stack.folder / "pair" / "key.pem").read_text().splitlines()[1]]
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
        # Faults of each file that has secrets.
        for name, text in (("tokens", f"reader {CANARY}\n"),
                           ("web.yml", f"basic_auth_users: {{ann: {CANARY}}}\n"),
                           ("grpc.yml", f"basic_auth_users: {CANARY}\n")):
            kept = (self.stack.folder / name).read_text()
            self.addCleanup(self.stack.replace, name, kept)
            self.stack.replace(name, text)
            done = subprocess.run([*self.stack.command("correlator"), "check-config"],
                                  capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(1, done.returncode)
            seen.append(done.stdout + done.stderr)
            line = 'alertjoin_access_last_load_successful{listener="grpc"} 0'
            wait_until(lambda line=line: self.metric("correlator", line) or
                       self.metric("correlator", line.replace("grpc", "http")), 10, "refused")
            self.stack.replace(name, kept)
        seen.append(self.stack.logs())
        self.assertGreater(len(seen), 60)
        for text in seen:
            for secret in secrets:
                self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
