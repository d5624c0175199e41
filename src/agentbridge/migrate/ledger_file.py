"""The file of a ledger: one SQLite database, written in transactions, and replayed by one process at a time."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from ..errors import ConfigurationError
from ..private import private_database

_TABLES = """
CREATE TABLE IF NOT EXISTS samples (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, lead INTEGER NOT NULL, session TEXT, target TEXT NOT NULL,
    sample TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS samples_of_conversation ON samples (lead, position);
CREATE INDEX IF NOT EXISTS samples_of_session ON samples (session) WHERE session IS NOT NULL;
CREATE INDEX IF NOT EXISTS samples_of_target ON samples (target);
CREATE TABLE IF NOT EXISTS calls (
    arm TEXT NOT NULL, position INTEGER NOT NULL, standing TEXT NOT NULL, sends INTEGER NOT NULL, claimed_at REAL NOT NULL,
    finished_at REAL, outcome TEXT, credits REAL, answer TEXT, PRIMARY KEY (arm, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS calls_by_standing ON calls (arm, standing);
CREATE TABLE IF NOT EXISTS sessions (
    arm TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL, PRIMARY KEY (arm, old)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_VERSION = 1
_HEAD = b"SQLite format 3\0"
_PATIENCE = 30.0  # seconds that one process waits while another writes


_ledgers: weakref.WeakSet[LedgerFile] = weakref.WeakSet()


_held: list[LedgerFile] = []
_forking = threading.RLock()  # of two threads that fork at once, each would wait for what the other holds


def _before_fork() -> None:
    """Wait until nobody writes: SQLite would tell the child for ever that the file is locked by somebody."""
    _forking.acquire()
    _held.extend(_ledgers)
    for ledger in _held:
        ledger.lock.acquire()


def _in_parent() -> None:
    while _held:
        _held.pop().lock.release()
    _forking.release()


def _in_child() -> None:
    while _held:
        _held.pop().forked()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)


def is_database(path: Path) -> bool:
    """Whether this is an SQLite database, or one of the files that SQLite keeps beside it.

    One that this process has open is not opened again: to close it would end the locks that this process has on it (POSIX).
    """
    names = {path.name.removesuffix(beside) for beside in ("", "-wal", "-shm", ".lock")}
    return any(_is_database(path.with_name(name)) for name in names if name)


def _is_database(path: Path) -> bool:
    if any(ledger.place == path for ledger in list(_ledgers)):
        return True
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_HEAD)) == _HEAD
    except OSError:
        return False


class LedgerFile:
    """One file that only its owner may read. Any number of processes may look at it, one at a time replays.

    Raises:
        ConfigurationError: the file cannot be used, or is no ledger of this version.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = private_database(path, "ledger")
        self.place = self.path.resolve()  # one for all names of the file, wherever the process goes
        self.lock = threading.RLock()
        try:
            self._database: sqlite3.Connection | None = self._opened()
        except sqlite3.Error as error:
            raise self._unusable(error) from None

        _ledgers.add(self)

    @property
    def database(self) -> sqlite3.Connection:
        """The connection; whoever uses it holds `lock`."""
        if self._database is None:
            self._database = self._opened()
        return self._database

    def forked(self) -> None:
        """This process is a child, and a connection must not go through a fork."""
        self._of_parents, self._database = self._database, None  # kept: to close it is the parent's business
        self.lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path}>"

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.place, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Make the tables. Raises ConfigurationError where the file is a ledger of another version."""
        database.execute("PRAGMA journal_mode=WAL")
        found = database.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, _VERSION):
            raise ConfigurationError(f"the ledger {self.path} is of version {found}, this agentbridge reads {_VERSION}")
        database.executescript(f"{_TABLES} PRAGMA user_version={_VERSION};")

    def close(self) -> None:
        """Let go of the file. Closing twice does no harm."""
        with self.lock:
            self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def changing(self, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is written, or nothing.

        It outlives the process in any case, and a power cut where it is `lasting`, which costs a wait for the disk.

        Raises:
            ConfigurationError: the file cannot be written: the disk is full, for example.
        """
        with self.lock, self._told():
            try:
                self.database.execute(f"PRAGMA synchronous={'FULL' if lasting else 'NORMAL'}")
                self.database.execute("BEGIN IMMEDIATE")
                yield self.database
                self.database.execute("COMMIT")
            finally:
                if self.database.in_transaction:  # where the disk is full, SQLite has taken all back already
                    self.database.execute("ROLLBACK")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process replays meanwhile; the operating system ends that with the process, however it ends.

        Raises:
            ConfigurationError: another process does, or the file of the lock, PATH.lock, cannot be used.
        """
        path = f"{self.place}.lock"
        with (
            self._told(),
            closing(sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)) as guard,
        ):
            try:
                guard.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                raise ConfigurationError(f"another process works on the ledger {self.path}; wait for it") from None
            yield

    def setting(self, name: str) -> Any:
        """A fact of the move, as `set` wrote it; None where nobody did."""
        found = self.rows("SELECT value FROM settings WHERE name = ?", (name,))
        return json.loads(found[0][0]) if found else None

    def settings(self) -> dict[str, Any]:
        """All facts of the move, by name."""
        rows = self.rows("SELECT name, value FROM settings ORDER BY name")
        return {name: json.loads(value) for name, value in rows}

    def set(self, name: str, value: Any) -> None:
        """Write down a fact of the move: any JSON value."""
        with self.changing() as database:
            database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a query finds, all of it. Raises ConfigurationError where the file cannot be read."""
        with self.lock, self._told():
            return self.database.execute(query, values).fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite raises, as an error of ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def _unusable(self, error: sqlite3.Error) -> ConfigurationError:
        return ConfigurationError(f"the ledger {self.path} cannot be used: {error}")
