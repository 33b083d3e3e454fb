"""The live page on real services, in Chromium: what it shows is what the correlator lists."""
import math
import unittest

import support
from alert_feed import FIRING, Episode, now_ms
from fault_stack import FaultStack, notification
from fake_prometheus import INSTANCES
from page_driver import Page, shown_value
from support import wait_until

MATCHED = 1  # MatchState
DIGITS = 1e-5  # the page shows six of them


def same(shown, value):
    """Whether a cell shows this value."""
    if value is None or shown is None:
        return value is shown
    return math.isnan(value) and math.isnan(shown) or math.isclose(shown, value, rel_tol=DIGITS)


class PageTest(unittest.TestCase):
    """Told as a timeline; everything that it looks at came over HTTP, from the page's own address."""

    def setUp(self):
        self.page = Page(self)
        support.api()
        self.stack = FaultStack(self, ingests=["one"])
        self.stack.start_all()
        self.numbers = iter(range(1, 1000))

    def fire(self, instance=INSTANCES[0], kind="measured"):
        episode = Episode(next(self.numbers), kind, instance, now_ms())
        self.send(episode)
        return episode

    def send(self, episode):
        self.assertEqual(200, self.stack.post("one", notification([episode.as_alert()])))

    def await_same(self, what, **arguments):
        """Waits until the page shows exactly the rows that the correlator lists, all final. Returns
        both, by row id."""
        def told_apart():
            listed = {row.row_id: row for row in self.stack.rows(**arguments)[0]}
            if not listed or not all(row.final for row in listed.values()):
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
            self.assertTrue(same(shown_value(cells["value"]), value), (cells, row))
            self.assertEqual("Firing" if row.transition.state == FIRING else "Resolved",
                             cells["state"])
            self.assertEqual("yes", cells["final"])
            self.assertEqual(row.query.name or "–", cells["query"])
        return listed, shown

    def test_it_shows_what_is_and_misses_nothing(self):
        page, stack = self.page, self.stack
        page.open(stack.address["correlator"])
        page.wait_for_phase("live")
        self.assertIn("No alert has fired", page.evaluate("document.body.innerText"))

        # Rows appear without a reload. Their first revisions know only what the polls brought; the
        # sample that the exact query brings later changes the cell, which says what it was.
        first = self.fire()
        page.wait("document.querySelectorAll('.row:not([hidden])').length > 0")
        self.send(first.ended(now_ms()))
        other = self.fire(INSTANCES[1])
        listed, shown = self.await_same("the page shows both alerts")
        self.assertEqual({FIRING, 2}, {row.transition.state for row in listed.values()})
        self.assertTrue(any(cells["was"] for cells in shown.values()), shown)

        # The ringed point is the row's own sample.
        row = next(row for row in listed.values() if row.match.state == MATCHED)
        page.evaluate(f"document.querySelector('[data-id=\"{row.row_id}\"]').click()")
        chosen = page.wait("(() => { const plot = document.querySelector('.detail .plot-canvas');"
                           "return plot?.dataset.chosenTime ? {...plot.dataset} : null; })()")
        self.assertEqual(row.match.sample_time.ToMilliseconds(), int(chosen["chosenTime"]))
        self.assertEqual(row.match.value, float(chosen["chosenValue"]))
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


if __name__ == "__main__":
    unittest.main()
