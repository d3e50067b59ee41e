"""Stored rows as JSON, as lines of JSON, and as CSV."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from storage.data.stored_rows import StoredRow

LINEAGE: Final = ("_run", "_epoch", "_url", "_position", "_fetched_at")
"""Where a row comes from; no field begins with an underscore."""

_FORMULA: Final = re.compile(r"[\s\x00-\x1f\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_FORMULA_WITHIN: Final = re.compile(
    r"([;\t\r\n])"
    r"(?=(?:[^\S\t\r\n]|[\x00-\x08\x0e-\x1b\ufeff\u200b\"])*[=+\-@\uff1d\uff0b\uff0d\uff20])"
    rf"(?!{_NUMBER.pattern}[;\t\r\n])"
)
"""What a formula follows for a spreadsheet that splits at semicolons or tabs, and sees no quotes behind commas."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def row_document(row: StoredRow, run_id: str | None) -> dict[str, Any]:
    """A row's fields, then its lineage. `run_id` is that of the run which fetched it; None if that is not kept."""
    lineage = (run_id, row.epoch, row.url, row.position, row.fetched_at.isoformat())
    return {**row.values, **dict(zip(LINEAGE, lineage, strict=True))}


def json_line(document: Any) -> str:
    """A JSON value on one line, without line end."""
    return _encode(document)


def csv_header(columns: Iterable[str]) -> str:
    """The first line of a file whose rows have these fields, with its line end."""
    return csv_line({name: name for name in (*columns, *LINEAGE)}, columns)


def csv_line(document: Mapping[str, Any], columns: Iterable[str]) -> str:
    """A row as RFC 4180 has it, with its line end.

    Numbers are bare, text is always quoted, and what is missing is nothing at all: so it is told from an empty text.
    Spreadsheets take text for a formula if it begins with one of `= + - @`, a tab or a line break, so a `'` is put
    before it, as OWASP advises; text that is only a number is none, and stays.
    """
    return ",".join(_cell(document.get(name)) for name in (*columns, *LINEAGE)) + "\r\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        guard = "'" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else ""
        return '"' + guard + _FORMULA_WITHIN.sub(r"\1'", value).replace('"', '""') + '"'
    text = _encode(value)
    return text if isinstance(value, int | float) else _cell(text)
