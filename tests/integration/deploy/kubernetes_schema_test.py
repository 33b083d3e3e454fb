"""The manifests of deploy/kubernetes against the schemas of several versions of Kubernetes, strictly:
an unknown field is an error. As kustomize builds them where it (or kubectl) is there, else file by file.
Run by tests/support/with_kubernetes_schemas."""

import pathlib
import shutil
import subprocess
import unittest

import kubernetes_validate
import yaml

BASE = pathlib.Path(__file__).resolve().parents[3] / "deploy" / "kubernetes" / "base"
VERSIONS = ("1.28", "1.32")
# Of the Prometheus operator, whose schemas the package does not have.
WITHOUT_SCHEMA = {"ServiceMonitor", "PrometheusRule"}


def build():
    for command in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, str(BASE)], capture_output=True, text=True,
                                  timeout=60, check=True)
            return done.stdout
    print("no kustomize here: the manifests are checked as they stand", flush=True)
    names = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    return "\n---\n".join((BASE / name).read_text() for name in names)


class KubernetesSchema(unittest.TestCase):
    def test_every_object_has_the_shape_that_kubernetes_wants(self):
        objects = list(yaml.safe_load_all(build()))
        self.assertGreater(len(objects), 10)
        checked = set()
        for each in objects:
            if each["kind"] in WITHOUT_SCHEMA:
                continue
            for version in VERSIONS:
                with self.subTest(f"{each['kind']} {each['metadata']['name']}, {version}"):
                    kubernetes_validate.validate(each, version, strict=True)
                    checked.add(each["kind"])
        self.assertLessEqual({"StatefulSet", "Service", "NetworkPolicy", "PodDisruptionBudget",
                              "HorizontalPodAutoscaler"}, checked)


if __name__ == "__main__":
    unittest.main()
