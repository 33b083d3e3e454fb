"""The live page of deploy/demo, in Chromium: real Prometheus, real Alertmanager, both services."""
import os
import pathlib
import re
import signal
import unittest
import urllib.request

import support
from alert_feed import FIRING, RESOLVED, Episode, now_ms
from demo_test import STARTED, Demo
from event_producer import EventProducer, LateSample
from fault_stack import notification
from page_driver import Page, same_value, shown_value
from process import Child, stop_all
from stack import is_ready
from support import wait_until


class DemoPageTest(unittest.TestCase):
    """Told as a timeline of one demo, which makes alerts all the while."""

    def setUp(self):
        self.page = Page(self)
        support.api()
        self.demo = Demo(self)
        self.addCleanup(self.end_demo)
        self.demo.wait_for(STARTED, 60)
        said = self.demo.said()
        self.address = re.search(r"live page +http://(\S+)/\n", said)[1]
        self.grpc = re.search(r"gRPC at (\S+)", said)[1]
        self.ingest = re.search(r"ingest-service +http://([^/]+)/", said)[1]

    def end_demo(self):
        """It may be stopped, and then nothing gentler ends it."""
        self.demo.process.kill()
        self.demo.end(10)

    def listed(self, **arguments):
        """What ListJoinedRows gives: rows by id."""
        with support.client.open_channel(self.grpc) as channel:
            rows, _ = support.list_all_rows(
                stub=support.api().CorrelatorServiceStub(channel), **arguments)
            return {row.row_id: row for row in rows}

    def await_same(self, what, **arguments):
        """Waits until the page shows exactly the rows that are listed, in the same revisions."""
        def told_apart():
            listed = self.listed(**arguments)
            shown = self.page.rows()
            same = listed and listed.keys() == shown.keys() and all(
                int(shown[row_id]["rev"]) == row.revision for row_id, row in listed.items())
            return (listed, shown) if same else None
        listed, shown = wait_until(told_apart, 60, what)
        for row_id, row in listed.items():
            self.check_cells(shown[row_id], row)
        return listed

    def check_cells(self, cells, row):
        match, transition = row.match, row.transition
        value = match.value if match.HasField("value") else None
        self.assertTrue(same_value(shown_value(cells["value"]), value), (cells, row))
        if transition.HasField("reported_value"):
            self.assertTrue(same_value(shown_value(cells["sent"]), transition.reported_value), cells)
        self.assertEqual("Firing" if transition.state == FIRING else "Resolved", cells["state"])
        self.assertEqual(transition.alert_name, cells["alert"])
        self.assertEqual("yes" if row.final else "open", cells["final"])

    def find_episode(self):
        """The firing and the resolved row of one episode and query, both final; None so far."""
        rows = list(self.listed(filter="alertname=QueueDeep", final_only=True).values())
        for fired in rows:
            for resolved in rows:
                if (fired.transition.state, resolved.transition.state) == (FIRING, RESOLVED) and all(
                        getattr(fired.transition, name) == getattr(resolved.transition, name)
                        for name in ("fingerprint", "starts_at")
                ) and fired.query == resolved.query and fired.query.comparison_operator:
                    return fired, resolved
        return None

    def choose_filter(self, text):
        self.page.evaluate(f"(() => {{ const input = document.querySelector('.filter-input');"
                           f"input.value = '{text}';"
                           "input.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'})); })()")

    def check_ring(self, row):
        self.page.evaluate(f"document.querySelector('[data-id=\"{row.row_id}\"]').click()")
        chosen = self.page.wait(
            "(() => { const plot = document.querySelector('.detail .plot-canvas');"
            "return plot?.dataset.chosenTime ? {...plot.dataset} : null; })()")
        self.assertEqual(row.match.sample_time.ToMilliseconds(), int(chosen["chosenTime"]))
        self.assertEqual(row.match.value, float(chosen["chosenValue"]))
        self.page.evaluate("document.querySelector('.detail button[title^=Close]').click()")

    def post_alert(self):
        """An alert that is joined with nothing, told to ingest-service alone."""
        alert = Episode(1, "free", "meanwhile", now_ms()).as_alert()
        request = urllib.request.Request(f"http://{self.ingest}/webhook/alertmanager",
                                         notification([alert]).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            self.assertEqual(200, response.status)

    def restart_correlator(self):
        """Kills the demo's correlator, lets an alert fire, and starts it again as the demo had. The
        demo, which would end, is stopped; it goes when the test kills it."""
        self.demo.process.send_signal(signal.SIGSTOP)
        pid = next(pid for pid, argv in self.demo.processes().items()
                   if "correlator-service" in argv)
        argv = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode().split("\0")
        folder = os.readlink(f"/proc/{pid}/cwd")
        os.kill(pid, signal.SIGKILL)
        self.page.wait_for_phase("reconnecting")
        self.post_alert()
        child = Child("correlator-service", argv, pathlib.Path(folder) / "again.log", folder)
        self.addCleanup(stop_all, [child])
        wait_until(lambda: is_ready(self.address), 30, "the correlator is ready again")

    def test_what_it_shows_is_what_the_correlator_lists(self):
        page = self.page
        page.open(f"{self.address}")
        page.wait_for_phase("live")
        page.evaluate("window.sameDocument = true")

        # A late sample changes the cell, which says what it was.
        late = LateSample(EventProducer(self, self.grpc), now_ms() - 2_000,
                          {"alertname": "Late", "instance": "late-instance"})
        late.fire()
        self.await_late_row(value="11", was="")
        late.arrive()
        self.await_late_row(value="22.5", was="was 11")
        row, = self.listed(filter="alertname=Late").values()
        self.assertEqual(support.api().CAUSE_LATE_SAMPLE, row.cause)

        # Rows come by themselves, among them an episode's both, each with its own moment's value.
        fired, resolved = wait_until(self.find_episode, 120, "an episode of QueueDeep is over")
        self.assertGreater(fired.match.value, 90)
        self.assertLessEqual(resolved.match.value, 90)
        listed = self.await_same("the page shows what is listed")
        self.assertLessEqual({fired.row_id, resolved.row_id}, listed.keys())
        self.assertTrue(page.evaluate("window.sameDocument"), "it was never loaded again")
        self.check_ring(fired)
        self.check_ring(resolved)

        # A filter narrows, and survives a reload.
        self.choose_filter('alertname="QueueDeep"')
        narrowed = self.await_same("the filter narrows", filter="alertname=QueueDeep")
        self.assertLess(len(narrowed), len(self.listed()))
        page.reload()
        page.wait_for_phase("live")
        self.await_same("the filter survives a reload", filter="alertname=QueueDeep")

        # The correlator dies and comes back: the page goes on, and nothing is missed or doubled.
        self.choose_filter("")
        self.await_same("all rows are there again")
        page.evaluate("window.sameDocument = true")
        self.restart_correlator()
        page.wait_for_phase("live", 60)
        wait_until(lambda: self.listed(filter="alertname=Fault"), 60, "the alert of meanwhile")
        after = self.await_same("nothing is missed")
        # One that says of its transition that there is no series may have given way to some.
        self.assertLess({row_id for row_id, row in listed.items() if row.final}, after.keys())
        self.assertTrue(page.evaluate("window.sameDocument"), "it was never loaded again")
        self.assertEqual([], page.complaints())

    def await_late_row(self, **cells):
        def is_shown():
            return any(row["alert"] == "Late" and cells.items() <= row.items()
                       for row in self.page.rows().values())
        wait_until(is_shown, 30, f"the page shows {cells}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
