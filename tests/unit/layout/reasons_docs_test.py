"""common/REASONS.md has every word that the code counts refusals by, and no other."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "common/REASONS.md"
WORD = r'"([a-z_0-9]+)"'
# Where the words of a metric stand in the code: files, and what stands around a word there.
WEBHOOK = {
    "ingest-service/alertmanager/webhook.cc": [
        r"Refusal\{\s*\d+,\s*" + WORD, r"ReasonOf\(\w+, " + WORD, r"CountRefusal\(" + WORD],
}
SENDER = {"ingest-service/alertmanager/sender_auth.cc": [r"\{\s*[45]\d\d,\s*" + WORD]}
# Statuses whose reasons come back as words of a webhook.
STATUSES = ["ingest-service/alertmanager", "ingest-service/spool/spool.cc",
            "ingest-service/spool/spool_records.cc", "ingest-service/spool/sample_lane.cc"]
METRICS = {
    "alertjoin_access_refused_total": {
        "common/access/access_control.cc": [
            r"Unknown\(\*?\w+, " + WORD, r"\.reason = " + WORD],
        "common/access/access_control.h": [r"CountRefusal\(" + WORD],
    },
    "alertjoin_http_overload_refused_total": {
        "common/net/http_metrics.cc": [r"= counter\(" + WORD]},
    "alertjoin_intake_refused_total": {
        "correlator-service/intake/intake_metrics.cc": [r'"([A-Z_]+)"']},
    "alertjoin_join_refused_total": {
        "correlator-service/pipeline/pipeline_metrics.cc": [
            r'refused\.Add\(\{\{"reason", ' + WORD]},
    "alertjoin_polls_skipped_total": {
        "ingest-service/prometheus/query_metrics.cc": [r'\{"reason", ' + WORD]},
    "alertjoin_reconcile_left_out_total": {
        "ingest-service/reconcile/reconcile_metrics.cc": [
            r"case LeftOut::k\w+:\s*return " + WORD, r'\{"reason", ' + WORD]},
    "alertjoin_binding_expressions_refused_total": {
        "ingest-service/binding/rule_binder.cc": [r"Refused\(" + WORD]},
}
# Its words are those of proto/ERRORS.md, and of no list here.
WORDS_ELSEWHERE = {"alertjoin_subscription_ends_total"}


def words_in(places):
    found = set()
    for file, patterns in places.items():
        text = (ROOT / file).read_text()
        for pattern in patterns:
            words = re.findall(pattern, text)
            assert words, f"{file}: nothing like {pattern}"
            found.update(words)
    return found


def status_words():
    found = {"malformed_event"}  # common/event/event_rules.cc, by way of the spool.
    for place in STATUSES:
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(path.glob("*.cc")):
            for call in re.findall(r"WithReason\((.*?)\);", file.read_text(), re.S):
                found.add(re.findall(r'"([A-Z_]+)"\s*$', call)[0].lower())
    return found


def documented():
    """The words of each section's table, by the metric that the section begins with."""
    found = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        metric = re.search(r"`(alertjoin_\w+)`:", section)[1]
        rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", section, re.M)
        assert len(rows) == len({word for word, _ in rows}), f"{metric}: a word stands twice"
        assert all(cell.strip() for _, cells in rows for cell in cells.split("|")), metric
        found[metric] = {word: cells.split("|")[0].strip() for word, cells in rows}
    return found


class ReasonsDocs(unittest.TestCase):
    def test_every_metric_with_reasons_has_a_section(self):
        metrics = re.findall(r"^\| `(\w+)` \| counter \| .*`reason`.* \|",
                             (ROOT / "common/METRICS.md").read_text(encoding="utf-8"), re.M)
        self.assertGreater(len(metrics), 8)
        page = PAGE.read_text(encoding="utf-8")
        for metric in metrics:
            self.assertIn(f"`{metric}`", page)
        self.assertEqual(set(documented()), set(metrics) - {"alertjoin_webhook_denied_total"})

    def test_the_words_of_each_metric_are_those_of_the_code(self):
        for metric, places in METRICS.items():
            with self.subTest(metric):
                self.assertEqual(set(documented()[metric]), words_in(places))
        self.assertEqual(set(documented()),
                         set(METRICS) | WORDS_ELSEWHERE | {"alertjoin_webhook_refused_total"})

    def test_the_words_of_webhooks_are_those_of_the_code(self):
        self.assertEqual(set(documented()["alertjoin_webhook_refused_total"]),
                         words_in(WEBHOOK) | words_in(SENDER) | status_words())

    def test_the_statuses_of_webhooks_are_those_of_the_code(self):
        statuses = documented()["alertjoin_webhook_refused_total"]
        for file in (*WEBHOOK, *SENDER):
            for status, word in re.findall(r"\{\s*([45]\d\d),\s*" + WORD, (ROOT / file).read_text()):
                self.assertEqual(status, statuses[word], word)

    def test_what_is_said_of_senders_is_the_code(self):
        said = re.search(r"`alertjoin_webhook_denied_total` counts(.*?)\n\n",
                         PAGE.read_text(encoding="utf-8"), re.S)[1]
        self.assertEqual(set(re.findall(r"`(\w+)`", said)), words_in(SENDER))


if __name__ == "__main__":
    unittest.main()
