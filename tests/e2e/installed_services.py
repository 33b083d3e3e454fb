"""Starts the services of an installed root as their units do, in a network of their own, has an alert
go through both, and ends them. Run: unshare --net installed_services.py ROOT

Prints what it saw as one JSON object. The addresses are those of the default configurations.
"""
import configparser
import fcntl
import http.client
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import time

SERVICES = ("correlator", "ingest")
HTTP = {"correlator": ("127.0.0.1", 9751), "ingest": ("127.0.0.1", 9752)}
WITHIN_SECONDS = 60
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1

ALERT = {"version": "4", "status": "firing", "receiver": "alertjoin", "alerts": [
    {"status": "firing", "labels": {"alertname": "Installed"}, "annotations": {},
     "startsAt": "2026-03-01T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
     "fingerprint": "00000000000000aa"}]}


def bring_loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def read_unit(root, name):
    """The [Service] section of the installed unit."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(root / f"usr/lib/systemd/system/alertjoin-{name}.service")
    return parser["Service"]


def find(root, program):
    """As systemd finds a command without a path."""
    for folder in ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin"):
        if os.access(root / folder / program, os.X_OK):
            return f"/{folder}/{program}"
    raise FileNotFoundError(program)


def ids_of(root, user):
    for line in (root / "etc/passwd").read_text().splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == user:
            return int(uid), int(gid)
    raise KeyError(user)


def start(root, name):
    """As systemd would: its user, its state directory, its working directory, READY=1 awaited."""
    unit = read_unit(root, name)
    user = unit["User"]
    uid, gid = ids_of(root, user)
    state = root / "var/lib" / unit["StateDirectory"]
    state.mkdir(exist_ok=True)
    state.chmod(int(unit["StateDirectoryMode"], 8))
    os.chown(state, uid, gid)
    program, *arguments = shlex.split(unit["ExecStart"].replace("$ARGS", ""))
    notify = root / f"run/alertjoin-{name}.notify"
    notify.unlink(missing_ok=True)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(notify))
    notify.chmod(0o777)
    manager.settimeout(WITHIN_SECONDS)
    command = f"cd {unit['WorkingDirectory']} && umask {unit['UMask']} && exec \"$@\""
    service = subprocess.Popen(
        ["/usr/sbin/chroot", f"--userspec={uid}:{gid}", str(root), "/bin/sh", "-c", command, "sh",
         find(root, program), *arguments],
        env={"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": f"/run/{notify.name}"})
    try:
        heard = manager.recv(4096)
    except TimeoutError:
        heard = f"nothing for {WITHIN_SECONDS} s, exit status {service.poll()}"
    if heard != b"READY=1":
        raise RuntimeError(f"{name} is not ready: {heard}")
    return service


def ask(name, method, path, body=None):
    connection = http.client.HTTPConnection(*HTTP[name], timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def rows():
    text = ask("correlator", "GET", "/metrics")[1]
    return sum(map(int, re.findall(r"^alertjoin_rows\{.*\} (\d+)$", text, re.M)))


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    bring_loopback_up()
    services = {name: start(root, name) for name in SERVICES}
    seen = {"ready": {name: ask(name, "GET", "/-/ready")[0] for name in SERVICES},
            "posted": ask("ingest", "POST", "/webhook/alertmanager", json.dumps(ALERT))[0]}
    deadline = time.monotonic() + WITHIN_SECONDS
    while rows() == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    seen["rows"] = rows()
    for name in reversed(SERVICES):
        services[name].send_signal(signal.SIGTERM)
    seen["exit"] = {name: services[name].wait(WITHIN_SECONDS) for name in SERVICES}
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
