"""What all kinds of pages are for extraction: records, of which each field has texts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from scraper.rows.field_rules import FieldRule

MAX_RECORDS: Final = 100_000
"""Rows of one page; a row's key has six digits for its place there, and all rows of a page are in memory."""


class Record(Protocol):
    """One row's part of a page."""

    def first(self, rule: FieldRule) -> str:
        """The text of the first match, "" if there is none. Raises ValueError for what is no single value."""

    def every(self, rule: FieldRule) -> Iterable[str]:
        """The texts of all matches, in page order. Raises ValueError as `first`."""


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a page, in its order; `base` is what its references are resolved with."""

    items: Sequence[Record]
    base: str
