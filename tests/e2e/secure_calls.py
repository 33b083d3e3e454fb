"""What tests of access have in common: who calls, what a call ends with, and a stack of their own."""
import base64
import datetime
import json
import re
import threading
import unittest

import grpc

import support
from secure_stack import CANARY, PASSWORD, ROLES, TOKENS, USER, SecureStack

# The answers of a call that was let through depend on its arguments; these say that it was not.
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
DENIED = grpc.StatusCode.PERMISSION_DENIED


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


def resume_token_of(error):
    """The token at which to go on, in the same ErrorInfo; "" without one."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    found = re.search(rb"\x0cresume_token\x12([\x80-\xff]?[\x00-\x7f])([\w=-]*)", details)
    if not found:
        return ""
    length = sum((byte & 0x7f) << 7 * i for i, byte in enumerate(found[1]))
    return found[2][:length].decode()


def endless(first):
    """One message, and then none."""
    yield first
    threading.Event().wait(60)


def alert(name):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    return json.dumps({
        "version": "4", "status": "firing", "receiver": "alertjoin", "groupKey": "{}",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am",
        "truncatedAlerts": 0,
        "alerts": [{"status": "firing", "labels": {"alertname": name}, "annotations": {},
                    "startsAt": now, "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
                    "fingerprint": "0011223344556677"}]})


class SecureCase(unittest.TestCase):
    """One stack serves all tests of a class; what they change they put back."""

    @classmethod
    def setUpClass(cls):
        cls.stack = SecureStack(support.of_class(cls))
        cls.stack.start()

    def tearDown(self):
        self.stack.check()
        logs = self.stack.logs()
        for secret in self.secrets():
            self.assertNotIn(secret, logs)

    def secrets(self):
        """Every secret there is has the canary in it, or is listed here."""
        return [CANARY, self.stack.hash, base64.b64encode(PASSWORD.encode()).decode()[:16],
                basic(USER, PASSWORD).split()[1],
                (self.stack.folder / "pair" / "key.pem").read_text().splitlines()[1]]

    def end_of_call(self, channel, method, authorization):
        """What an empty call of the method ends with, and the reason in its ErrorInfo; OK for the
        first message of a stream."""
        call = channel.unary_stream(method, lambda request: request, lambda answer: answer)(
            b"", timeout=30, metadata=[("authorization", authorization)] if authorization else [])
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

    def metric(self, name, line):
        return line in self.stack.ask(name, "GET", "/metrics", f"Bearer {TOKENS['reader']}")[1]
