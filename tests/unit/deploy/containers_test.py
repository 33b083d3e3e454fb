"""Docker and Kubernetes files of deploy/: what can be told of them without a daemon or a cluster. Their
schemas are checked by tests/integration/deploy."""

import json
import pathlib
import re
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kubernetes" / "base"
USER = 64750
OWN = ("alertjoin-correlator", "alertjoin-ingest")
# Where each service writes, and all of it.
STATE = {name: f"/var/lib/{name}" for name in OWN}


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def compose():
    return load(DEPLOY / "docker" / "compose.yml")


def objects(kind=None):
    names = load(BASE / "kustomization.yaml")["resources"]
    found = [each for name in names
             for each in yaml.safe_load_all((BASE / name).read_text(encoding="utf-8"))]
    return [each for each in found if kind in (None, each["kind"])]


def named(kind, name):
    return next(each for each in objects(kind) if each["metadata"]["name"] == name)


class Dockerfile(unittest.TestCase):
    TEXT = (DEPLOY / "docker" / "Dockerfile").read_text(encoding="utf-8")

    def stages(self):
        parts = re.split(r"^FROM (\S+) AS (\w+)$", self.TEXT, flags=re.M)
        return dict(zip(parts[2::3], parts[3::3]))

    def test_images_are_of_debian_12_and_built_in_a_stage_of_their_own(self):
        self.assertEqual({"build", "runtime", "correlator", "ingest"}, set(self.stages()))
        self.assertEqual({"debian:12-slim", "runtime"},
                         set(re.findall(r"^FROM (\S+)", self.TEXT, re.M)))

    def test_services_run_without_rights_and_write_to_their_volume_only(self):
        for name in ("correlator", "ingest"):
            stage = self.stages()[name]
            self.assertIn(f"USER {USER}:{USER}\n", stage)
            self.assertIn(f"VOLUME /var/lib/alertjoin-{name}\n", stage)
            self.assertIn("/-/ready", stage)
            self.assertIn(f'ENTRYPOINT ["{name}-service"]', stage)
            # What comes after USER runs without rights, so nothing may be installed there.
            self.assertNotIn("RUN", stage.split("\nUSER ")[1])

    def test_everything_that_is_copied_is_there(self):
        for source in re.findall(r"^COPY (\S+)", self.TEXT, re.M):
            self.assertTrue((ROOT / source).exists(), source)


class Compose(unittest.TestCase):
    def test_every_container_is_confined(self):
        for name, service in compose()["services"].items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(["ALL"], service["cap_drop"])
                self.assertEqual(["no-new-privileges:true"], service["security_opt"])

    def test_ports_are_published_on_loopback_only(self):
        ports = [port for service in compose()["services"].values()
                 for port in service.get("ports", [])]
        self.assertGreater(len(ports), 5)
        for port in ports:
            self.assertRegex(port, r"^127\.0\.0\.1:\d+:\d+$")

    def test_what_is_mounted_is_there(self):
        for name, service in compose()["services"].items():
            for volume in service.get("volumes", []):
                source, target, *_ = volume.split(":")
                self.assertTrue(target.startswith("/"))
                if source.startswith("."):
                    self.assertTrue((DEPLOY / "docker" / source).exists(), f"{name}: {source}")
                else:
                    self.assertIn(source, compose()["volumes"])

    def test_the_parts_know_each_other_by_name(self):
        known = set(compose()["services"]) | {"127.0.0.1", "0.0.0.0"}
        for path in (DEPLOY / "docker").rglob("*.yml"):
            if path.name != "compose.yml":
                text = path.read_text(encoding="utf-8")
                hosts = set(re.findall(r"\b((?:\d+\.){3}\d+|[a-z]\w*):\d{4}\b", text))
                self.assertLessEqual(hosts, known, path.name)

    def test_grafana_has_the_dashboard_and_its_data_source(self):
        volumes = compose()["services"]["grafana"]["volumes"]
        self.assertIn("../grafana/dashboard.json:/etc/grafana/dashboards/alertjoin.json:ro", volumes)
        provider = load(DEPLOY / "docker/grafana/dashboards.yml")["providers"][0]
        self.assertEqual("/etc/grafana/dashboards", provider["options"]["path"])
        source = load(DEPLOY / "docker/grafana/datasources.yml")["datasources"][0]
        self.assertEqual(("prometheus", "http://prometheus:9090"), (source["type"], source["url"]))

    def test_both_services_are_scraped_under_the_names_that_the_alerts_know(self):
        jobs = {job["job_name"] for job in
                load(DEPLOY / "docker/prometheus.yml")["scrape_configs"]}
        shipped = {job["job_name"] for job in
                   load(DEPLOY / "prometheus/scrape.yml")["scrape_configs"]}
        self.assertEqual(set(OWN), shipped)
        self.assertLessEqual(shipped, jobs)


