"""The demo's table: text from anywhere prints safely and in line."""
import math
import unittest

from support import api

import table  # noqa: E402  (support has put it on the path)


def make_row(**labels):
    row = api().JoinedRow(row_id="r", revision=3, operation=1, cause=2)
    row.transition.alert_name = "QueueDeep"
    row.transition.instance = "127.0.0.1:9753"
    row.transition.state = 2
    row.transition.event_time.FromMilliseconds(1_000_000_000_123)
    row.query.name = row.query.expression = "demo_queue_depth"
    row.query.comparison_operator, row.query.threshold = ">", 90
    row.match.state, row.match.value = 1, 73.386312
    row.match.sample_age.FromMilliseconds(468)
    row.match.series_labels.update({"__name__": "demo_queue_depth", "job": "demo", **labels})
    row.transition.reported_value = 93.081
    return row


class CellsTest(unittest.TestCase):
    def test_a_resolved_row(self):
        self.assertEqual(
            ["01:46:40.123", "RESOLVED", "QueueDeep", "127.0.0.1:9753",
             'demo_queue_depth{queue="mail"}', "73.3863", "> 90", "0.468s", "3", "no", "93.081"],
            table.cells(make_row(queue="mail")))

    def test_what_is_absent_is_a_dash(self):
        row = api().JoinedRow(revision=1, operation=1)
        row.transition.state = 1
        row.match.state = 6
        self.assertEqual(["-", "-", "-", "unbound", "-", "-", "1", "no", "-"], table.cells(row)[2:])

    def test_a_match_state_takes_the_place_of_a_value(self):
        for state, text in ((2, "no series"), (3, "no sample"), (4, "too old"), (5, "stale")):
            row = make_row()
            row.match.ClearField("value")
            row.match.state = state
            self.assertEqual(text, table.format_value(row))

    def test_a_row_that_is_final_says_so(self):
        row = make_row()
        row.final = True
        self.assertEqual("yes", table.cells(row)[9])

    def test_labels_stand_in_the_order_of_their_names(self):
        names = list("qjazmxbky")
        shown = table.format_query(make_row(**{name: "1" for name in names}))
        self.assertEqual([f'{name}="1"' for name in sorted(names)],
                         shown.removeprefix("demo_queue_depth{").removesuffix("}").split(","))

    def test_a_threshold_fits_behind_its_operator(self):
        row = make_row()
        row.query.threshold = 1234567.8
        self.assertEqual("> 1.23e+06", table.format_threshold(row))

    def test_a_removed_row_says_so(self):
        row = make_row()
        row.operation = 2
        self.assertEqual("(removed)", table.format_value(row))

    def test_numbers(self):
        for value, text in ((math.nan, "NaN"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (0.0, "0"),
                            (1 / 3, "0.333333"), (1e21, "1e+21"), (-0.5, "-0.5"),
                            (-1.2345678e-05, "-1.23e-05"), (1234567.8, "1.23457e+06")):
            self.assertEqual(text, table.format_number(value))

    def test_time_before_the_epoch(self):
        row = make_row()
        row.transition.event_time.FromMilliseconds(-1)
        self.assertEqual("23:59:59.999", table.format_time(row.transition.event_time))


class HostileTextTest(unittest.TestCase):
    def test_control_characters_are_escaped(self):
        self.assertEqual(r"\x1b[31m\n\r\x00\t\x9b", table.escape("\x1b[31m\n\r\0\t\x9b"))
        self.assertEqual(r"\u202etxt\u200b\\", table.escape("\u202etxt\u200b\\"))

    def test_readable_text_of_any_script_stays(self):
        self.assertEqual("Grüße, naïve 東京", table.escape("Grüße, naïve 東京"))

    def test_no_field_brings_control_characters_into_a_line(self):
        row = make_row(queue="a\x1b[2Jb\nc")
        row.transition.alert_name = row.transition.instance = row.query.name = "\x1b]0;x\x07\n"
        line = table.Table(160).line(row)
        self.assertTrue(line.isprintable(), repr(line))


class LayoutTest(unittest.TestCase):
    def test_columns_stand_below_their_headings(self):
        shown = table.Table(160)
        heading, line = shown.heading(), shown.line(make_row(queue="mail"))
        self.assertEqual(160, len(heading))
        self.assertEqual(heading.index("QUERY"), line.index("demo_queue_depth"))
        self.assertEqual(heading.index("VALUE") + len("VALUE"), line.index("73.3863") + 7)
        self.assertEqual(heading.index("FINAL"), line.index("no  "))

    def test_wide_characters_keep_the_columns(self):
        self.assertEqual("東京  ", table.fit("東京", 6))
        self.assertEqual("東… ", table.fit("東京都", 4))
        self.assertEqual("abc…", table.fit("abcdef", 4))
        self.assertEqual("e\u0301x ", table.fit("e\u0301x", 3))
        self.assertEqual("  ab", table.fit("ab", 4, right=True))

    def test_a_narrow_terminal_takes_from_the_query_first(self):
        for width in (125, 140, 200):
            self.assertEqual(width, len(table.Table(width).heading()))

    def test_no_colours_unless_asked_for(self):
        self.assertNotIn("\x1b", table.Table(160).line(make_row()))
        self.assertIn("\x1b[32m", table.Table(160, colours=True).line(make_row()))

    def test_colours_tell_the_state_and_what_only_became_final(self):
        row = make_row()
        row.transition.state = 1
        self.assertIn("\x1b[31m", table.Table(160, colours=True).line(row))
        row.cause = 5
        self.assertIn("\x1b[2m", table.Table(160, colours=True).line(row))


class DifferenceTest(unittest.TestCase):
    def test_the_notification_claims_another_value(self):
        row = make_row()
        self.assertTrue(table.shows_difference(row))
        row.match.value = row.transition.reported_value
        self.assertFalse(table.shows_difference(row))

    def test_a_claim_of_zero_where_there_is_no_value(self):
        row = make_row()
        row.transition.reported_value = 0
        row.match.ClearField("value")
        row.match.state = 5
        self.assertTrue(table.shows_difference(row))

    def test_only_the_alerts_own_expression_counts(self):
        row = make_row()
        row.query.name = "configured under a name"
        self.assertTrue(table.shows_difference(row))
        row.query.comparison_operator = ""
        self.assertFalse(table.shows_difference(row))


if __name__ == "__main__":
    unittest.main(verbosity=2)
