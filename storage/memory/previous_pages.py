"""Where the pages of a plan have been loaded before: as the published snapshot has them."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from storage.data.datasets import Datasets
from storage.memory.page_memory import PageMemory
from storage.work.batches import Batches
from storage.work.page_lists import PreviousPage

ZONES: Final = timedelta(hours=14)
"""A date without a time zone may be of one that is so far away."""


async def find_previous(
    datasets: Datasets,
    batches: Batches,
    memory: PageMemory,
    source: str,
    *,
    fingerprint: str,
    last_modified: Mapping[str, datetime],
) -> dict[str, PreviousPage]:
    """By URL, the pages of the published snapshot whose rows today's rules would make again: those of `fingerprint`.

    `last_modified` has when pages changed last, as far as their site names that and is to be trusted; aware UTC.
    """
    dataset = await datasets.find(source)
    if dataset is None or not dataset.snapshot:
        return {}
    results = await batches.results(dataset.snapshot)
    # A retry's snapshot takes over parts of others: each is remembered where it was written.
    parts = {
        (part.snapshot, result.batch, part.attempt) for result in results for part in result.parts(dataset.snapshot)
    }
    found: dict[str, PreviousPage] = {}
    for snapshot in sorted({snapshot for snapshot, _, _ in parts}):
        async for batch, attempt, remembered in memory.of_attempts(snapshot):
            if (snapshot, batch, attempt) not in parts or remembered.fingerprint != fingerprint:
                continue
            for page in remembered.pages:
                changed = last_modified.get(page.url)
                is_trusted = changed is not None and latest_of(changed) < page.checked_at
                found[page.url] = PreviousPage(snapshot, batch, attempt, page.place, is_trusted)
    return found


def latest_of(told: datetime) -> datetime:
    """The last moment that a told time of a change may mean: midnight is a date, and the first of a month the month.

    So dates are never believed to be more exact than they are; a wrong guess costs one conditional request.
    """
    if told.hour or told.minute or told.second or told.microsecond:
        return told
    days = 1
    if told.day == 1:
        days = monthrange(told.year, told.month)[1] if told.month > 1 else 366
    return told + timedelta(days=days) + ZONES
