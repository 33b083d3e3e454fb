"""Alerts in the Python package: listed, summed up as pandas does it, and live."""
import asyncio
import queue
import random
import tempfile
import threading
import unittest

import pandas as pd

import alertjoin
import alertjoin.aio
from alertjoin.live import LiveTable, RowFold, SampleFold, Standing
from alertjoin.subscription import Message
from alertjoin.v1 import events_pb2, joined_row_pb2, samples_pb2
from alert_feed import new_episode, now_ms
from fault_stack import notification
from package_stack import WAIT_SECONDS, PackageStack
from support import of_class, seeded_random, wait_for, wait_until

NAMES = ["Deep", "Slow", "Gone"]
ALERTS = 15
HISTORY_MS = 3 * 3_600_000


def history(dice):
    """Payloads with what alerts did in the last hours: one for each alert, its episodes in order.
    Some alerts fire still."""
    payloads = []
    for number in range(ALERTS):
        alerts = []
        time_ms = now_ms() - HISTORY_MS
        while True:
            starts_ms = time_ms + dice.randrange(20_000, 25 * 60_000)
            time_ms = starts_ms + dice.randrange(5_000, 10 * 60_000)
            if time_ms > now_ms() - 180_000:
                break
            alerts.append(alert_of(number, starts_ms, time_ms))
        if number % 3 == 0:
            alerts.append(alert_of(number, now_ms() - 120_000 - dice.randrange(50_000), None))
        payloads.append(notification(alerts))
    return payloads


def alert_of(number, starts_ms, ends_ms):
    episode = new_episode(random.Random(0), starts_ms)
    if ends_ms is not None:
        episode = episode.ended(ends_ms)
    return {**episode.as_alert(), "fingerprint": f"{number:016x}", "labels": {
        "alertname": NAMES[number % len(NAMES)], "kind": "free", "number": str(number),
        "severity": "page" if number % 2 else "ticket"}}


class AlertsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = PackageStack(of_class(cls))
        cls.client = cls.stack.client
        payloads = history(seeded_random())
        for payload in payloads:
            cls.stack.post_or_fail(payload)
        count = sum(payload.count('"startsAt"') for payload in payloads)
        wait_for(count, lambda: len(cls.client.alerts()), WAIT_SECONDS, "all alerts")

    def exported(self):
        """The alerts as `alertjoin export` writes them."""
        with tempfile.TemporaryDirectory() as folder:
            self.stack.run_command("export", "alerts", f"{folder}/alerts.csv", "--label",
                                   "severity", "--label", "number")
            return pd.read_csv(f"{folder}/alerts.csv",
                               parse_dates=["starts_at", "ends_at", "received_time"])

    def test_alerts_are_listed(self):
        alerts = self.client.alerts(labels=["severity"])
        self.assertTrue(alerts.starts_at.is_monotonic_decreasing)
        self.assertEqual("UTC", str(alerts.starts_at.dt.tz))
        self.assertEqual(set(NAMES), set(alerts.alert))
        lasting = self.client.alerts(state="firing")
        self.assertEqual({"FIRING"}, set(lasting.state))
        self.assertTrue(lasting.ends_at.isna().all())
        self.assertEqual(ALERTS // 3, len(lasting))
        ended = self.client.alerts(state="resolved", filter="severity=page", labels=["severity"])
        self.assertEqual({"page"}, set(ended.severity))
        self.assertTrue((ended.ends_at - ended.starts_at == ended.duration).all())
        self.assertEqual(3, len(self.client.alerts(limit=3)))
        empty = self.client.alerts(until="2001-01-01", labels=["severity"])
        self.assertEqual(list(alerts.dtypes), list(empty.dtypes))
        middle = alerts.starts_at.min() + pd.Timedelta("1h")
        cut = self.client.alerts(since=middle, until=middle + pd.Timedelta("30min"))
        expected = alerts[(alerts.starts_at < middle + pd.Timedelta("30min"))
                          & ~(alerts.ends_at < middle)]
        self.assertEqual(set(expected.index), set(cut.index))

    def firing(self, since, until, flap_window="10min"):
        """Of the exported alerts, those that fired in the range, cut to it."""
        alerts = self.exported().sort_values("starts_at")
        last_end = alerts.groupby("fingerprint").ends_at.shift()
        alerts["flap"] = (alerts.starts_at >= since) & \
            (alerts.starts_at - last_end <= pd.Timedelta(flap_window))
        alerts["lasts"] = ~(alerts.ends_at < until)
        alerts["event"] = alerts.ends_at.where(~alerts.lasts, alerts.starts_at)
        alerts = alerts[(alerts.starts_at < until) & ~(alerts.ends_at <= since)].copy()
        alerts["begin"] = alerts.starts_at.clip(lower=since)
        alerts["end"] = alerts.ends_at.fillna(until).clip(upper=until)
        alerts["fired"] = alerts.end - alerts.begin
        return alerts

    def test_summaries_are_those_of_pandas(self):
        newest = self.exported().starts_at.max()
        for since, until, by, flaps in (
                (newest - pd.Timedelta("2h"), newest + pd.Timedelta("60s"), ["alert"], "10m"),
                (newest - pd.Timedelta("100min"), newest - pd.Timedelta("37min"),
                 ["alert", "severity"], "3m"),
                (newest - pd.Timedelta("5h"), newest + pd.Timedelta("1s"), ["number"], "1h")):
            names = ["alertname" if name == "alert" else name for name in by]
            summary = self.client.summarize_alerts(since=since, until=until, by=names,
                                                   flap_window=flaps)
            self.assertTrue(summary.firing_time.is_monotonic_decreasing)
            alerts = self.firing(since, until, flaps.replace("m", "min"))
            groups = alerts.groupby(by)
            expected = groups.agg(
                alerts=("fingerprint", "nunique"), episodes=("fingerprint", "size"),
                firing=("lasts", "sum"), flaps=("flap", "sum"), firing_time=("fired", "sum"))
            expected["last_event_time"] = groups.event.max()
            expected["last_state"] = groups.apply(
                lambda group: "FIRING" if group.loc[group.event.idxmax()].lasts else "RESOLVED",
                include_groups=False)
            self.assertGreater(expected.flaps.sum(), 0)
            actual = summary.astype({"number": int} if "number" in by else {}).set_index(names)
            actual.index.names = by
            actual = actual.sort_index()
            for column in expected:
                self.assertEqual(list(expected[column]), list(actual[column].astype(
                    expected[column].dtype)), column)
            mean = (expected.firing_time / expected.episodes).dt.floor("ms")
            self.assertEqual(list(mean), list(actual.mean_firing_time))

    def test_buckets_are_those_of_pandas(self):
        until = self.exported().starts_at.max().floor("s") + pd.Timedelta("60s")
        since, step = until - pd.Timedelta("95min"), pd.Timedelta("10min")
        buckets = self.client.summarize_alerts(since=since, until=until, by="severity",
                                               bucket="10m").set_index(["severity", "start"])
        alerts = self.firing(since, until)
        found = 0
        for severity, group in alerts.groupby("severity"):
            for start in pd.date_range(since, until, freq=step, inclusive="left"):
                end = min(start + step, until)
                fired = group.starts_at.between(start, end, inclusive="left").sum()
                resolved = group.ends_at.between(start, end, inclusive="left").sum()
                spans = group.end.clip(upper=end) - group.begin.clip(lower=start)
                total = spans[spans > pd.Timedelta(0)].sum()
                if not fired and not resolved and not total:
                    self.assertNotIn((severity, start), buckets.index)
                    continue
                found += 1
                bucket = buckets.loc[(severity, start)]
                self.assertEqual((fired, resolved, total),
                                 (bucket.fired, bucket.resolved, bucket.firing_time))
        self.assertEqual(found, len(buckets))
        self.assertGreater(found, 10)

    def test_asyncio_says_the_same(self):
        until = pd.Timestamp.now("UTC")

        async def read():
            async with alertjoin.aio.connect(self.stack.address["grpc"]) as client:
                return await client.alerts(labels=["number"]), await client.alerts(limit=2), \
                    await client.summarize_alerts(by="alertname", until=until), \
                    await client.summarize_alerts(by="alertname", until=until, bucket="1h")

        alerts, two, summary, buckets = asyncio.run(read())
        pd.testing.assert_frame_equal(self.client.alerts(labels=["number"]), alerts)
        self.assertEqual(2, len(two))
        pd.testing.assert_frame_equal(
            self.client.summarize_alerts(by="alertname", until=until), summary)
        pd.testing.assert_frame_equal(
            self.client.summarize_alerts(by="alertname", until=until, bucket="1h"), buckets)

    def test_a_wrong_argument_is_named(self):
        for arguments, reason in (({"bucket": "10ms"}, "INVALID_BUCKET"),
                                  ({"by": ["a", "a"]}, "INVALID_GROUPING"),
                                  ({"filter": "a=="}, "INVALID_FILTER")):
            with self.assertRaises(alertjoin.AlertjoinError) as caught:
                self.client.summarize_alerts(**arguments)
            self.assertEqual(("INVALID_ARGUMENT", reason),
                             (caught.exception.code, caught.exception.reason))


class WaitForChangeTest(unittest.TestCase):
    """What wakes who waits for a live table. No correlator: the messages are made here."""

    def table(self, fold):
        """A live table, and where the messages go that it takes."""
        messages = queue.Queue()
        table = LiveTable(iter(messages.get, None), Standing(fold, None, True), threading.Event())
        self.addCleanup(table.close)
        self.addCleanup(messages.put, None)
        return table, messages.put

    @staticmethod
    def samples(second):
        series = samples_pb2.SeriesSamples()
        series.samples.add(value=second).time.seconds = second
        return Message("samples", series=[series])

    @staticmethod
    def rows(sequence):
        row = joined_row_pb2.JoinedRow(row_id=str(sequence), sequence=sequence,
                                       operation="OPERATION_UPSERT", cause="CAUSE_ALERT")
        row.transition.state = events_pb2.ALERT_STATE_FIRING
        row.match.state = joined_row_pb2.MATCH_STATE_NO_SERIES
        return Message("rows", [row], sequence)

    def test_samples_do_and_progress_does_not(self):
        table, send = self.table(SampleFold(keep=10))
        for count in range(1, 4):
            before = table.version
            send(Message("progress", sequence=count))
            send(self.samples(second=count))
            self.assertEqual(before + 1, table.wait_for_change(before, WAIT_SECONDS))
            self.assertEqual(count, len(table.frame()))

    def test_rows_of_a_store_that_began_anew_do(self):
        table, send = self.table(RowFold())
        send(self.rows(sequence=100))
        version = table.wait_for_change(0, WAIT_SECONDS)
        for message in (Message("reset"), self.rows(sequence=1), self.rows(sequence=2),
                        Message("snapshot_complete", sequence=2)):
            send(message)
            self.assertEqual(version + 1, table.wait_for_change(version, WAIT_SECONDS))
            version += 1
        self.assertEqual({"1", "2"}, set(table.frame().index))

    def test_a_time_that_is_up_leaves_the_version(self):
        table, _ = self.table(RowFold())
        self.assertEqual(0, table.wait_for_change(0, timeout=0))


class LiveTest(unittest.TestCase):
    """Live tables across a death of the correlator."""

    def setUp(self):
        self.stack = PackageStack(self)
        self.client = self.stack.client
        self.dice = random.Random(6)

    def post(self, starts_ms, ends_ms=None):
        episode = new_episode(self.dice, starts_ms, measured=1)
        self.stack.tell(episode.ended(ends_ms) if ends_ms else episode)

    def test_alerts_follow(self):
        with self.client.live_alerts(labels=["number"]) as table:
            self.assertEqual(0, len(table.frame()))
            self.post(now_ms() - 60_000, now_ms() - 30_000)
            wait_for(1, lambda: len(table.frame()), WAIT_SECONDS, "the first")
            self.stack.restart()
            self.post(now_ms() - 5_000)
            wait_for(2, lambda: len(table.frame()), WAIT_SECONDS, "the second")
            wait_until(lambda: self.client.alerts(labels=["number"]).equals(table.frame()),
                       WAIT_SECONDS, "the list", seen=table.frame)

    def test_all_three_follow_under_asyncio(self):
        async def until(table, holds):
            async def wait():
                version = -1
                while not await holds(await table.frame()):
                    # What it is compared with may be behind it for a moment.
                    version = await table.wait_for_change(version, 1)
            try:
                await asyncio.wait_for(wait(), WAIT_SECONDS)
            except asyncio.TimeoutError:
                self.fail(f"not within {WAIT_SECONDS} s: {holds.__name__}; there is\n"
                          f"{await table.frame()}")

        def states_are(*states):
            async def holds(frame):
                return set(frame.state) == set(states)
            return holds

        def is_listed_by(read):
            async def holds(frame):
                return frame.sort_index().equals((await read(labels=["number"])).sort_index())
            return holds

        async def is_limited(frame):
            return len(frame) > 50 and (frame.groupby("part").size() <= 50).all()

        async def follow():
            async with alertjoin.aio.connect(self.stack.address["grpc"]) as client, \
                    client.live(labels=["number"]) as rows, \
                    client.live_alerts(labels=["number"]) as alerts, \
                    client.live_samples("load", filter="instance=i1", keep=50) as samples:
                self.assertEqual((0, 0), (len(await rows.frame()), len(await alerts.frame())))
                await asyncio.to_thread(self.post, now_ms() - 60_000, now_ms() - 30_000)
                await until(rows, states_are("RESOLVED"))
                await asyncio.to_thread(self.stack.restart)
                await asyncio.to_thread(self.post, now_ms() - 5_000)
                await until(rows, states_are("FIRING", "RESOLVED"))
                await until(alerts, states_are("FIRING", "RESOLVED"))
                await until(rows, is_listed_by(client.joined))
                await until(alerts, is_listed_by(client.alerts))
                await until(samples, is_limited)

        asyncio.run(follow())

    def test_an_error_ends_a_live_table_under_asyncio(self):
        async def fail():
            async with alertjoin.aio.connect(self.stack.address["grpc"]) as client, \
                    client.live_alerts(filter="a==") as table:
                await table.frame()

        with self.assertRaises(alertjoin.AlertjoinError) as caught:
            asyncio.run(fail())
        self.assertEqual("INVALID_FILTER", caught.exception.reason)

    def test_samples_follow(self):
        with self.client.live_samples("load", filter="instance=i1", keep=50) as table:
            def newest():
                frame = table.frame()
                return frame.time.max() if len(frame) else pd.Timestamp(0, tz="UTC")
            first = wait_until(lambda: newest() > pd.Timestamp(0, tz="UTC") and newest(),
                               WAIT_SECONDS, "samples")
            self.stack.restart()
            wait_until(lambda: newest() > first + pd.Timedelta("3s"), WAIT_SECONDS, "later samples",
                       seen=newest)
            live = table.frame()
        self.assertTrue((live.groupby("part").size() <= 50).all())
        self.assertFalse(live.duplicated(["part", "time"]).any())
        keys = ["part", "time"]
        live = live.sort_values(keys).reset_index(drop=True)

        def listed():
            samples = self.client.samples("load", filter="instance=i1")
            samples = samples[samples.time.between(live.time.min(), live.time.max())]
            return samples.sort_values(keys).reset_index(drop=True)
        # Subscribers are told of samples when these are in the log, before they can be listed.
        wait_until(lambda: len(listed()) >= len(live), WAIT_SECONDS, "the list", seen=listed)
        pd.testing.assert_frame_equal(listed(), live)


if __name__ == "__main__":
    unittest.main(verbosity=2)
