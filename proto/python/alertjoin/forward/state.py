"""What the forwarder has to remember, in one SQLite file: where the subscription stands, rows that
wait for others of their transition, and what was sent."""
from __future__ import annotations

import os
import sqlite3
import time

from alertjoin.errors import AlertjoinError
from alertjoin.forward.events import DELETE, digest, episode_key, short_id, transition_key
from alertjoin.v1 import joined_row_pb2
from alertjoin.v1.joined_row_pb2 import JoinedRow

# What was sent is remembered for longer than a subscription reaches back when it begins anew.
KEEP_SECONDS = 8 * 86400
EPISODES_KEEP_SECONDS = 400 * 86400  # an alert may fire for long before it resolves
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rows (
  row_id TEXT PRIMARY KEY, unit TEXT NOT NULL, episode TEXT NOT NULL, row BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS rows_of_unit ON rows (unit);
CREATE TABLE IF NOT EXISTS units (
  unit TEXT PRIMARY KEY, first_seen REAL NOT NULL, changed REAL NOT NULL,
  digest TEXT NOT NULL DEFAULT '', waits INTEGER NOT NULL DEFAULT 1) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS units_that_wait ON units (first_seen) WHERE waits;
CREATE TABLE IF NOT EXISTS episodes (
  key TEXT PRIMARY KEY, episode TEXT NOT NULL, changed REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS remotes (
  episode TEXT PRIMARY KEY, remote TEXT NOT NULL, changed REAL NOT NULL) WITHOUT ROWID;
"""


class State:
    """One file, for one forwarder at a time. Everything since the last commit() comes to the disk
    together, synced, or not at all.

    A unit is what is sent at once: a transition, or a row.
    """

    def __init__(self, path: str, target: str, per_row: bool):
        """path: ":memory:" for none. target: for whom; the file is of this one alone. Raises
        AlertjoinError when the file cannot be used, as when another forwarder has it, or OSError.
        """
        self._per_row = per_row
        self._pruned = 0.0
        if path != ":memory:":  # Alerts are for those who may read them.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("BEGIN EXCLUSIVE")
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
        except sqlite3.OperationalError as error:
            raise AlertjoinError("FAILED_PRECONDITION",
                                 f"state_file {path}: {error}: does another forwarder use it?",
                                 "STATE_NOT_USABLE") from error
        except sqlite3.DatabaseError as error:
            raise AlertjoinError("FAILED_PRECONDITION",
                                 f"state_file {path}: {error}: name another file",
                                 "STATE_NOT_USABLE") from error
        for name, ours in (("version", str(_VERSION)), ("target", target)):
            found = self.fact(name) or ours
            if found != ours:
                self.close()
                raise AlertjoinError("FAILED_PRECONDITION",
                                     f'state_file {path}: is of the {name} "{found}", not '
                                     f'"{ours}": name another file', "STATE_NOT_USABLE")
            self.put_fact(name, ours)

    def close(self) -> None:
        """What was not committed is lost."""
        self._db.close()

    def commit(self) -> None:
        if time.time() - self._pruned > 600:
            self._prune()
        self._db.execute("COMMIT")
        self._db.execute("BEGIN EXCLUSIVE")

    def fact(self, name: str) -> str:
        found = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return found[0] if found else ""

    def put_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def fold(self, row: JoinedRow) -> str:
        """Takes a change of a row. Returns the unit that has changed by it, "" for none."""
        if self._per_row:
            unit = row.row_id
            if row.operation == DELETE and row.cause == joined_row_pb2.CAUSE_EXPIRED:
                self._db.execute("DELETE FROM rows WHERE row_id = ?", (unit,))
                return ""
        else:
            unit = transition_key(row)
            if row.operation == DELETE:
                self._db.execute("DELETE FROM rows WHERE row_id = ?", (row.row_id,))
                return "" if row.cause == joined_row_pb2.CAUSE_EXPIRED else unit
        self._db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)",
                         (row.row_id, unit, self._episode(row), row.SerializeToString()))
        now = time.time()
        self._db.execute("INSERT INTO units (unit, first_seen, changed) VALUES (?, ?, ?) "
                         "ON CONFLICT (unit) DO UPDATE SET changed = excluded.changed, waits = 1",
                         (unit, now, now))
        return unit

    def _episode(self, row: JoinedRow) -> str:
        """The id of the row's firing period: that of the row's earlier version, so that an amended
        start, under which the other transition comes, does not make another one of it."""
        key = episode_key(row)
        found = self._db.execute("SELECT episode FROM episodes WHERE key = ?", (key,)).fetchone() \
            or self._db.execute("SELECT episode FROM rows WHERE row_id = ?",
                                (row.row_id,)).fetchone() \
            or self._db.execute("SELECT episode FROM episodes WHERE key = ?",
                                (row.row_id,)).fetchone()  # See forget_rows().
        episode = found[0] if found else short_id(key)
        self._db.execute("INSERT OR REPLACE INTO episodes VALUES (?, ?, ?)",
                         (key, episode, time.time()))
        return episode

    def forget_rows(self) -> None:
        """Nothing waits any more. What was sent is remembered, and the episode of each row."""
        self._db.execute("INSERT OR REPLACE INTO episodes SELECT row_id, episode, ? FROM rows",
                         (time.time(),))
        self._db.execute("DELETE FROM rows")
        self._db.execute("UPDATE units SET waits = 0")

    def rows(self, unit: str) -> tuple[list[JoinedRow], str]:
        """Of the unit, and their episode."""
        found = self._db.execute("SELECT row, episode FROM rows WHERE unit = ?", (unit,)).fetchall()
        return [JoinedRow.FromString(row) for row, _ in found], found[0][1] if found else ""

    def waiting(self, before: float | None = None) -> list[str]:
        """Units that have changed since they were sent, the oldest first; before: known since."""
        return [unit for unit, in self._db.execute(
            "SELECT unit FROM units WHERE waits AND first_seen <= ? ORDER BY first_seen",
            (before if before is not None else time.time() + 86400,))]

    def was_sent(self, unit: str, rows: list[JoinedRow]) -> bool:
        """Whether what these rows say was sent last of this unit."""
        return self._digest(unit) == digest(rows)

    def was_ever_sent(self, unit: str) -> bool:
        return self._digest(unit) != ""

    def _digest(self, unit: str) -> str:
        found = self._db.execute("SELECT digest FROM units WHERE unit = ?", (unit,)).fetchone()
        return found[0] if found else ""

    def settled(self, unit: str, rows: list[JoinedRow]) -> None:
        """The unit, as these rows tell it, waits no more."""
        if not rows:
            self._db.execute("DELETE FROM units WHERE unit = ?", (unit,))
        self._db.execute("UPDATE units SET digest = ?, waits = 0, changed = ? WHERE unit = ?",
                         (digest(rows), time.time(), unit))

    def remote(self, episode: str) -> str:
        found = self._db.execute("SELECT remote FROM remotes WHERE episode = ?",
                                 (episode,)).fetchone()
        return found[0] if found else ""

    def put_remote(self, episode: str, remote: str) -> None:
        if remote:
            self._db.execute("INSERT OR REPLACE INTO remotes VALUES (?, ?, ?)",
                             (episode, remote, time.time()))
        else:
            self._db.execute("DELETE FROM remotes WHERE episode = ?", (episode,))

    def _prune(self) -> None:
        self._pruned = now = time.time()
        self._db.execute("DELETE FROM rows WHERE unit IN (SELECT unit FROM units WHERE NOT waits "
                         "AND changed < ?)", (now - KEEP_SECONDS,))
        self._db.execute("DELETE FROM units WHERE NOT waits AND changed < ?", (now - KEEP_SECONDS,))
        for table in ("episodes", "remotes"):
            self._db.execute(f"DELETE FROM {table} WHERE changed < ?",
                             (now - EPISODES_KEEP_SECONDS,))
