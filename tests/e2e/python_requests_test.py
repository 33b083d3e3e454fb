"""What callers of the Python package say becomes the request that they mean, and what they are sent
becomes what they see. Without services."""
import datetime
import io
import math
import unittest
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pandas as pd
from google.protobuf import json_format

import alertjoin
from alertjoin import requests
from alertjoin.cli import export
from alertjoin.live import RowFold, SampleFold, Standing, forgotten_after
from alertjoin.subscription import Message
from alertjoin.times import parse_duration, parse_time, to_proto
from alertjoin.v1.joined_row_pb2 import JoinedRow
from alertjoin.v1.samples_pb2 import SeriesSamples

NOW = datetime.datetime(2026, 3, 1, 10, tzinfo=datetime.timezone.utc)
LIVE, SNAPSHOT = "SUBSCRIPTION_START_LIVE", "SUBSCRIPTION_START_SNAPSHOT"


def said(request):
    return json_format.MessageToDict(request, preserving_proto_field_name=True)


class RequestsTest(unittest.TestCase):
    def test_subscriptions(self):
        common = {"filter": "a=b", "live_only": True, "since": "2h", "resume_token": "t",
                  "progress_interval": 0.5}
        wanted = {"start": LIVE, "snapshot_window": "7200s", "resume_token": "t",
                  "progress_interval": "0.500s"}
        self.assertEqual(
            {**wanted, "filter": "a=b", "state": "ALERT_STATE_FIRING", "query_name": "q",
             "final_only": True},
            said(requests.subscribe(state="firing", query="q", final_only=True, **common)))
        self.assertEqual(
            {**wanted, "filter": "a=b", "state": "ALERT_STATE_RESOLVED", "source": "s"},
            said(requests.subscribe_alerts(state="RESOLVED", source="s", **common)))
        self.assertEqual(
            {**wanted, "series": {"filter": "a=b", "query_name": "q", "source": "s"}},
            said(requests.subscribe_samples("q", source="s", **common)))
        for one in (requests.subscribe, requests.subscribe_alerts):
            self.assertEqual({"start": SNAPSHOT}, said(one()))
        self.assertEqual({"start": SNAPSHOT, "series": {}}, said(requests.subscribe_samples()))

    def test_listings(self):
        span = {"since": NOW, "until": NOW + datetime.timedelta(minutes=1)}
        wanted = {"from": "2026-03-01T10:00:00Z", "to": "2026-03-01T10:01:00Z", "page_size": 1000}
        series = {"series": {"filter": "a=b", "query_name": "q", "source": "s"}}
        selected = {"filter": "a=b", "source": "s"}
        self.assertEqual(
            {**wanted, "filter": "a=b", "state": "ALERT_STATE_FIRING", "query_name": "q",
             "final_only": True, "match_state": "MATCH_STATE_TOO_OLD"},
            said(requests.joined("a=b", "FIRING", "q", True, "too_old", **span)))
        self.assertEqual({**wanted, **selected, "state": "ALERT_STATE_FIRING"},
                         said(requests.alerts(state="firing", **selected, **span)))
        self.assertEqual({**wanted, **series, "page_size": 10_000},
                         said(requests.samples("q", **selected, **span)))
        self.assertEqual({**wanted, **series, "step": "60s", "ema_alpha": 0.25},
                         said(requests.summarize("q", step="1m", ema_alpha=0.25, **selected,
                                                 **span)))
        self.assertEqual({**wanted, **selected, "by": ["x"], "bucket": "60s", "flap_window": "5s"},
                         said(requests.summarize_alerts(by="x", bucket="1m", flap_window=5,
                                                        **selected, **span)))
        self.assertEqual({**series, "time": wanted["to"], "tolerance": "60s", "strict": True,
                          "first_after": True, "page_size": 1000},
                         said(requests.as_of("q", span["until"], tolerance="1m", strict=True,
                                             first_after=True, **selected)))
        self.assertEqual({"page_size": 1000}, said(requests.joined()))

    def test_a_name_that_is_none_is_answered_with_those_that_are(self):
        with self.assertRaisesRegex(ValueError, '"BURNING" is none of FIRING, RESOLVED'):
            requests.joined(state="BURNING")


