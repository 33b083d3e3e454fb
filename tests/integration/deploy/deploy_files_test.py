"""Programs take the files of deploy/ that are written for them: the services their configurations,
promtool and amtool those of containers, compose-go's checker compose.yml (where Go can install it)."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
BINARIES = pathlib.Path(os.environ.get("ALERTJOIN_BINARIES", ROOT / "build" / "dev"))
FOLDERS = (DEPLOY / "systemd", DEPLOY / "docker", DEPLOY / "kubernetes" / "base")
COMPOSE_CHECKER = "github.com/compose-spec/compose-go/v2/cmd@latest"


def run(*command, **arguments):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False, timeout=120, **arguments)


def compose_checker():
    """Its path; None where it is not to be had."""
    folder = BINARIES / "tools" / "compose"
    if not (folder / "cmd").exists() and shutil.which("go"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            run("go", "install", COMPOSE_CHECKER, env={**os.environ, "GOBIN": str(folder)})
    return folder / "cmd" if (folder / "cmd").exists() else None


class DeployFiles(unittest.TestCase):
    def check(self, *command):
        done = run(*command)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_services_take_their_configurations(self):
        for folder in FOLDERS:
            for name in ("ingest", "correlator"):
                with self.subTest(f"{folder.name}/{name}.yml"):
                    # In containers the listeners are those of their network.
                    flags = [] if folder.name == "systemd" else ["--insecure"]
                    self.check(BINARIES / f"{name}-service" / f"{name}-service", "check-config",
                               f"--config.file={folder / name}.yml", *flags)

    def test_alertmanager_takes_its_configuration(self):
        self.check("amtool", "check-config", DEPLOY / "docker" / "alertmanager.yml")

    def test_prometheus_takes_its_configuration(self):
        """With its rule files where they are here, not where they are mounted."""
        text = (DEPLOY / "docker" / "prometheus.yml").read_text(encoding="utf-8")
        for mounted, here in (("demo_rules.yml", DEPLOY / "demo.d/config/rules.yml"),
                              ("alertjoin_alerts.yml", DEPLOY / "prometheus/alerts.yml")):
            self.assertIn(f"/etc/prometheus/{mounted}", text)
            text = text.replace(f"/etc/prometheus/{mounted}", str(here))
        with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            self.check("promtool", "check", "config", file.name)

    def test_compose_takes_its_file(self):
        checker = compose_checker()
        if checker is None:
            self.skipTest("no Go here that could install compose-go's checker")
        done = run(checker, DEPLOY / "docker" / "compose.yml")
        self.assertEqual(0, done.returncode, done.stderr)
        # What extends a part of another is resolved.
        self.assertEqual(6, done.stdout.count("no-new-privileges:true") - 1, done.stdout[-500:])


if __name__ == "__main__":
    unittest.main()
