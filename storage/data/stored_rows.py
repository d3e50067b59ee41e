"""Rows as they come back from storage, and their order in a snapshot."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.data.row_values import StoredValue, read_values
from storage.keys import attempt_key


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row with its lineage. Decimals, dates and datetimes come back as ISO text; absent fields are left out.

    `epoch` is that of the run that fetched it: an earlier one than the snapshot's if it was carried over.
    """

    url: str
    position: int
    fetched_at: datetime
    values: Mapping[str, StoredValue]
    epoch: int


@dataclass(frozen=True, order=True, slots=True)
class RowPlace:
    """Where a row stands in its snapshot: the batch, the page's place there, and which row of the page it is.

    `number` counts the rows of the batch up to this one, itself included.
    """

    batch: int
    page: int
    position: int
    number: int

    def key_of(self, attempt: str) -> str:
        """The row key there, if that attempt wrote it."""
        return attempt_key(attempt, self.page, self.position)


Keyed = tuple[str, StoredRow]
"""A row behind what its key has after the attempt, which sorts by page of the batch and position."""


def stored_row(entity: Any, epoch: int) -> StoredRow:
    """The row in an entity of the snapshot with this epoch."""
    values = read_values(entity)
    return StoredRow(entity["_url"], entity["_position"], entity["_fetched_at"], values, entity.get("_epoch", epoch))


async def in_page_order(parts: Sequence[AsyncIterator[Keyed]]) -> AsyncIterator[Keyed]:
    """The rows of several attempts at one batch, each of which is in order, merged."""
    heads = [(head, part) for part in parts if (head := await anext(part, None)) is not None]
    while heads:
        first = min(range(len(heads)), key=lambda number: heads[number][0][0])
        head, part = heads[first]
        yield head
        following = await anext(part, None)
        if following is None:
            del heads[first]
        else:
            heads[first] = (following, part)