class TimesTest(unittest.TestCase):
    def test_times(self):
        for text, wanted in (
                ("now", "2026-03-01T10:00:00Z"), ("now-1h30m", "2026-03-01T08:30:00Z"),
                ("now+1d", "2026-03-02T10:00:00Z"), (1_772_359_200, "2026-03-01T10:00:00Z"),
                (1_772_359_200.5, "2026-03-01T10:00:00.5Z"),
                (1_772_359_200.123, "2026-03-01T10:00:00.123Z"),
                (1_772_359_200_123, "2026-03-01T10:00:00.123Z"),
                (datetime.datetime(2026, 3, 1, 10), "2026-03-01T10:00:00Z"),
                ("2026-03-01T11:00:00+01:00", "2026-03-01T10:00:00Z")):
            self.assertEqual(pd.Timestamp(wanted), parse_time(text, NOW), text)
        self.assertEqual((-1, 999_000_000), (lambda time: (time.seconds, time.nanos))(
            to_proto("1969-12-31T23:59:59.999Z")))
        for text in ("nowhere", "now-", "soon", "", None, math.nan, math.inf):
            with self.assertRaises(ValueError, msg=text):
                parse_time(text, NOW)

    def test_numbers_of_any_kind_are_seconds(self):
        # Those of NumPy, as a column of a frame has them, too: not nanoseconds.
        for seconds in (1_772_359_200, -1, 0, 2.5, 1_772_359_200_123):
            wanted = parse_time(seconds)
            whole = (np.int64,) if isinstance(seconds, int) else ()
            for kind in (np.float64, str, *whole):
                self.assertEqual(wanted, parse_time(kind(seconds)), (kind, seconds))
        self.assertEqual(pd.Timestamp("2026-03-01T10:00:00.5Z"), parse_time("1772359200.5"))
        # Exact in 32 bits, where the microseconds of it are not.
        self.assertEqual(parse_time(16_777_215), parse_time(np.float32(16_777_215)))
        for number in (np.int64(90), np.int32(90), np.float32(90)):
            self.assertEqual(datetime.timedelta(seconds=90), parse_duration(number))
        for number in (True, np.bool_(True), np.float64("nan"), "9" * 400, "1e9", "1_000", "--1"):
            with self.assertRaises(ValueError, msg=number):
                parse_time(number)

    def test_digits_of_a_date_are_one(self):
        for text, wanted in (("2026", "2026-01-01"), ("20260301", "2026-03-01"),
                             ("202603011030", "2026-03-01T10:30"),
                             ("20260301103015", "2026-03-01T10:30:15")):
            self.assertEqual(pd.Timestamp(wanted, tz="UTC"), parse_time(text), text)

    def test_durations(self):
        for text, seconds in (("90s", 90), ("1h30m", 5400), ("1w1d", 8 * 86400), ("250ms", 0.25),
                              ("1y", 365 * 86400), (2.5, 2.5)):
            self.assertEqual(datetime.timedelta(seconds=seconds), parse_duration(text), text)
        for text in ("", "90", "1 h", "h", "-1s"):
            with self.assertRaises(ValueError, msg=text):
                parse_duration(text)


