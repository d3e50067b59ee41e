"""The transaction helper of the hub's file, and which of its faults are worth another try."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from devhost.durable.store.database import Database, is_passing_fault


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "hub.sqlite")
    with opened.transaction() as db:
        db.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        db.execute("CREATE TABLE children (id INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")
        db.execute("INSERT INTO parents VALUES (1)")
    db.execute("PRAGMA foreign_keys=ON")
    yield opened
    opened.close()


def ids(database: Database, table: str) -> list[int]:
    with database.snapshot() as db:
        return [number for (number,) in db.execute(f"SELECT id FROM {table} ORDER BY id")]


def add(database: Database, table: str, number: int, *, on_conflict: str = "ABORT") -> None:
    with database.transaction() as db:
        db.execute(f"INSERT OR {on_conflict} INTO {table} VALUES (?)", [number])


def test_a_fault_that_has_ended_the_transaction_already_is_the_one_that_is_reported(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        add(database, "parents", 1, on_conflict="ROLLBACK")
    add(database, "parents", 2)
    assert ids(database, "parents") == [1, 2]


def test_a_commit_that_fails_leaves_no_transaction_open(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        add(database, "children", 9)
    add(database, "children", 1)
    assert ids(database, "children") == [1]


@pytest.mark.parametrize(
    ("error", "is_passing"),
    [
        (sqlite3.OperationalError("database or disk is full"), True),
        (sqlite3.DatabaseError("database disk image is malformed"), True),
        (OSError("too many open files"), True),
        (sqlite3.DataError("string or blob too big"), False),
        (sqlite3.IntegrityError("UNIQUE constraint failed"), False),
        (sqlite3.ProgrammingError("type 'dict' is not supported"), False),
        (UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed"), False),
        (OverflowError("Python int too large to convert to SQLite INTEGER"), False),
    ],
)
def test_only_a_fault_of_disk_or_file_may_be_gone_at_the_next_try(error: Exception, is_passing: bool) -> None:
    assert is_passing_fault(error) is is_passing
