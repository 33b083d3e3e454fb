"""`alertjoin forward` against both services: what each target gets, and what a later run knows."""
import json
import re
import signal
import tomllib
import unittest

from alert_feed import now_ms
from fake_target import TAKE, FakeTarget
from forwarding import (TOKEN, WAIT_SECONDS, Forwarding, await_taken, documented_configurations,
                        events_of)
from package_stack import PackageStack
from support import of_class, wait_until


class TargetsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = PackageStack(of_class(cls), seed=4)
        for _ in range(4):
            cls.stack.tell_of_new()

    def setUp(self):
        """Nothing is under way any more that an earlier test has told."""
        self.rows = {row.row_id: row for row in self.stack.await_final()}

    def test_a_webhook_gets_each_row_as_a_cloud_event(self):
        target = FakeTarget(self, token=TOKEN)
        Forwarding(self, self.stack, "--since", "1h", "--once", target="webhook",
                   url=target.url + "/hook?key=1").run()
        self.assertEqual({"/hook?key=1"}, {taken.path for taken in target.taken})
        self.assertTrue(target.taken[0].headers["Content-Type"].startswith(
            "application/cloudevents+json"))
        bodies = {body["id"]: body for body in target.bodies()}
        self.assertEqual(len(bodies), len(target.bodies()))
        self.assertEqual({f"{row.row_id}/{row.revision}" for row in self.rows.values()},
                         set(bodies))
        for body in bodies.values():
            self.assertEqual(("1.0", "/alertjoin/alertmanager", True),
                             (body["specversion"], body["source"], body["final"]))
            row = self.rows[body["data"]["rowId"]]
            self.assertEqual(row.match.value, body["data"]["match"]["value"])
            state = "resolved" if row.transition.state == 2 else "firing"
            self.assertEqual(f"alertjoin.alert.{state}", body["type"])
            self.assertTrue(all(re.fullmatch("[a-z0-9]{1,20}", name) for name in body))

    def test_the_documented_filter_selects_what_it_says(self):
        wanted = [self.stack.tell_of_new(severity=severity) for severity in ("page", "critical")]
        self.stack.tell_of_new(severity="ticket")
        self.stack.await_final()
        target = FakeTarget(self, token=TOKEN)
        config, = documented_configurations()
        shown = tomllib.loads(config)["filter"]
        Forwarding(self, self.stack, "--since", "1h", "--once", "--filter", shown,
                   target="webhook", url=target.url).run()
        self.assertEqual({episode.fingerprint for episode in wanted},
                         {body["data"]["transition"]["fingerprint"] for body in target.bodies()})

    def test_grafana_has_one_annotation_from_start_to_end(self):
        target = FakeTarget(self, token=TOKEN)
        episode = self.stack.tell_of_new(ended=False, case="grafana")
        forwarding = Forwarding(self, self.stack, "--since", "1h", "--filter", "case=grafana",
                                "--metrics-address", "127.0.0.1:0", target="grafana",
                                url=target.url)
        forwarding.start()
        await_taken(target, 1, "the annotation")
        forwarding.wait_until_noted()
        forwarding.kill()
        self.stack.tell(episode.ended(episode.starts_ms + 2000), case="grafana")
        forwarding.start()
        await_taken(target, 2, "its end")
        begun, ended = target.taken
        self.assertEqual(("POST", "/api/annotations"), (begun.method, begun.path))
        self.assertEqual(("PATCH", "/api/annotations/1"), (ended.method, ended.path))
        self.assertEqual(episode.starts_ms, begun.body["time"])
        self.assertNotIn("timeEnd", begun.body)
        self.assertEqual((episode.starts_ms, episode.starts_ms + 2000),
                         (ended.body["time"], ended.body["timeEnd"]))
        self.assertIn("alertname:Fault", begun.body["tags"])
        self.assertEqual(begun.body["tags"][-1], ended.body["tags"][-1])

    def test_an_annotation_that_was_removed_is_made_again(self):
        def fault(path, body):
            return 404 if path != "/api/annotations" else TAKE
        target = FakeTarget(self, fault, token=TOKEN)
        episode = self.stack.tell_of_new()
        self.stack.await_final()
        forwarding = Forwarding(self, self.stack, "--since", "1h", "--once", "--filter",
                                f"number={episode.number}", target="grafana", url=target.url)
        forwarding.run()
        self.assertEqual([False, True], ["timeEnd" in body for body in target.bodies()])
        self.assertFalse((forwarding.folder / "state.dead-letters").exists())

    def test_nothing_is_sent_twice_by_a_later_run_or_after_a_change_of_the_filter(self):
        target = FakeTarget(self, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--since", "1h", "--once", url=target.url)
        forwarding.run()
        sent = len(target.taken)
        self.assertEqual(len(self.transitions()), sent)
        forwarding.run()
        self.assertEqual(sent, len(target.taken))
        forwarding._command += ["--filter", "alertname=Fault"]
        _, log = forwarding.run()
        self.assertIn("begins anew", log)
        self.assertEqual(sent, len(target.taken))

    def test_a_webhook_is_told_nothing_twice_when_it_is_to_wait_no_longer(self):
        target = FakeTarget(self, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--since", "1h", "--once", target="webhook",
                                url=target.url)
        forwarding.run()
        forwarding._command += ["--max-wait", "1h"]
        _, log = forwarding.run()
        self.assertIn("begins anew", log)
        self.assertEqual(len(self.rows), len(target.taken))

    def transitions(self):
        return {(row.transition.fingerprint, row.transition.state) for row in self.rows.values()}

    def test_all_sends_what_may_still_change_too(self):
        target = FakeTarget(self, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--all", "--filter", "case=all", url=target.url)
        forwarding.start()
        forwarding.wait_for_log("forwarding")
        # It does not settle before Prometheus answers again.
        self.stack.signal("prometheus", signal.SIGSTOP)
        self.addCleanup(self.stack.signal, "prometheus", signal.SIGCONT)
        number = str(self.stack.tell_of_new(ended=False, began_ms=now_ms(), case="all").number)
        wait_until(lambda: events_of(target, number), WAIT_SECONDS, "it is told",
                   seen=target.bodies)
        self.stack.signal("prometheus", signal.SIGCONT)
        wait_until(lambda: any("Provisional" not in event["description"]
                               for event in events_of(target, number)), WAIT_SECONDS,
                   "what is final is told", seen=target.bodies)
        events = events_of(target, number)
        self.assertIn("Provisional", events[0]["description"])
        self.assertEqual(1, len({event["tags"]["alertjoin_episode"] for event in events}))

    def test_a_dry_run_prints_and_notes_nothing(self):
        forwarding = Forwarding(self, self.stack, "--since", "1h", "--once", "--dry-run",
                                "--no-scope")
        printed, _ = forwarding.run()
        lines = [json.loads(line) for line in printed.splitlines()]
        self.assertEqual(len(self.transitions()), len(lines))
        self.assertEqual({"/api/v2/events"}, {line["path"] for line in lines})
        self.assertFalse((forwarding.folder / "state").exists())

    def test_one_forwarder_at_a_time(self):
        target = FakeTarget(self, token=TOKEN)
        forwarding = Forwarding(self, self.stack, "--metrics-address", "127.0.0.1:0",
                                url=target.url)
        forwarding.start()
        metrics = forwarding.metrics()  # The state is its own by then.
        _, log = forwarding.run(status=1)
        self.assertIn("STATE_NOT_USABLE", log)
        self.assertIn("# TYPE alertjoin_forward_sent_total counter", metrics)
        self.assertEqual(0, forwarding.terminate())
        forwarding._command[forwarding._command.index("sysdig")] = "grafana"
        _, log = forwarding.run(status=1)
        self.assertIn("is of the target", log)


if __name__ == "__main__":
    unittest.main()