class FoldsTest(unittest.TestCase):
    def samples(self, *points, pod="b"):
        one = SeriesSamples()
        one.series.labels["a"] = pod
        for time_ms, value in points:
            one.samples.add(value=value).time.FromMilliseconds(time_ms)
        return Message("samples", series=[one])

    def test_the_newest_samples_stay_and_the_later_message_counts(self):
        fold = SampleFold(keep=3)
        fold.take(self.samples((1000, 1.0), (3000, 3.0), (2000, 2.0)))
        fold.take(self.samples((4000, 4.0), (3000, 3.5)))
        one, = fold.held()
        self.assertEqual([2.0, 3.5, 4.0], [sample.value for sample in one.samples])

    def test_a_series_that_is_gone_is_forgotten(self):
        fold = SampleFold(keep=3, forget_after=datetime.timedelta(seconds=10))

        def pods():
            return [one.series.labels["a"] for one in fold.held()]
        fold.take(self.samples((1000, 1.0), (5000, 1.0), pod="early"))
        fold.take(self.samples((5001, 1.0), pod="late"))
        fold.take(self.samples((15_000, 1.0), pod="new"))
        self.assertEqual(["early", "late", "new"], pods())  # 10 s behind is not too far.
        fold.take(self.samples((15_001, 1.0), pod="new"))
        self.assertEqual(["late", "new"], pods())
        # What comes too late is not held either, and what goes on is.
        fold.take(self.samples((15_002, 1.0), pod="late"))
        fold.take(self.samples((5000, 1.0), pod="early"))
        fold.take(self.samples((19_500, 1.0), pod="new"))
        self.assertEqual(["late", "new"], pods())
        fold.clear()
        fold.take(self.samples((1000, 1.0), pod="early"))
        self.assertEqual(["early"], pods())

    def test_pods_that_come_and_go_are_held_for_a_bounded_time(self):
        fold = SampleFold(keep=3, forget_after=datetime.timedelta(seconds=10))
        for second in range(1000):
            fold.take(self.samples((second * 1000, 1.0), pod=str(second)))
            self.assertLessEqual(len(fold.held()), 11)

    def test_how_long_a_series_may_be_silent(self):
        hour = datetime.timedelta(hours=1)
        self.assertEqual(2 * hour, forgotten_after(None, None))
        # What the snapshot brings stays.
        self.assertEqual(26 * hour, forgotten_after(None, "1d"))
        self.assertEqual(hour, forgotten_after("1h", "1d"))

    def test_a_table_that_could_hold_nothing_is_refused(self):
        with alertjoin.connect("127.0.0.1:1") as client:
            for arguments, words in (({"keep": 0}, "keep: expected at least 1"),
                                     ({"keep": -1}, "keep: expected at least 1"),
                                     ({"forget_after": -1}, "forget_after: expected a time from"),
                                     ({"forget_after": "soon"}, "expected a duration")):
                with self.assertRaisesRegex(ValueError, words):
                    client.live_samples("load", **arguments)

    def test_a_reset_begins_anew(self):
        standing = Standing(RowFold(), (), complete=False)
        for message in (Message("rows", [JoinedRow(row_id="a"), JoinedRow(row_id="b")]),
                        Message("rows", [JoinedRow(row_id="a", operation=2)])):
            standing.take(message)
        self.assertFalse(standing.ready())
        standing.take(Message("snapshot_complete"))
        self.assertTrue(standing.ready())
        self.assertEqual(["b"], [row.row_id for row in standing.held()])
        standing.take(Message("reset"))
        self.assertEqual((False, []), (standing.ready(), standing.held()))

    def test_what_has_no_snapshot_is_complete_after_a_reset_too(self):
        standing = Standing(RowFold(), (), complete=True)
        standing.take(Message("rows", [JoinedRow(row_id="a")]))
        standing.take(Message("reset"))
        self.assertEqual((True, []), (standing.ready(), standing.held()))


class ExportTest(unittest.TestCase):
    def test_what_is_written_in_parts_is_one_table(self):
        client = SimpleNamespace(joined_rows=lambda **_: iter(
            [JoinedRow(row_id=str(number)) for number in range(6)]))
        asked = SimpleNamespace(filter="", state=None, query="", final=False, since=None,
                                until=None, label=[])
        file = io.StringIO()
        with mock.patch.object(export, "_ROWS_AT_ONCE", 2):
            self.assertEqual(6, export._write_text(export._joined(client, asked), file, False))
        file.seek(0)
        table = pd.read_csv(file)
        self.assertEqual([0, 1, 2, 3, 4, 5], list(table.row_id))
        self.assertTrue(table.state.isna().all())  # They have none.


if __name__ == "__main__":
    unittest.main(verbosity=2)
