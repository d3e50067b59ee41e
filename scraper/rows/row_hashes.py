"""Rows as two short hashes each: which record it is, and what it says. Comparing two snapshots takes no more."""

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from scraper.models import Row, value_as_json

HASH_BYTES: Final = 8
"""Of either hash: that any two of a million rows share one has a probability of 1 : 37 million."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def row_hashes(rows: Iterable[Row], key: Sequence[str], *, url: str) -> bytes:
    """16 bytes for each row, in order: its key's hash, then that of its values.

    `key` names the fields that tell records apart; without any, a record is its page's `url` and its position.
    """
    return b"".join(_key_hash(row, key, url) + _value_hash(row) for row in rows)


def _key_hash(row: Row, key: Sequence[str], url: str) -> bytes:
    if not key:
        return _hash(f"{row.position} {url}")
    return _hash(_encode([value_as_json(row.values.get(name)) for name in key]))


def _value_hash(row: Row) -> bytes:
    values = {name: value_as_json(value) for name, value in sorted(row.values.items()) if value is not None}
    return _hash(_encode(values))


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()
