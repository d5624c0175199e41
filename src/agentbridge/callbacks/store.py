"""Runs that are waited for and callbacks that came, in SQLite: nothing is lost when a process ends."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import attrs

from ..errors import ConfigurationError
from ..model import Pending
from ..private import private_database
from .deciding import Delivery, Expected

_TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, expires REAL NOT NULL, answers INTEGER NOT NULL, pending TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT, at REAL NOT NULL, verdict TEXT NOT NULL, delivery_id TEXT,
    headers TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_of_run ON deliveries (run);
"""
_COLUMNS = "verdict, at, run, delivery_id, headers, body"
_PATIENCE = 10.0  # seconds that one process waits while another writes
_MOST_OF_ONE_RUN = 100  # callbacks of one run that are remembered
_MOST_STRANGERS = 1000  # callbacks of nobody's that are remembered: who forges them must not fill the disk


class Store:
    """One file, shared by the process that receives and those that wait."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = private_database(path, "store")
        with self._open() as database:
            database.executescript("PRAGMA journal_mode=WAL;" + _TABLES)

    def secret(self) -> bytes:
        """The secret that signs addresses, made once for this file."""
        with self._changing() as database:
            database.execute("INSERT OR IGNORE INTO settings VALUES ('secret', ?)", (secrets.token_bytes(32),))
            value: bytes = database.execute("SELECT value FROM settings WHERE name = 'secret'").fetchone()[0]
        return value

    def expect(self, run: str, expires: float, answers: int, pending: Pending) -> None:
        """Remember a run, or what else is known of it by now."""
        with self._changing() as database:
            database.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET pending = excluded.pending",
                (run, expires, answers, json.dumps(pending.to_dict())),
            )

    def forget(self, run: str) -> None:
        """Take a run out that never began."""
        with self._changing() as database:
            database.execute("DELETE FROM runs WHERE id = ?", (run,))

    def run(self, run: str) -> tuple[Pending, Expected] | None:
        """What is known of a run; None for one that is not in this store."""
        with self._open() as database:
            return _run(database, run)

    def take(self, arrived: Delivery, decide: Callable[[Pending | None, Expected | None], Delivery]) -> Delivery:
        """Decide on a callback and write it down, as one step: of two at once, one is the second."""
        with self._changing() as database:
            found = _run(database, arrived.run or "")
            decided = decide(*(found or (None, None)))
            if found is None:
                _insert_stranger(database, decided)
            elif len(found[1].earlier) < _MOST_OF_ONE_RUN or decided.is_answer:
                _insert(database, decided)
        return decided

    def deliveries(self, run: str | None = None) -> tuple[Delivery, ...]:
        """What came for one run, or all that came, oldest first."""
        with self._open() as database:
            return _deliveries(database, run) if run is not None else _all(database)

    def newest(self) -> int:
        """A number that grows with every callback that is written down."""
        with self._open() as database:
            number: int = database.execute("SELECT coalesce(max(number), 0) FROM deliveries").fetchone()[0]
        return number

    def purge(self, before: float) -> None:
        """Forget the runs whose address ended before then, and what came for them."""
        with self._changing() as database:
            database.execute("DELETE FROM runs WHERE expires < ?", (before,))
            database.execute("DELETE FROM deliveries WHERE run NOT IN (SELECT id FROM runs)")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Raises ConfigurationError for whatever the file or the disk does."""
        try:
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as database:
                yield database
        except (sqlite3.Error, ValueError, RecursionError) as error:  # also a document that was written otherwise
            raise ConfigurationError(f"the store {self.path} cannot be used: {error}") from None

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")


def _run(database: sqlite3.Connection, run: str) -> tuple[Pending, Expected] | None:
    row = database.execute("SELECT expires, answers, pending FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        return None
    return Pending.from_dict(json.loads(row[2])), Expected(row[0], row[1], _deliveries(database, run))


def _deliveries(database: sqlite3.Connection, run: str) -> tuple[Delivery, ...]:
    rows = database.execute(f"SELECT {_COLUMNS} FROM deliveries WHERE run = ? ORDER BY number", (run,))  # noqa: S608 (ours)
    return tuple(map(_delivery, rows))


def _all(database: sqlite3.Connection) -> tuple[Delivery, ...]:
    return tuple(map(_delivery, database.execute(f"SELECT {_COLUMNS} FROM deliveries ORDER BY number")))  # noqa: S608 (ours)


def _delivery(row: tuple[str, float, str | None, str | None, str, bytes]) -> Delivery:
    verdict, at, run, delivery_id, headers, body = row
    return Delivery(verdict, at, run, delivery_id, json.loads(headers), body)  # type: ignore[arg-type]


def _insert(database: sqlite3.Connection, delivery: Delivery) -> None:
    database.execute(
        f"INSERT INTO deliveries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 (ours)
        (
            delivery.verdict,
            delivery.at,
            delivery.run,
            delivery.delivery_id,
            json.dumps(dict(delivery.headers)),
            delivery.body,
        ),
    )


def _insert_stranger(database: sqlite3.Connection, delivery: Delivery) -> None:
    """Write down a callback that is nobody's; the oldest of these are forgotten."""
    _insert(database, attrs.evolve(delivery, run=None))
    database.execute(
        "DELETE FROM deliveries WHERE run IS NULL AND number <= "
        "(SELECT number FROM deliveries WHERE run IS NULL ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (_MOST_STRANGERS,),
    )
