"""Includes go one way: app -> adapters -> pure logic -> model -> common, and the core stays pure."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]

# A folder may include itself and folders of a lower rank.
RANKS = {
    "ingest-service": {
        "deadletter": 1,
        "spool": 1,
        "prometheus": 2,
        "backfill": 3,
        "rules": 3,
        "binding": 4,
        "grafana": 4,
        "intake": 5,
        "uplink": 5,
        "alertmanager": 6,
        "reconcile": 7,
        "app": 8,
    },
    "correlator-service": {
        "model": 0,
        "tables": 1,
        "join": 2,
        "rows": 3,
        "codec": 4,
        "pipeline": 4,
        "intake": 5,
        "subscribe": 5,
        "verify": 5,
        "query": 6,
        "http": 6,
        "app": 7,
    },
}

# The join core: no gRPC, protobuf, HTTP, JSON, threads, clocks or files.
PURE = [
    "correlator-service/model",
    "correlator-service/tables",
    "correlator-service/join",
    "common/event/binding_table.cc",
    "common/event/binding_table.h",
    "common/event/event.h",
    "common/event/query.h",
    "common/event/series_table.cc",
    "common/event/series_table.h",
    "common/event/shared.h",
    "common/text/labels.h",
    "common/text/labels.cc",
    "common/time/timestamp.h",
]
PURE_MAY_INCLUDE = re.compile(
    r"""^(correlator-service/(model|tables|join)/
        |common/event/(binding_table|event|query|series_table|shared)\.h
        |common/text/(labels|quoted)\.h|common/time/timestamp\.h|common/status/status\.h
        |absl/(container|hash)/|absl/status/status\.h|openssl/evp\.h|fmt/format\.h
        |emmintrin\.h)""",
    re.VERBOSE,
)
IMPURE_STANDARD = {
    "thread", "mutex", "condition_variable", "atomic", "future", "semaphore", "stop_token",
    "fstream", "filesystem", "iostream", "cstdio", "ctime",
}

# Where RocksDB may be seen, and the headers that would let it out of there.
ROCKSDB_IN = (
    "common/eventlog/",
    "correlator-service/rows/",
    "tests/unit/common/eventlog/",
    "tests/unit/correlator-service/rows/",
    "tests/unit/correlator-service/pipeline/",
    "tests/support/fault_",
)
SHOWS_ROCKSDB = re.compile(r"rocksdb/|common/eventlog/(log_(batch|database|failure|folder|records)|recovery_check|rocksdb_logger)\.h")

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def sources(*folders):
    for folder in folders:
        path = ROOT / folder
        files = [path] if path.is_file() else path.rglob("*")
        for file in sorted(files):
            if file.suffix in (".h", ".cc"):
                yield file


def includes(file):
    for quoted, angled in INCLUDE.findall(file.read_text()):
        yield quoted or angled, bool(quoted)


class IncludeDirection(unittest.TestCase):
    def test_the_services_know_nothing_of_each_other(self):
        forbidden = {
            "common": ("ingest-service/", "correlator-service/", "tests/"),
            "ingest-service": ("correlator-service/", "tests/"),
            "correlator-service": ("ingest-service/", "tests/"),
        }
        seen = 0
        for folder, prefixes in forbidden.items():
            for file in sources(folder):
                seen += 1
                for include, _ in includes(file):
                    self.assertFalse(include.startswith(prefixes), f"{file} includes {include}")
        self.assertGreater(seen, 50, "the sources were not found")

    def test_folders_include_only_those_below_them(self):
        for service, ranks in RANKS.items():
            folders = {p.name for p in (ROOT / service).iterdir() if p.is_dir()}
            self.assertEqual(folders, set(ranks), f"{service}: give every folder a rank")
            for file in sources(service):
                own = file.relative_to(ROOT / service).parts[0]
                for include, _ in includes(file):
                    parts = include.split("/")
                    if parts[0] != service or parts[1] == own:
                        continue
                    self.assertLess(ranks[parts[1]], ranks[own], f"{file} includes {include}")

    def test_the_join_core_is_pure(self):
        for file in sources(*PURE):
            for include, quoted in includes(file):
                standard = not quoted and "/" not in include and not include.endswith(".h")
                if standard:
                    self.assertNotIn(include, IMPURE_STANDARD, str(file))
                else:
                    self.assertRegex(include, PURE_MAY_INCLUDE, f"{file} includes {include}")

    def test_rocksdb_stays_behind_its_adapters(self):
        seen = 0
        for file in sources("common", "ingest-service", "correlator-service", "tests"):
            inside = str(file.relative_to(ROOT)).startswith(ROCKSDB_IN)
            for include, _ in includes(file):
                if SHOWS_ROCKSDB.match(include):
                    seen += 1
                    self.assertTrue(inside, f"{file} includes {include}")
        self.assertGreater(seen, 5, "the adapters were not found")
        public = set(includes(ROOT / "common/eventlog/rocksdb_event_log.h"))
        self.assertFalse([i for i, _ in public if SHOWS_ROCKSDB.match(i)])

    def test_own_headers_are_included_from_the_root(self):
        for file in sources("common", "ingest-service", "correlator-service", "tests"):
            for include, quoted in includes(file):
                if quoted and not include.startswith(("absl/", "alertjoin/", "google/", "grpc/")):
                    self.assertTrue((ROOT / include).is_file(), f"{file} includes {include}")


if __name__ == "__main__":
    unittest.main()
