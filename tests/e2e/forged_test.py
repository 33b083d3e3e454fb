"""Forged webhooks against a running ingest-service: with no secret, a wrong one, that of another
source, or a signed request that is sent again: none is taken, each is counted, and no secret shows."""
import base64
import hashlib
import hmac
import http.client
import json
import re
import time
import unittest

import support
from alert_feed import _rfc3339, now_ms
from fault_stack import FaultStack, notification
from support import wait_until

SECRETS = {name: f"canary-{name}-secret" for name in ("bearer", "basic", "signed", "other")}
WINDOW_SECONDS = 5
SOURCES = f"""alert_sources:
  - {{name: bearer, authorization: {{credentials: {SECRETS["bearer"]}}}}}
  - {{name: basic, basic_auth: {{username: am, password: {SECRETS["basic"]}}}}}
  - {{name: signed, hmac: {{secret: {SECRETS["signed"]}, header: X-Sign, timestamp_header: X-Time,
                          window: {WINDOW_SECONDS}s}}}}
  - {{name: other, hmac: {{secret: {SECRETS["other"]}, header: X-Sign, timestamp_header: X-Time,
                         window: {WINDOW_SECONDS}s}}}}"""


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def basic(secret, user="am"):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def signed(secret, body, age=0, shown_age=None):
    """shown_age: of the timestamp that is shown, where it is not the one that was signed."""
    at, shown = (str(int(time.time()) - seconds)
                 for seconds in (age, age if shown_age is None else shown_age))
    digest = hmac.new(secret.encode(), f"{at}:{body}".encode(), hashlib.sha256)
    return {"X-Sign": digest.hexdigest(), "X-Time": shown}


class ForgedTest(unittest.TestCase):
    def setUp(self):
        support.api()
        self.stack = FaultStack(self, ingests=("one",))
        path = self.stack.directory / "one.yml"
        text = path.read_text(encoding="utf-8")
        self.assertIn("alert_sources: [{name: alertmanager}]", text)
        path.write_text(text.replace("alert_sources: [{name: alertmanager}]", SOURCES),
                        encoding="utf-8")
        self.stack.start_all()
        self.number = 0

    def body(self, name):
        self.number += 1
        return notification([{
            "status": "firing", "labels": {"alertname": name, "number": str(self.number)},
            "annotations": {}, "startsAt": _rfc3339(now_ms()), "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "", "fingerprint": f"{self.number:016x}"}])

    def send(self, path, body, headers):
        connection = http.client.HTTPConnection(self.stack.address["one"], timeout=20)
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        answer = response.read().decode()
        connection.close()
        self.assertFalse([secret for secret in SECRETS.values() if secret in answer], answer)
        return response.status

    def forgeries(self, source, body):
        """Headers by what is wrong with them."""
        others = [secret for name, secret in SECRETS.items() if name != source]
        found = {"none": {}, "empty": {"Authorization": "", "X-Sign": "", "X-Time": ""}}
        for number, secret in enumerate(("wrong", *others)):
            kind = f"secret {number}"
            found[f"bearer, {kind}"] = bearer(secret)
            found[f"basic, {kind}"] = basic(secret)
            found[f"signed, {kind}"] = signed(secret, body)
        if source == "bearer":
            found["in the wrong scheme"] = basic(SECRETS[source])
        elif source == "basic":
            found["of another user"] = basic(SECRETS[source], "eve")
        else:
            old = WINDOW_SECONDS + 60
            found["after the window"] = signed(SECRETS[source], body, age=old)
            found["before the window"] = signed(SECRETS[source], body, age=-old)
            found["another time is shown"] = signed(SECRETS[source], body, age=old, shown_age=0)
            found["of another body"] = signed(SECRETS[source], body + " ")
            found["without the time"] = {"X-Sign": signed(SECRETS[source], body)["X-Sign"]}
        return found

    def metrics(self):
        connection = http.client.HTTPConnection(self.stack.address["one"], timeout=20)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def denied(self):
        return sum(float(value) for value in re.findall(
            r"^alertjoin_webhook_denied_total\{.*\} (\S+)$", self.metrics(), re.M))

    def test_forged_webhooks_are_not_taken(self):
        forged = 0
        for source in SECRETS:
            paths = [f"/webhook/{source}", f"/prometheus/{source}/api/v2/alerts"]
            if source == "bearer":  # it owns what is sent without a name
                paths += ["/", "/webhook", "/api/v1/alerts", "/api/v2/alerts"]
            for path in paths:
                body = self.body("Forged")
                for what, headers in self.forgeries(source, body).items():
                    with self.subTest(source=source, path=path, what=what):
                        self.assertIn(self.send(path, body, headers), (401, 403))
                        forged += 1
        self.assertGreater(forged, 100)
        self.assertEqual(forged, self.denied())
        for source, headers in (("bearer", lambda _: bearer(SECRETS["bearer"])),
                                ("basic", lambda _: basic(SECRETS["basic"])),
                                ("signed", lambda body: signed(SECRETS["signed"], body)),
                                ("other", lambda body: signed(SECRETS["other"], body))):
            body = self.body("True")
            self.assertEqual(200, self.send(f"/webhook/{source}", body, headers(body)), source)
        # What was taken before them would be there before them.
        names = wait_until(lambda: (names := self.names()).count("True") == 4 and names, 20, "rows")
        self.assertEqual(["True"] * 4, names)
        print(f"{forged} forged webhooks, none taken", flush=True)
        self.expect_no_secret()

    def test_a_signed_webhook_that_is_sent_again(self):
        body = self.body("Again")
        headers = signed(SECRETS["signed"], body)
        self.assertEqual(200, self.send("/webhook/signed", body, headers))
        # Of another source it is forged at once; of its own it changes nothing, and soon is refused.
        self.assertEqual(403, self.send("/webhook/other", body, headers))
        statuses = []

        def refused():
            statuses.append(self.send("/webhook/signed", body, headers))
            return statuses[-1] == 403
        wait_until(refused, WINDOW_SECONDS + 20, "it is refused after the window")
        self.assertEqual({200, 403}, {200, *statuses})
        wait_until(self.names, 20, "its row")
        self.assertEqual(["Again"], self.names())

    def names(self):
        return [row.transition.alert_name for row in self.stack.rows()[0]]

    def expect_no_secret(self):
        texts = [self.metrics(), self.stack.log_of("one"), self.stack.log_of("correlator"),
                 json.dumps([str(row) for row in self.stack.rows()[0]])]
        for secret in SECRETS.values():
            self.assertFalse([text for text in texts if secret in text])


if __name__ == "__main__":
    unittest.main()
