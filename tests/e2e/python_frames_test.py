"""What messages become as frames of the Python package. Without services."""
import math
import unittest

from alertjoin import frames
from alertjoin.cli.tail import cells
from alertjoin.forward.events import AlertEvent
from alertjoin.v1.alerts_pb2 import Alert, AlertSummary
from alertjoin.v1.events_pb2 import SourceStatus
from alertjoin.v1.joined_row_pb2 import JoinedRow
from alertjoin.v1.samples_pb2 import AsOfResult, SampleSummary, SeriesSamples

NEWER = 99  # of any enumeration: what only a newer correlator knows


def series(labels, query="q", source="s", values=(1.5,)):
    one = SeriesSamples()
    one.series.labels.update(labels)
    one.series.query.name, one.series.query.source = query, source
    for number, value in enumerate(values):
        one.samples.add(value=value).time.FromMilliseconds(1000 * (number + 1))
    return one


class ValuesTest(unittest.TestCase):
    def test_nan_is_a_value_and_what_is_missing_is_none(self):
        one = series({}, values=(math.nan, 0.5))
        one.samples.insert(1, type(one.samples[0])())
        values = frames.samples_frame([one]).value
        self.assertEqual([False, True, False], list(values.isna()))
        self.assertTrue(math.isnan(values[0]))

    def test_what_only_a_newer_correlator_knows_is_none(self):
        row = JoinedRow(row_id="r")
        row.transition.state, row.transition.origin = NEWER, NEWER
        row.match.state = NEWER
        joined, = frames.joined_frame([row]).itertuples()
        alert, = frames.alerts_frame([Alert(transition=row.transition)]).itertuples()
        looked_up, = frames.as_of_frame([AsOfResult(match=row.match)]).itertuples()
        source, = frames.sources_frame([SourceStatus(kind=NEWER, health=NEWER)]).itertuples()
        group, = frames.alert_summary_frame([AlertSummary(last_state=NEWER)]).itertuples()
        for value in (joined.state, joined.match, alert.state, alert.origin, looked_up.match,
                      source.kind, source.health, group.last_state):
            self.assertTrue(math.isnan(value))
        self.assertEqual([str(NEWER)] * 2, [cells(row)[1], cells(row)[5]])
        self.assertIn(f"no value ({NEWER})", AlertEvent([row], "e").description())


class LabelsTest(unittest.TestCase):
    """Labels may have the names of columns."""

    def compare(self, plain, labelled, labels):
        """All that is there without labels is there with them, and each label besides."""
        for name in plain.columns:
            self.assertEqual(list(plain[name].astype(str)), list(labelled[name].astype(str)), name)
        for label in labels:
            self.assertEqual([f"<{label}>"], list(labelled[f"label_{label}"]))
        self.assertEqual(len(plain.columns) + len(labels), len(labelled.columns))
        labelled.reset_index()  # as export does

    def labels_of(self, plain, index=()):
        return {name: f"<{name}>" for name in [*plain.columns, *index]}

    def test_of_samples(self):
        plain = frames.samples_frame([series({})])
        labels = self.labels_of(plain)
        self.compare(plain, frames.samples_frame([series(labels)]), labels)

    def test_of_what_was_looked_up(self):
        plain = frames.as_of_frame([AsOfResult()])
        result = AsOfResult()
        result.series.labels.update(labels := self.labels_of(plain))
        self.compare(plain, frames.as_of_frame([result]), labels)

    def test_of_figures(self):
        summary = SampleSummary()
        summary.statistics.add(count=3, mean=2.5)
        plain = frames.summary_frame([summary])
        summary.series.labels.update(labels := self.labels_of(plain))
        self.compare(plain, frames.summary_frame([summary]), labels)

    def test_of_joined_rows_and_firing_intervals(self):
        row = JoinedRow(row_id="r")
        row.transition.job = "j"
        plain = frames.joined_frame([row])
        row.transition.labels.update(labels := self.labels_of(plain, ["row_id"]))
        labelled = frames.joined_frame([row], list(labels))
        self.compare(plain, labelled, labels)
        intervals = frames.firing_intervals(labelled)
        self.assertEqual((["j"], ["<job>"], ["<duration>"]), tuple(
            list(intervals[name]) for name in ("job", "label_job", "label_duration")))

    def test_of_alerts(self):
        alert = Alert(alert_id="a")
        plain = frames.alerts_frame([alert])
        alert.transition.labels.update(labels := self.labels_of(plain, ["alert_id"]))
        self.compare(plain, frames.alerts_frame([alert], list(labels)), labels)

    def test_of_groups(self):
        summary = AlertSummary(alerts=3)
        summary.buckets.add(fired=2)
        for frame in (frames.alert_summary_frame, frames.alert_bucket_frame):
            plain = frame([summary])
            labelled = AlertSummary()
            labelled.CopyFrom(summary)
            labelled.labels.update(labels := self.labels_of(plain))
            self.compare(plain, frame([labelled]), labels)

    def test_a_name_is_given_once(self):
        frame = frames.samples_frame([series({"value": "a", "label_value": "b"})])
        self.assertEqual({"a", "b"}, {frame[name][0] for name in frame.columns if "label" in name})
        frame = frames.samples_frame([series({"a": "b"})], ["a", "a"])
        self.assertEqual(1, list(frame.columns).count("a"))


class WideTest(unittest.TestCase):
    def columns(self, *all_series):
        frame = frames.wide_frame(all_series)
        self.assertEqual([one.samples[0].value for one in all_series], list(frame.iloc[0]))
        return list(frame.columns)

    def test_series_that_are_alike_have_a_column_each(self):
        up, job = {"__name__": "up", "job": "a"}, {"job": "a"}
        self.assertEqual(['up{job="a"}', '{job="a"}'],
                         self.columns(series(up), series(job, values=(2,))))
        self.assertEqual(['max(x){job="a"}', 'min(x){job="a"}'],
                         self.columns(series(job, "max(x)"), series(job, "min(x)", values=(2,))))
        self.assertEqual(['up{job="a"} (s1)', 'up{job="a"} (s2)', "up"], self.columns(
            series(up, source="s1"), series(up, source="s2", values=(2,)),
            series({"__name__": "up"}, values=(3,))))
        self.assertEqual(['up{job="a"} (s, up)', 'up{job="a"} (s, up every 1d)'], self.columns(
            series(up, "up"), series(up, "up every 1d", values=(2,))))


if __name__ == "__main__":
    unittest.main()