class Kubernetes(unittest.TestCase):
    def workloads(self):
        return {each["metadata"]["name"]: each["spec"] for each in objects("StatefulSet")}

    def test_both_services_keep_their_state(self):
        self.assertEqual(set(OWN), set(self.workloads()))
        for name, spec in self.workloads().items():
            container = spec["template"]["spec"]["containers"][0]
            claims = {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
            mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
            self.assertIn(mounts[STATE[name]]["name"], claims)
            service = named("Service", spec["serviceName"])
            self.assertEqual("None", service["spec"]["clusterIP"])
        self.assertEqual(1, self.workloads()["alertjoin-correlator"]["replicas"])
        # The autoscaler's to say.
        self.assertNotIn("replicas", self.workloads()["alertjoin-ingest"])

    def test_pods_have_no_rights(self):
        for name, spec in self.workloads().items():
            pod = spec["template"]["spec"]
            self.assertFalse(pod["automountServiceAccountToken"])
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(USER, pod["securityContext"]["runAsUser"])
            self.assertEqual({"type": "RuntimeDefault"}, pod["securityContext"]["seccompProfile"])
            for container in pod["containers"]:
                context = container["securityContext"]
                self.assertFalse(context["allowPrivilegeEscalation"], name)
                self.assertTrue(context["readOnlyRootFilesystem"], name)
                self.assertEqual(["ALL"], context["capabilities"]["drop"], name)
                self.assertIn("memory", container["resources"]["limits"])

    def test_probes_ask_what_the_services_answer(self):
        for spec in self.workloads().values():
            container = spec["template"]["spec"]["containers"][0]
            ports = {port["name"] for port in container["ports"]}
            for probe, path in (("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready"),
                                ("startupProbe", "/-/healthy")):
                self.assertEqual(path, container[probe]["httpGet"]["path"])
                self.assertIn(container[probe]["httpGet"]["port"], ports)

    def test_selectors_find_their_pods(self):
        pods = {name: spec["template"]["metadata"]["labels"]
                for name, spec in self.workloads().items()}
        for name, spec in self.workloads().items():
            self.assertEqual(pods[name], spec["selector"]["matchLabels"])
        for kind, of in (("Service", lambda spec: spec["selector"]),
                         ("PodDisruptionBudget", lambda spec: spec["selector"]["matchLabels"]),
                         ("NetworkPolicy", lambda spec: spec["podSelector"]["matchLabels"])):
            for each in objects(kind):
                self.assertIn(of(each["spec"]), pods.values(), each["metadata"]["name"])

    def test_the_autoscaler_is_for_ingest_only(self):
        target = [each["spec"]["scaleTargetRef"] for each in objects("HorizontalPodAutoscaler")]
        self.assertEqual([("StatefulSet", "alertjoin-ingest")],
                         [(each["kind"], each["name"]) for each in target])

    def test_monitors_select_one_service_each_and_name_the_job_by_it(self):
        for monitor in objects("ServiceMonitor"):
            wanted = monitor["spec"]["selector"]["matchLabels"]
            chosen = [each for each in objects("Service")
                      if wanted.items() <= each["metadata"].get("labels", {}).items()]
            self.assertEqual(1, len(chosen), monitor["metadata"]["name"])
            label = monitor["spec"]["jobLabel"]
            self.assertIn(chosen[0]["metadata"]["labels"][label], OWN)
            ports = {port["name"] for port in chosen[0]["spec"]["ports"]}
            self.assertLessEqual({end["port"] for end in monitor["spec"]["endpoints"]}, ports)

    def test_the_rules_are_those_of_prometheus(self):
        rule = named("PrometheusRule", "alertjoin")
        self.assertEqual(load(DEPLOY / "prometheus/alerts.yml")["groups"], rule["spec"]["groups"])

    def test_network_policies_are_closed_but_for_what_they_name(self):
        for policy in objects("NetworkPolicy"):
            self.assertEqual(["Ingress", "Egress"], policy["spec"]["policyTypes"])
            for rule in policy["spec"]["ingress"]:
                self.assertTrue(rule["from"])
                self.assertTrue(rule["ports"])
        self.assertEqual([], named("NetworkPolicy", "alertjoin-correlator")["spec"]["egress"])

    def test_addresses_fit_services_and_ports(self):
        ingest = (BASE / "ingest.yml").read_text(encoding="utf-8")
        host, port = re.search(r'correlator: {address: "([\w-]+):(\d+)"}', ingest).groups()
        ports = {each["port"] for each in named("Service", host)["spec"]["ports"]}
        self.assertIn(int(port), ports)


class Configurations(unittest.TestCase):
    """Those of containers and packages write where they may."""

    def test_state_is_below_the_state_directory(self):
        for folder in (DEPLOY / "systemd", DEPLOY / "docker", BASE):
            paths = re.findall(r"\bpath: (/[^}\s]+)", (folder / "ingest.yml").read_text()
                               + (folder / "correlator.yml").read_text())
            self.assertEqual(["/var/lib/alertjoin-ingest/spool",
                              "/var/lib/alertjoin-correlator/data"], paths, folder)

    def test_listeners_of_containers_are_said_to_be_without_tls(self):
        """Otherwise the services refuse to start; on machines they are on loopback."""
        flags = [compose()["services"][name]["command"] for name in ("ingest", "correlator")]
        flags += [each["spec"]["template"]["spec"]["containers"][0]["args"]
                  for each in objects("StatefulSet")]
        for arguments in flags:
            self.assertIn("--insecure", arguments)
        for path in (DEPLOY / "systemd").iterdir():
            text = path.read_text(encoding="utf-8")
            self.assertNotIn("insecure", text)
            self.assertEqual([], re.findall(r'listen_address: "(?!127\.0\.0\.1:)', text))

    def test_the_image_tags_are_the_version(self):
        version = re.search(r"project\(alertjoin VERSION (\S+)",
                            (ROOT / "CMakeLists.txt").read_text())[1]
        texts = [(DEPLOY / "docker/compose.yml").read_text(), json.dumps(objects("StatefulSet"))]
        for text in texts:
            tags = re.findall(r"alertjoin-(?:ingest|correlator):([\d.]+)", text)
            self.assertEqual({version}, set(tags))


if __name__ == "__main__":
    unittest.main()
