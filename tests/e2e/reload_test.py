"""A new configuration is taken while the services run: whole or not at all, and without a loss."""
import http.client
import re
import signal
import unittest

import support
from alert_feed import Feed, await_rows
from fault_stack import FaultStack, notification
from follower import Follower
from support import wait_until

RELOADS = 6
SUCCESSFUL = "alertjoin_config_last_reload_successful"
SINCE = "alertjoin_config_last_reload_success_timestamp_seconds"
FAULTY = "nonsense: 1\n"


def request(address, method, path, body=None, headers=None):
    """Status and text. Without a body it has no Content-Length, as curl -X POST sends it."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.putrequest(method, path)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode() if body is not None else None)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def metrics(address):
    """The values of all series by their text, such as name{label="value"}."""
    text = request(address, "GET", "/metrics")[1]
    return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*?(?:\{.*\})?) (\S+)$",
                                                             text, re.M)}


class ReloadTest(unittest.TestCase):
    def setUp(self):
        support.api()
        self.stack = FaultStack(self, ingests=["one"])

    def path(self, name):
        return self.stack.directory / f"{name}.yml"

    def change(self, name, *replacements, add=""):
        """Rewrites a configuration; every replacement must find its text."""
        text = self.path(name).read_text(encoding="utf-8")
        for old, new in replacements:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.path(name).write_text(text + add, encoding="utf-8")

    def reload(self, name, method="POST"):
        return request(self.stack.address[name], method, "/-/reload")

    def metric(self, name, series):
        return metrics(self.stack.address[name]).get(series)

    def gauges_of(self, source):
        """The names of the gauges that ingest-service shows of a metrics source."""
        text = request(self.stack.address["one"], "GET", "/metrics")[1]
        gauges = set(re.findall(r"^# TYPE (\w+) gauge$", text, re.M))
        of_source = set(re.findall(rf'^(\w+)\{{[^\n]*\bsource="{source}"', text, re.M))
        return gauges & of_source

    def test_a_bad_file_changes_nothing_and_says_where_it_is_bad(self):
        self.stack.start_all()
        for name in ("correlator", "one"):
            with self.subTest(name):
                good = self.path(name).read_text(encoding="utf-8")
                since = self.metric(name, SINCE)
                self.assertEqual(self.metric(name, SUCCESSFUL), 1)
                self.path(name).write_text(good + FAULTY, encoding="utf-8")
                status, text = self.reload(name)
                self.assertEqual(status, 500)
                line = len(good.splitlines()) + 1
                self.assertIn(f"{name}.yml:{line}:1: unknown key \"nonsense\"", text)
                self.assertEqual(self.metric(name, SUCCESSFUL), 0)
                self.assertEqual(self.metric(name, SINCE), since)
                self.assertEqual(request(self.stack.address[name], "GET", "/-/ready")[0], 200)
                self.path(name).write_text(good, encoding="utf-8")
                self.assertEqual(self.reload(name, "PUT"), (200, ""))
                self.assertEqual(self.metric(name, SUCCESSFUL), 1)
                self.assertGreater(self.metric(name, SINCE), since)
                # The same by signal.
                self.path(name).write_text(good + FAULTY, encoding="utf-8")
                self.stack.signal(name, signal.SIGHUP)
                wait_until(lambda n=name: self.metric(n, SUCCESSFUL) == 0, 30, "refused")
                self.path(name).write_text(good, encoding="utf-8")
                self.stack.signal(name, signal.SIGHUP)
                wait_until(lambda n=name: self.metric(n, SUCCESSFUL) == 1, 30, "taken")
                self.assertEqual(self.reload(name, "GET")[0], 405)

    def test_what_cannot_change_is_refused_by_its_name(self):
        self.stack.start_all()
        keys = {
            "correlator": {"grpc.listen_address": "grpc: {listen_address: \"127.0.0.1:1\"}",
                           "data.path": "data: {path: elsewhere}",
                           "limits.log_bytes": "limits: {log_bytes: 1GiB}"},
            "one": {"producer_id": "producer_id: other", "spool.path": "spool: {path: elsewhere}",
                    "correlator.address": "correlator: {address: \"127.0.0.1:1\"}",
                    "dead_letters.count_max": "dead_letters: {count_max: 3}"}}
        for name, lines in keys.items():
            good = self.path(name).read_text(encoding="utf-8")
            for key, line in lines.items():
                with self.subTest(key):
                    first = line.partition(":")[0]
                    others = [old for old in good.splitlines() if not old.startswith(first + ":")]
                    self.path(name).write_text("\n".join([*others, line, ""]), encoding="utf-8")
                    status, text = self.reload(name)
                    self.assertEqual(status, 500)
                    self.assertIn(f"{key} cannot change while the service runs: restart it", text)
            self.path(name).write_text(good, encoding="utf-8")

    def test_alert_sources_and_their_secrets_change_at_once(self):
        self.stack.start_all()
        body = notification([])
        address = self.stack.address["one"]
        self.assertEqual(request(address, "POST", "/webhook/second", body)[0], 404)
        self.change("one", ("alert_sources: [{name: alertmanager}]",
                            "alert_sources: [{name: alertmanager}, {name: second, "
                            "authorization: {credentials: first-secret}}]"))
        self.assertEqual(self.reload("one")[0], 200)
        for old, new in (("first-secret", "second-secret"), ("second-secret", "first-secret")):
            by_old, by_new = ({"Authorization": f"Bearer {secret}"} for secret in (old, new))
            self.assertEqual(request(address, "POST", "/webhook/second", body, by_old)[0], 200)
            self.assertEqual(request(address, "POST", "/webhook/second", body, by_new)[0], 401)
            self.change("one", (old, new))
            self.assertEqual(self.reload("one")[0], 200)
            self.assertEqual(request(address, "POST", "/webhook/second", body, by_old)[0], 401)
            self.assertEqual(request(address, "POST", "/webhook/second", body, by_new)[0], 200)

    def test_a_new_source_is_polled_and_the_other_one_goes_on(self):
        self.stack.start_all()
        polls = 'alertjoin_poll_total{outcome="ok",source="%s"}'
        count = lambda source: self.metric("one", polls % source) or 0  # noqa: E731
        wait_until(lambda: count("prometheus") >= 2, 20, "polls")
        second = (f"  - {{name: second, url: \"http://{self.stack.address['prometheus']}\", "
                  "queries: [{name: depth, expr: depth, interval: 1s}]}\n")
        self.change("one", ("metrics_sources:\n", "metrics_sources:\n" + second))
        before = count("prometheus")
        self.assertEqual(self.reload("one"), (200, ""))
        wait_until(lambda: count("second") >= 2, 20, "polls of the new one")
        wait_until(lambda: count("prometheus") >= before + 2, 20, "polls of the old one")
        self.assertNotIn("has changed", self.stack.log_of("one"))
        self.assertLessEqual({"alertjoin_metrics_source_health", "alertjoin_rules",
                              "alertjoin_learnt_queries_polled"}, self.gauges_of("second"))
        remaining = self.gauges_of("prometheus")
        self.change("one", (second, ""))
        self.assertEqual(self.reload("one"), (200, ""))
        ended = count("second")
        before = count("prometheus")
        wait_until(lambda: count("prometheus") >= before + 3, 20, "polls of the one that is left")
        self.assertLessEqual(count("second"), ended + 1)
        self.assertIn('msg="a metrics source is gone" source=second', self.stack.log_of("one"))
        # What it was last does not stand there for ever; what is left is shown as before.
        wait_until(lambda: not self.gauges_of("second"), 30, "its gauges are gone")
        wait_until(lambda: remaining <= self.gauges_of("prometheus"), 30, "others have stayed")

    def test_no_alert_is_lost_or_wrong_while_sources_are_exchanged(self):
        dice = support.seeded_random()
        self.stack.start_all()
        follower = Follower(self.stack.address["grpc"])
        follower.start()
        feed = Feed(self.stack, dice)
        feed.start(senders=4, pause_seconds=0.1)
        for number in range(RELOADS):
            feed.pause(1)
            # Another timeout, another source; every second time other bindings and looks, too.
            self.change("one", (f"timeout: {5 + number}s", f"timeout: {6 + number}s"))
            if number % 2:
                self.change("one", ("bindings:\n", f"reconcile: {{interval: {number + 10}s}}\n"
                                    "bindings:\n") if number == 1 else
                            (f"interval: {number + 8}s}}", f"interval: {number + 10}s}}"))
            self.assertEqual(self.reload("one"), (200, ""))
        feed.pause(1)
        feed.stop()
        self.assertEqual(feed.retries, 0)
        rows, _ = await_rows(self.stack, follower, feed.expected)
        print(f"{RELOADS} reloads, {feed.count()} notifications, {len(rows)} rows, all as expected")
        self.assertEqual(self.stack.log_of("one").count('msg="a metrics source has changed"'),
                         RELOADS)

    def test_limits_of_the_correlator_change_at_once(self):
        self.stack.start("correlator")
        self.change("correlator", add="limits: {subscribers: 1}\nlog: {level: debug}\n")
        self.assertEqual(self.reload("correlator"), (200, ""))
        follower = Follower(self.stack.address["grpc"])
        follower.start()
        with support.client.open_channel(self.stack.address["grpc"]) as channel:
            stub = support.api().CorrelatorServiceStub(channel)
            subscribe = lambda: next(iter(stub.SubscribeJoinedRows(  # noqa: E731
                support.api().SubscribeJoinedRowsRequest(), timeout=10)))
            with self.assertRaisesRegex(Exception, "1 subscribers already"):
                subscribe()
            self.change("correlator", ("subscribers: 1}", "subscribers: 2}"))
            self.assertEqual(self.reload("correlator"), (200, ""))
            self.assertTrue(subscribe().HasField("started"))
        follower.stop()


if __name__ == "__main__":
    unittest.main()
