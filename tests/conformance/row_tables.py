"""The tables of rules in rows/*.toml: what the host must do, in the order in which the report shows it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROWS_FOLDER = Path(__file__).parent / "rows"


class BadRowsFile(ValueError):
    """A rows file that cannot be used; the message names the file and the place."""


@dataclass(frozen=True)
class Row:
    """One rule; `id` is `TABLE/NAME`, `not_covered` the reason why no test holds it, or None."""

    id: str
    rule: str
    not_covered: str | None


@dataclass(frozen=True)
class Table:
    """The rows of one section of rules; `source` names the public files that they were read from."""

    id: str
    title: str
    source: str
    rows: tuple[Row, ...]


def read_tables(folder: Path = ROWS_FOLDER) -> list[Table]:
    """All tables, by file name and then as they stand there. Raises BadRowsFile."""
    tables = [table for path in sorted(folder.glob("*.toml")) for table in _tables_of(path)]
    seen: set[str] = set()
    for table in tables:
        if table.id in seen:
            raise BadRowsFile(f"The table {table.id} is there twice.")
        seen.add(table.id)
    return tables


def all_rows(tables: list[Table]) -> dict[str, Row]:
    """Every row by its ID."""
    return {row.id: row for table in tables for row in table.rows}


def _tables_of(path: Path) -> Iterator[Table]:
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["table"]:
        unknown = set(entry) - {"id", "title", "source", "rows", "not_covered"}
        if unknown:
            raise BadRowsFile(f"{path.name}: {entry['id']} has unknown keys: {', '.join(sorted(unknown))}.")
        yield Table(entry["id"], entry["title"], entry["source"], tuple(_rows_of(path, entry)))


def _rows_of(path: Path, entry: Mapping[str, Any]) -> Iterator[Row]:
    reasons: Mapping[str, str] = entry.get("not_covered", {})
    lost = set(reasons) - set(entry["rows"])
    if lost:
        raise BadRowsFile(f"{path.name}: {entry['id']} gives reasons for rows it lacks: {', '.join(sorted(lost))}.")
    for name, rule in entry["rows"].items():
        yield Row(f"{entry['id']}/{name}", rule, reasons.get(name))
