"""What can be configured: in a TOML file, by flags, or both; flags win."""
from __future__ import annotations

import dataclasses
import sys
from typing import Any, Mapping

from alertjoin.forward.cloud_events import CloudEvents
from alertjoin.forward.grafana import Grafana
from alertjoin.forward.http import parse_url
from alertjoin.forward.request import Target
from alertjoin.forward.sysdig import TIME_UNITS, Sysdig
from alertjoin.times import parse_duration

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TARGETS = ("sysdig", "grafana", "webhook")


@dataclasses.dataclass(frozen=True)
class Options:
    """Durations are as in Prometheus ("90s"). Raises ValueError where something is wrong."""
    target: str = ""  # of TARGETS
    url: str = ""
    token_file: str = ""  # "": the environment's ALERTJOIN_FORWARD_TOKEN, if there is one
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    state_file: str = ""
    dead_letter_file: str = ""  # "": state_file with .dead-letters behind it
    dead_letter_bytes_max: int = 16 << 20
    filter: str = ""  # as in subscribe()
    all: bool = False  # also what may still change, and each change of it
    max_wait: str = ""  # send what is not final after so long all the same; "": never
    since: str = "0s"  # how far the first run reaches back
    timeout: str = "10s"
    retry_first: str = "1s"
    retry_max: str = "60s"
    metrics_address: str = ""
    dry_run: bool = False
    once: bool = False  # end when everything that there is has been sent
    # Of Sysdig.
    api: str = "v2"
    time_unit: str = ""
    severity_label: str = "severity"
    severity: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    scope: Mapping[str, str] | None = None
    # Of Grafana.
    dashboard_uid: str = ""
    panel_id: int | None = None

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise ValueError(f'target: expected one of {", ".join(TARGETS)}, found "{self.target}"')
        if not self.dry_run or self.url:
            parse_url(self.url)
        if not self.dry_run and not self.state_file:
            raise ValueError("state_file: is needed, to go on where an earlier run has ended")
        if self.api not in ("v1", "v2"):
            raise ValueError(f'api: expected v1 or v2, found "{self.api}"')
        if self.time_unit and self.time_unit not in TIME_UNITS:
            raise ValueError(f'time_unit: expected one of {", ".join(TIME_UNITS)}, '
                             f'found "{self.time_unit}"')
        for name in ("since", "timeout", "retry_first", "retry_max", "max_wait"):
            if getattr(self, name):
                self.seconds(name)
        for said, severity in self.severity.items():
            if isinstance(severity, int) and not 0 <= severity <= 7:
                raise ValueError(f"severity.{said}: expected 0 to 7, found {severity}")

    def seconds(self, name: str) -> float:
        try:
            return parse_duration(getattr(self, name)).total_seconds()
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None

    def make_target(self) -> Target:
        if self.target == "grafana":
            return Grafana(self.dashboard_uid, self.panel_id)
        if self.target == "webhook":
            return CloudEvents()
        severities = {said.lower(): severity for said, severity in self.severity.items()}
        return Sysdig(self.api, self.scope, severities, self.severity_label, self.time_unit)


_KINDS: dict[str, type] = {
    name: dict if "Mapping" in hint else next(kind for kind in (bool, int, str)
                                              if kind.__name__ in hint)
    for name, hint in Options.__annotations__.items()}

_NAMES = {bool: "true or false", int: "a number", str: "a text", dict: "a table"}


def load(path: str, flags: Mapping[str, Any]) -> Options:
    """path: of a TOML file with the names of Options as keys, "" for none. flags: the same names;
    those that are None are not given."""
    said: dict[str, Any] = {}
    if path:
        try:
            with open(path, "rb") as file:
                said = tomllib.load(file)
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from error
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path}: {error}") from error
        for name, value in said.items():
            _check(path, name, value)
    said.update({name: value for name, value in flags.items() if value is not None})
    return Options(**said)


def _check(path: str, name: str, value: Any) -> None:
    kind = _KINDS.get(name)
    if kind is None:
        raise ValueError(f'{path}: "{name}" is no key; there are {", ".join(sorted(_KINDS))}')
    if type(value) is not kind:
        raise ValueError(f"{path}: {name}: expected {_NAMES[kind]}, found {value!r}")
    if isinstance(value, dict):
        for key, one in value.items():
            if not isinstance(one, (str, int) if name == "severity" else str):
                raise ValueError(f"{path}: {name}.{key}: expected a text, found {one!r}")
