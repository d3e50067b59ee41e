"""Stored rows as JSON."""

import json
from typing import Any

from storage.stored_rows import StoredRow

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def row_document(row: StoredRow, run_id: str | None) -> dict[str, Any]:
    """A row's fields, then its lineage; no field begins with an underscore.

    `run_id` is that of the run which fetched the row; None if nothing is kept of that run.
    """
    return {
        **row.values,
        "_run": run_id,
        "_epoch": row.epoch,
        "_url": row.url,
        "_position": row.position,
        "_fetched_at": row.fetched_at.isoformat(),
    }


def json_line(document: dict[str, Any]) -> str:
    """A document on one line, without line end."""
    return _encode(document)
