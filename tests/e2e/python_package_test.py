"""The Python package, as users install it, against both services."""
import asyncio
import io
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import pandas as pd  # noqa: E402

import alertjoin  # noqa: E402
import alertjoin.aio  # noqa: E402
from alertjoin import requests  # noqa: E402
from alertjoin.times import millis  # noqa: E402
from package_stack import WAIT_SECONDS, PackageStack  # noqa: E402
from support import of_class, wait_until  # noqa: E402


class PythonPackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = PackageStack(of_class(cls))
        cls.client = cls.stack.client
        cls.episodes = [cls.stack.tell_of_new() for _ in range(12)]
        cls.stack.await_final()

    def test_a_frame_has_a_row_for_each_joined_row(self):
        frame = self.client.joined(labels=["part", "kind"])
        rows = list(self.client.joined_rows())
        self.assertEqual([row.row_id for row in rows], list(frame.index))
        self.assertTrue(frame.event_time.is_monotonic_decreasing)
        self.assertEqual("UTC", str(frame.event_time.dt.tz))
        for row, (_, line) in zip(rows, frame.iterrows()):
            self.assertEqual(millis(row.transition.event_time), line.event_time.value // 10**6)
            self.assertEqual(row.match.value, line.value)
            self.assertEqual(row.match.series_labels["part"], line.part)
            self.assertEqual("measured", line.kind)
        self.assertEqual(["FIRING", "RESOLVED"], list(frame.state.cat.categories))
        self.assertEqual({"MATCHED"}, set(frame.match))

    def test_rows_are_selected(self):
        self.assertEqual({"RESOLVED"}, set(self.client.joined(state="resolved").state))
        number = self.episodes[0].number
        one = self.client.joined(filter=f"number={number}")
        self.assertEqual({self.episodes[0].fingerprint}, set(one.fingerprint))
        self.assertEqual(2, len(self.client.joined(limit=2)))
        empty = self.client.joined(until="2001-01-01")
        self.assertEqual(0, len(empty))
        self.assertEqual(list(one.dtypes), list(empty.dtypes))

    def exported_samples(self, folder, kind):
        """The samples of `load` as `alertjoin export` writes them."""
        path = f"{folder}/samples.{kind}"
        self.stack.run_command("export", "samples", path, "--query", "load", "--label", "instance",
                               "--label", "part")
        if kind == "csv":
            return pd.read_csv(path, parse_dates=["time"])
        return pd.read_parquet(path)

    def test_figures_are_those_of_pandas(self):
        until = self.whole_seconds()
        self.compare_figures(self.client.samples("load", labels=["instance", "part"]), until)
        with tempfile.TemporaryDirectory() as folder:
            for kind in ("csv", "parquet"):
                self.compare_figures(self.exported_samples(folder, kind), until)

    def whole_seconds(self):
        """The end of twelve seconds of which every sample is there: none comes later."""
        def whole():
            samples = self.client.samples("load", labels=["instance", "part"])
            until = samples.time.max() - pd.Timedelta("1s")
            last = samples[samples.time.between(until - pd.Timedelta("12s"), until, "left")]
            counts = last.groupby(["instance", "part"]).size()
            return until if len(counts) == 20 and (counts == 12).all() else None
        return wait_until(whole, WAIT_SECONDS, "twelve samples of each series")

    def compare_figures(self, samples, until):
        """Of the seconds before, per step and for all of them."""
        since = until - pd.Timedelta("12s")
        part = samples[(samples.time >= since) & (samples.time < until)].sort_values("time")
        part = part.assign(value=part.value.astype(float))
        part["ema"] = part.groupby(["instance", "part"]).value.transform(
            lambda values: values.ewm(alpha=0.3, adjust=False).mean())
        for step in ("4s", "12s"):
            length = pd.Timedelta(step)
            starts = since + (part.time - since) // length * length
            expected = part.groupby(["instance", "part", starts.rename("start")]).agg(
                count=("value", "count"), min=("value", "min"), max=("value", "max"),
                mean=("value", "mean"), last=("value", "last"), ema=("ema", "last"))
            summary = self.client.summarize("load", since=since, until=until, ema_alpha=0.3,
                                            step=step if step == "4s" else None,
                                            labels=["instance", "part"])
            actual = summary.set_index(["instance", "part", "start"]).sort_index()[
                list(expected.columns)].astype(float)
            pd.testing.assert_frame_equal(expected.astype(float), actual, check_index_type=False,
                                          check_dtype=False)

    def test_however_small_the_pages_are_the_same_comes(self):
        until = self.whole_seconds()
        since = until - pd.Timedelta("12s")

        async def read_async():
            async with alertjoin.aio.connect(self.stack.address["grpc"]) as client:
                return {name: await frame for name, frame in listings(client).items()}

        def listings(client):
            return {"joined": client.joined(labels=["part"]), "few": client.joined(limit=5),
                    "alerts": client.alerts(), "few alerts": client.alerts(limit=5),
                    "samples": client.samples("load", since=since, until=until),
                    "as of": client.as_of("load", until),
                    "summary": client.summarize("load", since=since, until=until),
                    "alert summary": client.summarize_alerts(by="instance", until=until),
                    "buckets": client.summarize_alerts(by="number", until=until, bucket="1h")}
        whole = listings(self.client)
        self.assertEqual([len(self.stack.expected), 5, len(self.episodes), 5, 240, 20, 20],
                         [len(frame) for frame in whole.values()][:7])
        with mock.patch.multiple(requests, PAGE_MOST=3, SAMPLES_PAGE_MOST=7):
            for kind, small in (("blocking", listings(self.client)),
                                ("asyncio", asyncio.run(read_async()))):
                for name, frame in whole.items():
                    with self.subTest(kind, listing=name):
                        pd.testing.assert_frame_equal(frame, small[name])
            counts = []
            self.client.joined(limit=5, progress=counts.append)
            self.client.samples("load", since=since, until=until, progress=counts.append)
            self.assertEqual([3, 5, 7, 14, 240], [*counts[:4], counts[-1]])
        self.assertEqual([], list(self.client.joined_rows(limit=0)))

    def test_a_look_up_gives_what_a_row_has(self):
        row = next(iter(self.client.joined_rows(state="FIRING", query="load")))
        labels = dict(row.match.series_labels)
        frame = self.client.as_of(
            "load", row.transition.event_time.ToDatetime(),
            filter=f'instance={labels["instance"]},part={labels["part"]}')
        self.assertEqual(1, len(frame))
        self.assertEqual(row.match.value, frame.value[0])
        self.assertEqual("MATCHED", frame.match[0])

    def test_wide_frames_are_named_as_by_prometheus_pandas(self):
        wide = self.client.samples_wide("load", filter="instance=i1,part=a")
        self.assertEqual(['load{instance="i1",part="a"}'], list(wide.columns))
        self.assertTrue(wide.index.is_monotonic_increasing)

    def test_firing_intervals(self):
        intervals = self.client.firing_intervals(labels=["kind", "part"])
        # The labels of the alert, of which `part`, a label of its series, is none.
        self.assertEqual(({"measured"}, {""}), (set(intervals.kind), set(intervals.part)))
        self.assertEqual(len(intervals), intervals.fingerprint.nunique())
        known = intervals.set_index("fingerprint")
        for episode in self.episodes:
            interval = known.loc[episode.fingerprint]
            self.assertEqual(episode.starts_ms, interval.starts_at.value // 10**6)
            self.assertEqual(episode.ends_ms, interval.ends_at.value // 10**6)
            self.assertEqual(pd.Timedelta("1.5s"), interval.duration)

    def test_a_frame_can_be_plotted(self):
        samples = self.client.samples("heat", labels=["instance"])
        wide = samples.pivot_table(index="time", columns="instance", values="value")
        axes = wide.astype(float).plot()
        figure = io.BytesIO()
        axes.figure.savefig(figure, format="png")
        plt.close(axes.figure)
        self.assertTrue(figure.getvalue().startswith(b"\x89PNG"))

    def test_sources_say_how_they_fare(self):
        sources = self.client.sources().set_index("source")
        self.assertEqual(("METRICS", "one"),
                         tuple(sources.loc["prometheus"][["kind", "producer"]]))
        # The made-up Prometheus has no rules, so that it is faulty while these are asked for.
        self.assertIn(sources.loc["prometheus"].health, ("OK", "ERROR"))
        self.assertEqual("UTC", str(sources.time.dt.tz))

    def test_a_wrong_argument_is_named(self):
        with self.assertRaises(alertjoin.AlertjoinError) as caught:
            self.client.joined(filter="severity==")
        self.assertEqual(("INVALID_ARGUMENT", "INVALID_FILTER", "filter"),
                         (caught.exception.code, caught.exception.reason, caught.exception.field))
        self.assertIn("column", caught.exception.hint)
        for arguments in ({"state": "BURNING"}, {"since": "yesterday-ish"}):
            with self.assertRaises(ValueError):
                self.client.joined(**arguments)

    def test_nobody_there_is_one_clear_error(self):
        with alertjoin.connect("127.0.0.1:1", timeout=5) as nobody:
            with self.assertRaises(alertjoin.AlertjoinError) as caught:
                nobody.joined()
            self.assertEqual("UNAVAILABLE", caught.exception.code)
            with self.assertRaises(alertjoin.AlertjoinError):
                next(nobody.subscribe(retry=False))

    def test_asyncio(self):
        async def read():
            async with alertjoin.aio.connect(self.stack.address["grpc"]) as client:
                kinds = []
                async with asyncio.timeout(WAIT_SECONDS):
                    async for message in client.subscribe():
                        kinds.append(message.kind)
                        if message.kind == "snapshot_complete":
                            break
                return kinds, await client.joined(), await client.samples("load"), \
                    await client.as_of("load"), await client.summarize("load"), \
                    await client.sources()

        kinds, joined, samples, as_of, summary, sources = asyncio.run(read())
        self.assertEqual("started", kinds[0])
        self.assertIn("rows", kinds)
        self.assertEqual(set(self.client.joined().index), set(joined.index))
        self.assertGreater(len(samples), 0)
        self.assertEqual(20, len(as_of))
        self.assertEqual(20, len(summary))
        self.assertIn("prometheus", set(sources.source))


class TypesTest(unittest.TestCase):
    def test_the_package_keeps_its_types(self):
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--ignore-missing-imports", "-p", "alertjoin"],
            capture_output=True, text=True, cwd=tempfile.gettempdir(), timeout=300, check=False)
        self.assertEqual(0, done.returncode, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
