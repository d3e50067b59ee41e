"""Two snapshots of a source compared: what is remembered of their rows says which ones have to be read."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from storage.account.tables import Tables
from storage.data.stored_rows import StoredRow, stored_row
from storage.errors import MissingRecord, NotComparable
from storage.keys import batch_partition, epoch_of, range_filter
from storage.snapshots.row_changes import Diff, HashedPage, RowRef, compare
from storage.snapshots.snapshots import Snapshot
from storage.store import Store

READS_IN_FLIGHT: Final = 8
REMEMBERED: Final = 4
"""Diffs that this process remembers, for whoever reads one page by page; snapshots never change."""
MOST_REMEMBERED: Final = 100_000
"""Changes of a diff that is remembered: 16 bytes each, and the hashes of the pages on which they are."""

_remembered: WeakKeyDictionary[Tables, dict[tuple[str, str], Diff]] = WeakKeyDictionary()


async def diff_of(store: Store, older: Snapshot, newer: Snapshot) -> Diff:
    """How `newer` differs from `older`. Raises NotComparable if not all of their rows are remembered."""
    known = _remembered.setdefault(store.tables, {})
    diff = known.pop((older.name, newer.name), None)
    if diff is None:
        before, after = await hashed_pages(store, older), await hashed_pages(store, newer)
        # With very many rows this takes a while, and others wait for this loop.
        diff = await asyncio.to_thread(compare, before, after)
    if len(diff.changes) <= MOST_REMEMBERED:
        while len(known) >= REMEMBERED:
            del known[next(iter(known))]
        known[older.name, newer.name] = diff
    return diff


async def hashed_pages(store: Store, snapshot: Snapshot) -> list[HashedPage]:
    """The pages of a snapshot that have rows, in page order. Raises NotComparable if not all of them are remembered."""
    parts = {
        (part.snapshot, result.batch, part.attempt)
        for result in snapshot.results
        for part in result.parts(snapshot.name)
        if part.rows
    }
    pages: list[HashedPage] = []
    for name in sorted({name for name, _, _ in parts}):
        async for batch, attempt, remembered in store.memory.of_attempts(name, with_hashes=True):
            if (name, batch, attempt) in parts:
                told = (page for page in remembered.pages if page.rows)
                pages += [HashedPage(name, batch, attempt, page.place, page.url, page.hashes) for page in told]
    known, rows = sum(page.rows for page in pages), snapshot.counts.rows
    if known != rows:
        raise NotComparable(snapshot.name, known=known, rows=rows)
    return sorted(pages, key=lambda page: (page.batch, page.place))


async def rows_at(store: Store, refs: Iterable[RowRef]) -> Mapping[RowRef, StoredRow]:
    """These rows, and hardly any other is read. Raises MissingRecord if one is not there any more."""
    slots = asyncio.Semaphore(READS_IN_FLIGHT)

    async def read(stretch: Sequence[RowRef]) -> dict[RowRef, StoredRow]:
        async with slots:
            return await _read(store, stretch)

    wanted = list(refs)
    found: dict[RowRef, StoredRow] = {}
    for some in await asyncio.gather(*map(read, _stretches(wanted))):
        found |= some
    if len(found) != len(wanted):
        raise MissingRecord(f"{len(wanted) - len(found)} of {len(wanted)} rows are not there any more")
    return found


def _stretches(refs: Iterable[RowRef]) -> list[list[RowRef]]:
    """Rows that lie next to each other, together."""
    stretches: list[list[RowRef]] = []
    for ref in sorted(refs, key=lambda ref: (ref.page.snapshot, ref.page.batch, ref.row_key)):
        last = stretches[-1][-1] if stretches else None
        if last is not None and _attempt(last) == _attempt(ref) and last.is_before(ref):
            stretches[-1].append(ref)
        else:
            stretches.append([ref])
    return stretches


def _attempt(ref: RowRef) -> tuple[str, int, str]:
    return ref.page.snapshot, ref.page.batch, ref.page.attempt


async def _read(store: Store, stretch: Sequence[RowRef]) -> dict[RowRef, StoredRow]:
    snapshot, batch, _ = _attempt(stretch[0])
    beyond = f"{stretch[-1].row_key}~"  # sorts behind the last of them, and before the next row
    query = range_filter(batch_partition(snapshot, batch), stretch[0].row_key, beyond)
    by_key = {ref.row_key: ref for ref in stretch}
    table = await store.tables.table("rows")
    async with store.tables.faults():
        return {
            by_key[entity["RowKey"]]: stored_row(entity, epoch_of(snapshot))
            async for entity in table.query_entities(query)
            if entity["RowKey"] in by_key
        }
