"""The alerts, their tests, their runbook pages and the dashboard of deploy/ fit together, and name no
metric that the services do not have."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
ALERTS_TEST = DEPLOY / "prometheus" / "alerts_test.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"
RUNBOOKS = DEPLOY / "runbooks"
SECTIONS = ["Meaning", "Impact", "What to look at", "How to mend it"]
SEVERITIES = {"critical", "warning"}
COLUMNS = 24  # of Grafana's grid

_METRIC = re.compile(r"\balertjoin_[a-z0-9_]+\b")
_HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")
# Grafana's own, as something that PromQL knows.
_VARIABLES = {"$__rate_interval": "5m", "$ingest": ".*", "$correlator": ".*"}


def alerts():
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard():
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def panels(kind=None):
    return [panel for panel in dashboard()["panels"] if kind in (None, panel["type"])]


def dashboard_expressions():
    found = [target["expr"] for panel in panels() for target in panel.get("targets", [])]
    found += [annotation["expr"] for annotation in dashboard()["annotations"]["list"]]
    return found


def metrics_in(text):
    return set(_METRIC.findall(text))


def metrics_of_the_services():
    """Every name in the sources that looks like a metric."""
    names = set()
    for folder in ("common", "ingest-service", "correlator-service"):
        for path in (ROOT / folder).rglob("*.cc"):
            text = path.read_text(encoding="utf-8")
            names |= set(re.findall(r'"(alertjoin_[a-z0-9_]+)"', text))
    return names


def promtool(test, *arguments):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60)
    test.assertEqual(0, done.returncode, done.stdout + done.stderr)


class Alerts(unittest.TestCase):
    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_takes_them_and_their_tests_pass(self):
        promtool(self, "check", "rules", str(ALERTS))
        promtool(self, "test", "rules", str(ALERTS_TEST))
        promtool(self, "check", "config", str(ALERTS.with_name("scrape.yml")))

    def test_each_has_what_people_and_routes_go_by(self):
        names = [rule["alert"] for rule in alerts()]
        self.assertEqual(len(names), len(set(names)))
        for rule in alerts():
            with self.subTest(rule["alert"]):
                self.assertRegex(rule["alert"], "^Alertjoin[A-Z]")
                self.assertIn(rule["labels"]["severity"], SEVERITIES)
                self.assertLess(len(rule["annotations"]["summary"]), 120)
                self.assertTrue(rule["annotations"]["description"].endswith("."))

    def test_each_is_seen_to_fire_by_a_test(self):
        tested = set(re.findall(r'alertname="(\w+)"', ALERTS_TEST.read_text(encoding="utf-8")))
        self.assertEqual({rule["alert"] for rule in alerts()}, tested)

    def test_each_has_its_runbook_page_and_each_page_its_alert(self):
        for rule in alerts():
            self.assertEqual(f"runbooks/{rule['alert']}.md", rule["annotations"]["runbook_url"])
        self.assertEqual({rule["alert"] for rule in alerts()},
                         {path.stem for path in RUNBOOKS.glob("*.md")})

    def test_each_page_says_all_that_it_should(self):
        known = {rule["alert"] for rule in alerts()}
        for path in RUNBOOKS.glob("*.md"):
            with self.subTest(path.name):
                text = path.read_text(encoding="utf-8")
                self.assertTrue(text.startswith(f"# {path.stem}\n"))
                parts = re.split(r"^## (.*)\n", text, flags=re.M)[1:]
                self.assertEqual(SECTIONS, parts[::2])
                self.assertFalse([part for part in parts[1::2] if len(part.strip()) < 30])
                self.assertLessEqual(set(re.findall(r"\bAlertjoin\w+", text)), known)


class Metrics(unittest.TestCase):
    def test_every_metric_that_is_named_exists(self):
        known = metrics_of_the_services()
        self.assertGreater(len(known), 50, "the sources were not found")
        known |= {name + part for name in known for part in _HISTOGRAM_PARTS}
        texts = {"alerts": " ".join(rule["expr"] for rule in alerts()),
                 "alerts_test": ALERTS_TEST.read_text(encoding="utf-8"),
                 "dashboard": " ".join(dashboard_expressions() + [DASHBOARD.read_text()])}
        texts |= {path.name: path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md")}
        for name, text in texts.items():
            with self.subTest(name):
                self.assertEqual(set(), metrics_in(text) - known)


class Dashboard(unittest.TestCase):
    """What Grafana would refuse, draw one over the other, or show empty."""

    def test_it_has_what_provisioning_needs(self):
        board = dashboard()
        self.assertEqual("alertjoin", board["uid"])
        self.assertTrue(board["title"])
        self.assertGreaterEqual(board["schemaVersion"], 30)
        self.assertNotIn("id", board)  # Grafana gives it its own.
        self.assertEqual({"datasource", "ingest", "correlator"},
                         {variable["name"] for variable in board["templating"]["list"]})

    def test_panels_have_their_own_id_and_place(self):
        ids = [panel["id"] for panel in panels()]
        self.assertEqual(len(ids), len(set(ids)))
        taken = {}
        for panel in panels():
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], COLUMNS, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    other = taken.setdefault((x, y), panel["title"])
                    self.assertEqual(other, panel["title"], "one lies over the other")

    def test_panels_say_what_they_show_and_in_which_unit(self):
        shown = [panel for panel in panels() if panel["type"] != "row"]
        self.assertGreater(len(shown), 20)
        titles = [panel["title"] for panel in shown]
        self.assertEqual(len(titles), len(set(titles)))
        for panel in shown:
            with self.subTest(panel["title"]):
                self.assertIn(panel["type"], {"timeseries", "stat"})
                self.assertTrue(panel["description"].endswith("."))
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                self.assertTrue(panel["targets"])
                references = [target["refId"] for target in panel["targets"]]
                self.assertEqual(len(references), len(set(references)))
                for part in (panel, *panel["targets"]):
                    self.assertEqual({"type": "prometheus", "uid": "${datasource}"},
                                     part["datasource"])

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_every_expression_is_promql(self):
        rules = []
        for number, expression in enumerate(dashboard_expressions()):
            for name, value in _VARIABLES.items():
                expression = expression.replace(name, value)
            self.assertNotIn("$", expression)
            rules.append({"record": f"panel:{number}", "expr": expression})
        with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
            yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            promtool(self, "check", "rules", file.name)

    def test_what_the_alerts_watch_can_be_seen(self):
        watched = metrics_in(" ".join(rule["expr"] for rule in alerts()))
        self.assertEqual(set(), watched - metrics_in(" ".join(dashboard_expressions())))


if __name__ == "__main__":
    unittest.main()
