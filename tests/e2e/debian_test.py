"""The Debian packages: what is in them, and their life on a bare Debian 12: installed, started from
their default configuration, removed, purged."""
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

from support import BINARIES, HERE, REPOSITORY

SERVICES = ("correlator", "ingest")
MIRROR = os.environ.get("ALERTJOIN_TEST_MIRROR", "http://deb.debian.org/debian")
EXPOSURE_MAX = 3.0
ROOT_WITHIN_SECONDS = 900
COMMAND_WITHIN_SECONDS = 600


def run(*command, **arguments):
    """Standard output; fails with all that was said."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False, timeout=COMMAND_WITHIN_SECONDS, **arguments)
    if done.returncode != 0:
        raise AssertionError(f"{command} gave {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class DebianTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("cpack", "dpkg-deb", "dpkg-shlibdeps"):
            if not shutil.which(program):
                raise unittest.SkipTest(f"{program} is not installed")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="alertjoin-debian-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        built = run(REPOSITORY / "deploy/debian/build", "--build-folder", BINARIES,
                    cls.folder / "packages").split()
        cls.packages = {service: next(pathlib.Path(path) for path in built
                                      if f"alertjoin-{service}_" in path) for service in SERVICES}

    def control(self, service, field):
        return run("dpkg-deb", "--field", self.packages[service], field).strip()

    def test_packages_say_what_they_need(self):
        for service in SERVICES:
            with self.subTest(service):
                needed = self.control(service, "Depends")
                for library in ("adduser", "libc6", "libgrpc++1.51", "librocksdb7.8"):
                    self.assertIn(library, needed)
                self.assertRegex(self.control(service, "Version"), r"^\d+\.\d+\.\d+-1$")
                description = self.control(service, "Description").splitlines()
                self.assertLess(len(description[0]), 80)
                self.assertFalse([line for line in description[1:] if line.startswith("  ")])

    def test_packages_hold_what_they_should(self):
        shared = {"prometheus/alerts.yml", "grafana/dashboard.json",
                  "runbooks/AlertjoinIngestDown.md"}
        for service in SERVICES:
            files = set(re.findall(r" \./(\S+[^/\s])$",
                                   run("dpkg-deb", "--contents", self.packages[service]), re.M))
            wanted = {f"usr/bin/{service}-service", f"etc/alertjoin/{service}.yml",
                      f"usr/lib/systemd/system/alertjoin-{service}.service",
                      f"usr/share/doc/alertjoin-{service}/copyright"}
            if service == "correlator":
                wanted |= {f"usr/share/alertjoin/{name}" for name in shared}
            self.assertLessEqual(wanted, files)
            conffiles = run("dpkg-deb", "--info", self.packages[service], "conffiles").split()
            self.assertEqual({f"/{name}" for name in files if name.startswith("etc/")},
                             set(conffiles))

    def test_units_are_hardened(self):
        for service in SERVICES:
            unit = REPOSITORY / f"deploy/systemd/alertjoin-{service}.service"
            said = run("systemd-analyze", "security", "--offline=true", unit)
            exposure = float(re.search(r"exposure level .*?: ([\d.]+)", said)[1])
            print(f"alertjoin-{service}.service: exposure {exposure}", flush=True)
            self.assertLess(exposure, EXPOSURE_MAX)

    def test_units_are_understood(self):
        """With a program that is there: systemd looks for ours where it is installed."""
        for service in SERVICES:
            name = f"alertjoin-{service}.service"
            text = (REPOSITORY / "deploy/systemd" / name).read_text(encoding="utf-8")
            there = self.folder / name
            there.write_text(text.replace(f"ExecStart={service}-service", "ExecStart=/bin/true"),
                             encoding="utf-8")
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", there],
                                  capture_output=True, text=True, check=False,
                                  timeout=COMMAND_WITHIN_SECONDS)
            # Whatever is wrong with other units of this machine is not our affair.
            self.assertNotIn(f"alertjoin-{service}", done.stdout + done.stderr)

    def test_cmake_installs_and_leaves_a_configuration_alone(self):
        changed = self.folder / "installed/etc/alertjoin/ingest.yml"
        for _ in range(2):
            run("cmake", "--install", BINARIES, "--prefix", "/opt/alertjoin",
                env={**os.environ, "DESTDIR": str(self.folder / "installed")})
            self.assertTrue(os.access(
                self.folder / "installed/opt/alertjoin/bin/correlator-service", os.X_OK))
            if changed.read_text() == "changed":
                break
            changed.write_text("changed")
        self.assertEqual("changed", changed.read_text())

    def test_life_on_a_bare_debian(self):
        root = self.make_root()
        self.install(root)
        for service in SERVICES:
            link = root / f"etc/systemd/system/multi-user.target.wants/alertjoin-{service}.service"
            self.assertTrue(link.is_symlink(), "the unit is not enabled")
            mode = (root / f"etc/alertjoin/{service}.yml").stat().st_mode
            self.assertEqual(0o640, stat.S_IMODE(mode))
            run("chroot", root, f"{service}-service", "check-config",
                f"--config.file=/etc/alertjoin/{service}.yml")
        seen = json.loads(run("unshare", "--net", sys.executable, "-B",
                              HERE / "installed_services.py", root))
        self.assertEqual({"ready": {"correlator": 200, "ingest": 200}, "posted": 200, "rows": 1,
                          "exit": {"correlator": 0, "ingest": 0}}, seen)
        self.check_upgrade(root)
        self.check_removal(root)

    def make_root(self):
        if os.geteuid() != 0:
            self.skipTest("not root: no root folder can be made")
        for program in ("debootstrap", "unshare", "chroot"):
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        root = self.folder / "root"
        done = subprocess.run(
            ["debootstrap", "--variant=minbase", "bookworm", str(root), MIRROR],
            capture_output=True, text=True, timeout=ROOT_WITHIN_SECONDS, check=False)
        if done.returncode != 0:
            self.skipTest("debootstrap cannot run here: " + done.stdout.strip()[-300:])
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        return root

    def install(self, root):
        for package in self.packages.values():
            shutil.copy(package, root / "root")
        self.in_root(root, "apt-get", "install", "-y", "--no-install-recommends",
                     "--option=Acquire::Retries=5",  # what the packages need comes from the mirror
                     *[f"/root/{package.name}" for package in self.packages.values()])

    def in_root(self, root, *command):
        return run("chroot", root, *command,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                        "LC_ALL": "C.UTF-8"})

    def check_upgrade(self, root):
        """Installed once more, a changed configuration stays, and so does the user."""
        configuration = root / "etc/alertjoin/ingest.yml"
        configuration.write_text(configuration.read_text() + "# mine\n")
        users = (root / "etc/passwd").read_text()
        self.in_root(root, "dpkg", "--install",
                     *[f"/root/{package.name}" for package in self.packages.values()])
        self.assertIn("# mine", configuration.read_text())
        self.assertEqual(users, (root / "etc/passwd").read_text())

    def check_removal(self, root):
        """remove keeps what people made and what was stored; purge takes it."""
        kept = [root / path for service in SERVICES
                for path in (f"var/lib/alertjoin-{service}", f"etc/alertjoin/{service}.yml")]
        names = [f"alertjoin-{service}" for service in SERVICES]
        self.in_root(root, "dpkg", "--remove", *names)
        self.assertFalse((root / "usr/bin/ingest-service").exists())
        self.assertEqual([], [path for path in kept if not path.exists()])
        self.assertTrue(any(path.iterdir() for path in kept if path.is_dir()), "nothing was stored")
        self.in_root(root, "dpkg", "--purge", *names)
        self.assertEqual([], [path for path in kept if path.exists()])
        self.assertNotIn("alertjoin", (root / "etc/passwd").read_text())
        self.assertEqual([], list(root.glob("etc/systemd/system/**/alertjoin*")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
