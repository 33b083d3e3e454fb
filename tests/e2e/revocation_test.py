"""What was open to a token, a role or a certificate that is taken away is closed within seconds."""
import json
import socket
import ssl
import threading
import time
import unittest

import grpc

import support
from secure_calls import DENIED, UNAUTHENTICATED, SecureCase, alert, endless, reason_of
from secure_stack import ROLES, TOKENS
from support import wait_until

REVOKED_WITHIN_SECONDS = 5  # files are looked at each second
EXPORTED = 20_000  # rows of a table: far more than what is on the way to its reader


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


class RevocationTest(SecureCase):
    def test_a_token_that_is_taken_away_opens_nothing(self):
        self.addCleanup(self.give_back_tokens)
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

    def open_streams(self, user, pair=None):
        """Every kind of stream, begun with this token, and over HTTP with one of our certificates,
        None for none: name -> what gives its end."""
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
            events = self.stack.open_events("correlator", path, header[0][1], pair)
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
            thread.join(max(0, started + REVOKED_WITHIN_SECONDS + 20 - time.monotonic()))
        for name in streams:
            with self.subTest(what=what, stream=name):
                self.assertIn(name, ends, "is still open")
                end, seconds = ends[name]
                self.assertEqual((code, reason), end[:2])
                self.assertEqual(name != "PushEvents", end[2], "resume token")
                self.assertLess(seconds, REVOKED_WITHIN_SECONDS)
        print(f"{what}: {len(ends)} streams ended within "
              f"{max((seconds for _, seconds in ends.values()), default=0):.1f} s", flush=True)

    def test_streams_end_when_their_token_is_taken_away(self):
        self.addCleanup(self.give_back_tokens)
        for user in ("reader", "pusher"):
            streams = self.open_streams(user)
            self.stack.write_tokens({name: token for name, token in TOKENS.items() if name != user})
            self.expect_ends(streams, "UNAUTHENTICATED", "CREDENTIALS_REVOKED",
                             f"token of {user}")
            self.give_back_tokens()
        # That pages somebody: a producer sends what it must not.
        self.assertTrue(self.metric("correlator",
                                    'alertjoin_intake_refused_total{reason="OTHER"} 0\n'))

    def begin_export(self, rows):
        """A table of many pages on its way to a reader who takes little at a time."""
        host, port = self.stack.address["correlator"].split(":")
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        plain.settimeout(60)
        plain.connect((host, int(port)))
        context = ssl.create_default_context(cafile=str(self.stack.authority.ca))
        reader = context.wrap_socket(plain, server_hostname=host)
        self.addCleanup(reader.close)
        reader.sendall((f"GET /api/v1/joined.ndjson?limit={rows} HTTP/1.1\r\nHost: localhost\r\n"
                        f"Authorization: Bearer {TOKENS['reader']}\r\n\r\n").encode())
        self.assertIn(b"200 OK", reader.recv(4096))
        return reader

    @staticmethod
    def is_whole(reader):
        end = b""
        try:
            while part := reader.recv(1 << 16):
                end = (end + part)[-5:]
        except OSError:
            return False
        return end == b"0\r\n\r\n"

    def test_a_table_on_its_way_ends_when_the_token_of_its_reader_is_taken_away(self):
        self.addCleanup(self.give_back_tokens)
        alerts = [dict(json.loads(alert("Wide"))["alerts"][0], fingerprint=f"{number:016x}",
                       labels={"alertname": "Wide", "number": str(number), "wide": "x" * 1000})
                  for number in range(EXPORTED)]
        for first in range(0, EXPORTED, 1000):
            body = dict(json.loads(alert("Wide")), alerts=alerts[first:first + 1000])
            status, text = self.stack.ask("ingest", "POST", "/webhook",
                                          f"Bearer {TOKENS['pusher']}", json.dumps(body))
            self.assertEqual(200, status, text)

        def rows():
            _, text = self.stack.ask("correlator", "GET", "/metrics", f"Bearer {TOKENS['reader']}")
            return float(text.split("\nalertjoin_join_rows ")[1].split()[0])
        wait_until(lambda: rows() >= EXPORTED, 60, "their rows")
        self.assertTrue(self.is_whole(self.begin_export(EXPORTED)))
        reader = self.begin_export(EXPORTED)
        self.stack.write_tokens({name: token for name, token in TOKENS.items() if name != "reader"})
        wait_until(lambda: self.stack.ask("correlator", "GET", "/metrics",
                                          f"Bearer {TOKENS['reader']}")[0] == 401, 30, "it is gone")
        self.assertFalse(self.is_whole(reader))

    def test_streams_end_when_their_role_is_taken_away(self):
        self.addCleanup(self.stack.write_security, ROLES)
        streams = self.open_streams("reader")
        self.stack.write_security({**ROLES, "reader": ["push"]})
        self.expect_ends(streams, "PERMISSION_DENIED", "PERMISSION_REVOKED", "role of reader")
        self.stack.write_security(ROLES)
        wait_until(lambda: self.opens("reader"), 30, "reader reads again")

    def test_streams_end_when_their_authority_is_no_longer_trusted(self):
        folder = self.stack.folder / "another"
        folder.mkdir()
        another = type(self.stack.authority)(folder)
        self.addCleanup(wait_until, self.takes_our_certificates, 30, "it is trusted again")
        self.addCleanup(self.stack.trust, self.stack.authority)
        streams = {**self.open_streams("pusher"), **self.open_streams("reader", "client")}
        # Who showed no certificate over HTTP stays.
        others = self.stack.open_events("correlator", "/api/v1/stream?progress_interval=100ms",
                                        f"Bearer {TOKENS['reader']}")
        self.addCleanup(others.close)
        self.stack.trust(another)
        self.expect_ends(streams, "UNAUTHENTICATED", "CREDENTIALS_REVOKED", "authority of clients")
        for _ in range(60):  # four lines each 0.1 s, longer than all of them took to end
            line = others.readline()
            self.assertTrue(line.endswith(b"\n"), "it has ended")
            self.assertNotIn(b"error", line)

    def takes_our_certificates(self):
        with self.stack.channel() as channel:
            code = self.code_of(channel, "/alertjoin.v1.CorrelatorService/ListSources",
                                f"Bearer {TOKENS['reader']}")
        return code == grpc.StatusCode.OK

    def test_streams_of_others_go_on(self):
        """A change of the file that does not concern a stream does not end it."""
        self.addCleanup(self.give_back_tokens)
        with self.stack.channel() as channel:
            call = channel.unary_stream("/alertjoin.v1.CorrelatorService/SubscribeJoinedRows")(
                support.api().SubscribeJoinedRowsRequest(
                    progress_interval={"nanos": 100_000_000}).SerializeToString(),
                timeout=30, metadata=[("authorization", f"Bearer {TOKENS['reader']}")])
            next(call)
            self.stack.write_tokens({name: token for name, token in TOKENS.items()
                                     if name != "admin"})
            wait_until(lambda: self.stack.ask("correlator", "POST", "/-/reload",
                                              f"Bearer {TOKENS['admin']}")[0] == 401, 30,
                       "the file was read")
            for _ in range(30):  # at a progress message each 0.1 s, three times the look of 1 s
                next(call)
            call.cancel()

    def give_back_tokens(self):
        """Waits until they hold, so that the next test begins with them."""
        self.stack.write_tokens(TOKENS)
        for user in ("reader", "pusher"):
            wait_until(lambda user=user: self.opens(user), 30, f"{user} is known again")

    def opens(self, user):
        """Whether the token opens what it is for, over both listeners of the correlator."""
        header = f"Bearer {TOKENS[user]}"
        method = "IngestService/PushEvents" if user == "pusher" else "CorrelatorService/ListSources"
        with self.stack.channel() as channel:
            code = self.code_of(channel, f"/alertjoin.v1.{method}", header)
        status = self.stack.ask("correlator", "GET", "/metrics", header)[0]
        return (code not in (UNAUTHENTICATED, DENIED)
                and status == (403 if user == "pusher" else 200))


if __name__ == "__main__":
    unittest.main()
