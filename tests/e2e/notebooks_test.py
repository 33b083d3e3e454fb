"""The notebooks of proto/examples/python, run from top to bottom on real services. With
ALERTJOIN_TEST_PLOTS=FOLDER their plots stay there."""
import contextlib
import io
import math
import os
import pathlib
import runpy
import subprocess
import tempfile
import time
import unittest

import matplotlib

matplotlib.use("Agg")
import matplotlib.image  # noqa: E402
import pandas as pd  # noqa: E402

import alertjoin  # noqa: E402
import fake_grafana  # noqa: E402
import support  # noqa: E402
from grafana_test import HEALTHY, ILL, SOURCES, GrafanaStack  # noqa: E402
from support import BINARIES, REPOSITORY, wait_until  # noqa: E402

NOTEBOOKS = REPOSITORY / "proto" / "examples" / "python"
DAYS = 30


def run(test, name, **variables):
    """Runs a notebook; its variables in the end. Its plot must be one."""
    kept = os.environ.get("ALERTJOIN_TEST_PLOTS")
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    plot = pathlib.Path(kept or folder.name) / f"{name}.png"
    os.environ.update(variables, PLOT=str(plot))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        found = runpy.run_path(str(NOTEBOOKS / f"{name}.py"))
    image = matplotlib.image.imread(plot)
    test.assertGreater(image.shape[1], 900)
    colors = {tuple(color) for color in (image.reshape(-1, image.shape[2])[::7] * 15).astype(int)}
    test.assertGreater(len(colors), 20, "the plot is as good as empty")
    return found, printed.getvalue()


class MonthTest(unittest.TestCase):
    """A month of daily maxima, from all data sources of a Grafana, half of which are ill."""

    def test_month_of_daily_maxima(self):
        stack = GrafanaStack(self)
        stack.start("correlator", "one")
        today_ms = time.time_ns() // 1_000_000 // fake_grafana.DAY_MS * fake_grafana.DAY_MS
        days = range(today_ms - (DAYS - 1) * fake_grafana.DAY_MS, today_ms + 1, fake_grafana.DAY_MS)
        stack.kill("one")
        backfill = subprocess.Popen(
            [BINARIES / "ingest-service" / "ingest-service", "backfill",
             f"--config.file={stack.directory}/one.yml", "--query", fake_grafana.DAILY_MAXIMUM,
             "--step", "1d", "--from", str(days[0]), "--to", str(days[-1])],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=stack.directory)
        self.addCleanup(backfill.wait, 30)
        self.addCleanup(backfill.kill)
        wait_until(lambda: set(stack.daily_maxima()) == HEALTHY and all(
            len(samples) == DAYS for samples in stack.daily_maxima().values()), 60, "the month",
                   seen=stack.daily_maxima)
        backfill.kill()
        backfill.wait(30)
        stack.start("one")
        with alertjoin.connect(stack.address["grpc"]) as client:
            def told():
                sources = client.sources().set_index("source").health
                return set(sources.index) >= HEALTHY | ILL and all(
                    sources[name] == "OK" for name in HEALTHY) and all(
                    sources[name] not in ("OK", "UNSPECIFIED") for name in ILL)
            wait_until(told, 60, "how the sources fare", seen=client.sources)

        found, printed = run(self, "month_of_daily_maxima", QUERY=fake_grafana.DAILY_MAXIMUM,
                             ALERTJOIN_ADDRESS=stack.address["grpc"])
        daily = found["daily"]
        self.assertEqual(["time", "value", "query", "source"], list(daily.columns))
        self.assertEqual(DAYS * len(HEALTHY), len(daily))
        for row in daily.itertuples():
            name = row.source.removeprefix("grafana/")
            expected = fake_grafana.daily_maximum(fake_grafana.uid_of(name, SOURCES[name]),
                                                  row.time.value // 10**6)
            self.assertTrue(row.value == expected or math.isnan(row.value) and math.isnan(expected))
        self.assertEqual((DAYS, len(HEALTHY)), found["wide"].shape)
        self.assertEqual(ILL, set(found["failed"].index))
        self.assertEqual("FORBIDDEN", found["failed"]["grafana/hub f"])
        self.assertIn("grafana/hub d", printed)
        found["aj"].close()


class LiveTablesTest(unittest.TestCase):
    """Three live tables on what the demo starts: real Prometheus and Alertmanager."""

    def test_live_tables(self):
        stack = support.shared_stack()
        address = stack.addresses["correlator_grpc"]
        with alertjoin.connect(address) as client:
            def enough():
                stack.check()
                episodes = client.firing_intervals(filter="alertname=QueueDeep,queue=orders")
                return episodes.ends_at.notna().sum() >= 2
            wait_until(enough, 150, "two episodes that have ended")
            found, printed = run(self, "live_tables", ALERTJOIN_ADDRESS=address)
            counts, listed = found["counts"], client.alerts(since="now-1h")
        self.assertIn("RESOLVED", printed)
        self.assertLessEqual({"QueueDeep", "LatencyHigh", "BacklogHigh"}, set(counts.index))
        for alert, episodes in counts.episodes.items():
            self.assertLessEqual(episodes, (listed.alert == alert).sum())
        self.assertGreater(counts.episodes["QueueDeep"], 2)
        samples = found["samples"]
        self.assertEqual({"orders"}, set(samples.queue))
        self.assertTrue(samples.time.is_monotonic_increasing and samples.time.is_unique)
        # The points in the plot lie on the line.
        line = samples.set_index("time").value
        rows = found["rows"]
        self.assertGreaterEqual(len(rows), 4)
        # The rows were read after the samples.
        there = rows.sample_time.between(samples.time.min(), samples.time.max())
        # No point of the plot is cut by an edge: each lies more than its own half within.
        chart = found["chart"]
        box = chart.get_window_extent()
        for points in chart.collections:
            radius = max(points.get_sizes(), default=0) ** 0.5 / 2 * found["figure"].dpi / 72
            for x, y in chart.transData.transform(points.get_offsets()) if radius else ():
                self.assertTrue(box.x0 + radius <= x <= box.x1 - radius, "half outside")
        for row in rows[rows.final & there].itertuples():
            self.assertEqual(line[row.sample_time], row.value)
            above = row.value > row.threshold
            self.assertEqual(row.state == "FIRING", above)
        self.assertTrue((samples.time.diff().dropna() > pd.Timedelta(0)).all())
        found["aj"].close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
