"""Which pages of a source have been loaded before, for planning."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

from scraper.rows.fingerprint import extraction_fingerprint
from scraper.sources import Source
from storage.account.tables import Tables
from storage.memory.previous_pages import find_previous
from storage.store import Store
from storage.work.page_lists import PreviousPage

REMEMBERED: Final = 4
"""Crawls of which this process remembers what they know; for others it is read anew, at each of their levels."""

_remembered: WeakKeyDictionary[Tables, dict[str, Mapping[str, PreviousPage]]] = WeakKeyDictionary()


async def previous_pages(
    store: Store, source: Source, last_modified: Mapping[str, datetime]
) -> Mapping[str, PreviousPage]:
    """By URL, where the rows of pages can be carried over from if they have not changed."""
    return await find_previous(
        store.datasets,
        store.batches,
        store.memory,
        source.name,
        fingerprint=extraction_fingerprint(source),
        last_modified=last_modified,
    )


async def previous_of_crawl(store: Store, source: Source, snapshot: str) -> Mapping[str, PreviousPage]:
    """The same for a crawl, which asks at every level; `snapshot` is the one that it makes."""
    of_store = _remembered.setdefault(store.tables, {})
    if snapshot not in of_store:
        found = await previous_pages(store, source, {})
        while len(of_store) >= REMEMBERED:
            del of_store[next(iter(of_store))]
        of_store[snapshot] = found
    return of_store[snapshot]
