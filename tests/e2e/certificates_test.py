"""TLS: who has no certificate is not heard, and certificates are exchanged while the services run."""
import socket
import ssl
import threading
import unittest

import grpc

from secure_calls import DENIED, UNAUTHENTICATED, SecureCase
from support import wait_until


class CertificatesTest(SecureCase):
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

    def serial(self, name):
        """The certificate that the listener shows now."""
        host, port = self.stack.address[name].split(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((host, int(port)), timeout=20) as plain:
            with context.wrap_socket(plain) as wrapped:
                return wrapped.getpeercert(binary_form=True)

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
                               60, f"{name} shows certificate {number}")
            wait_until(lambda: calls[0] > 20, 60, "so many calls", seen=lambda: calls[0])
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        self.assertFalse([thread for thread in threads if thread.is_alive()], "a call hangs")
        self.assertEqual([], failures)
        print(f"{calls[0]} calls during 3 exchanges, none failed", flush=True)

    def test_a_wrong_pair_keeps_the_old(self):
        right = self.stack.authority.issue("right")
        self.stack.install(right)
        expected = ssl.PEM_cert_to_DER_cert(right[0].read_text())
        for name in ("correlator", "ingest", "grpc"):
            wait_until(lambda name=name: self.serial(name) == expected, 60, f"{name} has the pair")
        other = self.stack.authority.issue("other")
        self.addCleanup(self.stack.install, right)
        self.stack.install((other[0], right[1]))
        for name, listener in (("correlator", "http"), ("correlator", "grpc"), ("ingest", "http")):
            line = f'alertjoin_access_last_load_successful{{listener="{listener}"}} 0'
            wait_until(lambda name=name, line=line: self.metric(name, line), 60, line)
        for name in ("correlator", "ingest", "grpc"):
            self.assertEqual(expected, self.serial(name))
        self.assertIn("is not the key of the certificate", self.stack.logs())
        self.stack.install(right)
        wait_until(lambda: self.metric(
            "correlator", 'alertjoin_access_last_load_successful{listener="grpc"} 1'), 60, "healed")


if __name__ == "__main__":
    unittest.main()
