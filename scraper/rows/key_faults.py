"""Rows that their source's `key` does not tell apart: worth a warning, and no fault of a page."""

from collections.abc import Iterable, Sequence
from typing import Final

from scraper.models import Row
from scraper.rows.row_hashes import HASH_BYTES, row_hashes

PAIRED: Final = "such rows are paired in page order when snapshots are compared"


def rows_without_key(rows: Iterable[Row], key: Sequence[str]) -> int:
    """How many of the rows have no value in a field of `key`."""
    return sum(any(row.values.get(name) is None for name in key) for row in rows)


def rows_with_known_key(rows: Iterable[Row], key: Sequence[str]) -> int:
    """How many of the rows have the key of one before them; 0 if the source names no key."""
    if not key:
        return 0
    keyed = [row for row in rows if not rows_without_key([row], key)]
    hashes = row_hashes(keyed, key, url="")
    return len(keyed) - len({hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), 2 * HASH_BYTES)})
