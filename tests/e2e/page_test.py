"""The live page on real services, in Chromium: what it shows is what the correlator lists."""
import json
import os
import pathlib
import subprocess
import unittest

import support
from alert_feed import FIRING, Episode, find_faults, now_ms
from event_producer import EventProducer, LateSample
from fault_stack import FaultStack, notification
from fake_prometheus import INSTANCES
from page_driver import Page, same_value, shown_value
from support import wait_until

MATCHED = 1  # MatchState

# What any page can do: the browser itself asks again, behind the last id.
_FOLLOW = """
window.follow = {held: {}, told: [], source: new EventSource('/api/v1/stream?progress_interval=1s')};
follow.source.addEventListener('rows', (event) => {
  for (const row of JSON.parse(event.data).rows) {
    follow.told.push(`${row.rowId} ${row.sequence}`);
    if (row.operation === 'OPERATION_DELETE') delete follow.held[row.rowId];
    else follow.held[row.rowId] = Number(row.revision);
  }
});
"""


class PageTest(unittest.TestCase):
    """Told as a timeline; everything that it looks at came over HTTP, from the page's own address."""

    def setUp(self):
        self.page = Page(self)
        support.api()
        self.stack = FaultStack(self, ingests=["one"])
        self.stack.start_all()
        self.numbers = iter(range(1, 1000))
        self.expected = {}  # Rows of what was sent, by key.

    def fire(self, instance=INSTANCES[0], kind="measured"):
        episode = Episode(next(self.numbers), kind, instance, now_ms())
        self.send(episode)
        return episode

    def send(self, episode):
        self.assertEqual(200, self.stack.post("one", notification([episode.as_alert()])))
        self.expected.update(episode.expected_rows())

    def all_there(self):
        """Whether the correlator lists what was sent, all of it and final."""
        rows, _ = self.stack.rows(filter="alertname!=Late")
        return all(row.final for row in rows) and not find_faults(rows, self.expected)

    def await_same(self, what, **arguments):
        """Waits until everything sent is listed, final, and the page shows exactly the rows that the
        correlator lists for these arguments. Returns both, by row id."""
        def told_apart():
            listed = {row.row_id: row for row in self.stack.rows(**arguments)[0]}
            if not self.all_there() or not all(row.final for row in listed.values()):
                return None
            shown = self.page.rows()
            if set(shown) != set(listed) or any(int(cells["rev"]) != listed[row_id].revision
                                                for row_id, cells in shown.items()):
                return None
            return listed, shown
        listed, shown = wait_until(told_apart, 60, what)
        for row_id, row in listed.items():
            cells = shown[row_id]
            value = row.match.value if row.match.HasField("value") else None
            self.assertTrue(same_value(shown_value(cells["value"]), value), (cells, row))
            self.assertEqual("Firing" if row.transition.state == FIRING else "Resolved",
                             cells["state"])
            self.assertEqual("yes", cells["final"])
            self.assertEqual(row.query.name or "–", cells["query"])
        return listed, shown

    def check_command(self, command, row):
        """What is copied as grpcurl can be run as it is; skipped where there is none."""
        if not support.find_grpcurl():
            return
        folder = pathlib.Path(support.find_grpcurl()).parent
        answer = json.loads(subprocess.run(
            ["/bin/sh", "-c", command], env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE, timeout=60, check=True).stdout)
        # Builds of grpcurl differ in how they write names.
        self.assertIn(row.row_id, (answer["row"].get("rowId"), answer["row"].get("row_id")))
        self.assertTrue(answer["series"])

    def check_a_late_sample(self):
        """It changes the cell in place, which says what it was; only then the row is final."""
        late = LateSample(EventProducer(self, self.stack.address["grpc"]), now_ms() - 2_000,
                          {"alertname": "Late", "instance": "late-instance"})
        late.fire()
        row = self.await_late_row(value="11", was="")
        self.assertEqual((1, late.EARLY_VALUE), (row.revision, row.match.value))
        late.arrive()
        row = self.await_late_row(value="22.5", was="was 11")
        self.assertEqual((2, late.LATE_VALUE), (row.revision, row.match.value))
        self.assertEqual(support.api().CAUSE_LATE_SAMPLE, row.cause)
        self.assertEqual(late.late_ms, row.match.sample_time.ToMilliseconds())
        self.assertEqual("Last change: late sample", self.page.evaluate(
            f"document.querySelector('[data-id=\"{row.row_id}\"] .c-rev').title"))
        late.settle()

    def await_late_row(self, **cells):
        """Waits until the page shows this of the late sample's row. Returns what is listed then."""
        def is_shown():
            return any(row["alert"] == "Late" and cells.items() <= row.items()
                       for row in self.page.rows().values())
        wait_until(is_shown, 30, f"the page shows {cells}")
        row, = self.stack.rows(filter="alertname=Late")[0]
        return row

    def test_it_shows_what_is_and_misses_nothing(self):
        page, stack = self.page, self.stack
        page.open(stack.address["correlator"])
        page.wait_for_phase("live")
        self.assertIn("No alert has fired", page.evaluate("document.body.innerText"))

        # Rows appear without a reload.
        first = self.fire()
        page.wait("document.querySelectorAll('.row:not([hidden])').length > 0")
        self.send(first.ended(now_ms()))
        other = self.fire(INSTANCES[1])
        listed, _ = self.await_same("the page shows both alerts")
        self.assertEqual({FIRING, 2}, {row.transition.state for row in listed.values()})

        self.check_a_late_sample()
        listed, _ = self.await_same("the page shows the late sample's row, too")

        # The ringed point is the row's own sample.
        row = next(row for row in listed.values() if row.match.state == MATCHED)
        page.evaluate(f"document.querySelector('[data-id=\"{row.row_id}\"]').click()")
        chosen = page.wait("(() => { const plot = document.querySelector('.detail .plot-canvas');"
                           "return plot?.dataset.chosenTime ? {...plot.dataset} : null; })()")
        self.assertEqual(row.match.sample_time.ToMilliseconds(), int(chosen["chosenTime"]))
        self.assertEqual(row.match.value, float(chosen["chosenValue"]))
        # What it offers to copy names the true port.
        command = page.wait("[document.querySelector('.detail .actions button[title^=grpcurl]').title]"
                            f".find((text) => text.includes(' {stack.address['grpc']} '))")
        self.check_command(command, row)
        page.evaluate("document.querySelector('.detail button[title^=Close]').click()")

        # A filter narrows, and survives a reload.
        matcher = f'instance="{INSTANCES[1]}"'
        page.evaluate(f"(() => {{ const input = document.querySelector('.filter-input');"
                      f"input.value = '{matcher}';"
                      "input.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'})); })()")
        narrowed, _ = self.await_same("the filter narrows", filter=matcher)
        self.assertLess(len(narrowed), len(listed))
        page.reload()
        page.wait_for_phase("live")
        self.await_same("the filter survives a reload", filter=matcher)

        # The correlator dies, alerts go on, and it comes back: the page does by itself.
        page.open(stack.address["correlator"])
        self.await_same("all rows are there again")
        page.evaluate("window.sameDocument = true")
        stack.kill("correlator")
        page.wait_for_phase("reconnecting")
        self.send(other.ended(now_ms()))
        self.fire(kind="lost", instance="elsewhere")
        stack.start("correlator")
        page.wait_for_phase("live", 60)
        after, _ = self.await_same("nothing is missed")
        self.assertGreater(len(after), len(listed))
        self.assertTrue(page.evaluate("window.sameDocument"), "it was never loaded again")

        # The other views find what they ask for.
        page.evaluate("[...document.querySelectorAll('.tab')].at(-1).click()")
        page.wait("document.querySelectorAll('.query').length >= 2")
        page.wait("document.querySelector('.health')")
        self.assertEqual([], page.complaints())

    def test_an_event_source_of_the_browser_misses_nothing(self):
        page, stack = self.page, self.stack

        def all_told():
            listed = {row.row_id: row.revision for row in stack.rows()[0]}
            return self.all_there() and page.evaluate("follow.held") == listed

        page.open(stack.address["correlator"])
        page.evaluate(_FOLLOW)
        first = self.fire()
        self.fire(INSTANCES[1])
        wait_until(all_told, 60, "the browser is told of both alerts")
        stack.kill("correlator")
        page.wait("follow.source.readyState === EventSource.CONNECTING")
        self.send(first.ended(now_ms()))
        self.fire(kind="lost", instance="elsewhere")
        stack.start("correlator")
        wait_until(all_told, 60, "the browser is told of what came meanwhile")
        told = page.evaluate("follow.told")
        self.assertEqual(len(told), len(set(told)), "nothing is told twice")


if __name__ == "__main__":
    unittest.main()
