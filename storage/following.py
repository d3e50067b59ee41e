"""Planning a crawl, level by level: where the links of one level lead is what is fetched as the next.

A level is planned once; whoever plans it a second time, or beside another, goes on with the plan that was recorded
first. So nothing depends on how often, or where, a step runs.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final
from uuid import uuid4

from scraper import clock
from scraper.finding.frontier import Frontier, NewPage, new_pages
from scraper.follow_rules import Follow
from scraper.models import PageFailure, PageLinks, Purpose, Reason
from storage.batches import BatchResult, Plan, cut_batches, failing
from storage.errors import MissingRecord
from storage.page_lists import PageList
from storage.rows import PLAN_BATCH
from storage.store import Store

MAX_BAD_LINKS: Final = 1000
"""Unusable links of one level are listed up to this many; one more line counts the rest."""
READS_IN_FLIGHT: Final = 8


@dataclass(frozen=True, slots=True)
class Crawl:
    """The rules by which links are followed, and how pages are cut into batches."""

    follow: Follow
    max_pages: int
    pages_per_batch: int


@dataclass(frozen=True, slots=True)
class Met:
    """What the pages of a level lead to: for each page its depth and its links; and links that cannot be asked for."""

    pages: Sequence[tuple[int, PageLinks]]
    unusable: Mapping[str, str]


async def plan_level(store: Store, snapshot: str, level: int, crawl: Crawl) -> Plan:
    """Plan one level of a crawl, or take the plan that is recorded already. Level 0 are the start pages.

    All batches of the level before must have results. Raises MissingRecord if something of it is gone.
    """
    recorded = await store.batches.plan_of_level(snapshot, level)
    if recorded is not None:
        return recorded
    if level == 0:
        frontier, met = Frontier(), Met([(-1, _start(crawl.follow))], {})
        before = Plan("", 0, 0, 0, 0, follows=True)
    else:
        found = await store.batches.plan_of_level(snapshot, level - 1)
        if found is None:
            raise MissingRecord(f"snapshot {snapshot} has no plan of level {level - 1}")
        before = found
        lists = await store.batches.page_lists(snapshot, plan_attempt=before.attempt)
        met = await what_they_met(store, snapshot, lists, await _results_of(store, snapshot, lists))
        frontier = await store.frontiers.at_level(snapshot, level - 1, lists)
    failures = await _new_failures(store, snapshot, met.unusable)
    # Very many links take seconds to compare: other pages' connections must not starve meanwhile.
    lists, left_out = await asyncio.to_thread(lists_of_new_pages, frontier, met.pages, crawl, before)
    plan = replace(
        before,
        attempt=uuid4().hex[:12],
        batches=before.batches + len(lists),
        pages=before.pages + sum(len(one.urls) for one in lists),
        not_found=before.not_found + len(failures),
        left_out=before.left_out + left_out,
        taken_over=0,
        recorded_at=clock.utc_now(),
        level=level,
        earlier_batches=before.batches,
        is_open=bool(lists) and not left_out,
    )
    numbered = list(enumerate(failures, start=before.not_found))
    await store.rows.stage_failures(snapshot, PLAN_BATCH, plan.attempt, numbered)
    return await store.batches.record_retry(snapshot, plan, lists, [])


def _start(follow: Follow) -> PageLinks:
    """The start pages, as if a page above all others led to them."""
    return PageLinks(Purpose.LINKS, follow.start_links)


def lists_of_new_pages(
    frontier: Frontier, met: Iterable[tuple[int, PageLinks]], crawl: Crawl, before: Plan
) -> tuple[list[PageList], int]:
    """Page lists, behind those that `before` counts, of the new pages among those that were met; and how many new pages
    are left out.
    """
    pages = new_pages(frontier, met, max_depth=crawl.follow.max_depth)
    taken = pages[: max(0, crawl.max_pages - before.pages)]
    cut = enumerate(_cut(taken, pages_per_batch=crawl.pages_per_batch), start=before.batches)
    return [replace(one, batch=number) for number, one in cut], len(pages) - len(taken)


def _cut(pages: Sequence[NewPage], *, pages_per_batch: int) -> Iterator[PageList]:
    for depth, group in groupby(pages, key=lambda page: page.depth):
        of_depth = list(group)
        purposes = iter([page.purpose for page in of_depth])
        for urls in cut_batches([page.url for page in of_depth], pages_per_batch=pages_per_batch):
            yield replace(PageList.whole(0, urls), purposes=tuple(next(purposes) for _ in urls), depth=depth)


async def what_they_met(
    store: Store, snapshot: str, lists: Iterable[PageList], results: Mapping[int, BatchResult]
) -> Met:
    """Where the pages of `lists` lead, in page order, as the attempts of `results` found out."""
    slots = asyncio.Semaphore(READS_IN_FLIGHT)

    async def read(one: PageList) -> dict[int, PageLinks]:
        async with slots:
            return await store.links.of_attempt(snapshot, one.batch, results[one.batch].attempt)

    lists = list(lists)
    pages: list[tuple[int, PageLinks]] = []
    unusable: dict[str, str] = {}
    for one, links in zip(lists, await asyncio.gather(*map(read, lists)), strict=True):
        urls = dict(zip(one.places, one.urls, strict=True))
        for place, page in links.items():
            pages.append((one.depth, page))
            for reference, problem in page.unusable:
                unusable.setdefault(reference, f"linked from {urls[place]}: {problem}")
    return Met(pages, unusable)


async def _results_of(store: Store, snapshot: str, lists: Sequence[PageList]) -> dict[int, BatchResult]:
    if not lists:
        return {}
    batches = [one.batch for one in lists]
    results = {one.batch: one for one in await store.batches.results_between(snapshot, min(batches), max(batches))}
    missing = [batch for batch in batches if batch not in results]
    if missing:
        raise MissingRecord(f"snapshot {snapshot} has no result of batch {missing[0]}")
    return results


async def _new_failures(store: Store, snapshot: str, unusable: Mapping[str, str]) -> list[PageFailure]:
    """Failures for links that cannot be asked for, but for those that an earlier level has listed."""
    if not unusable:
        return []
    earlier = failing(await store.batches.plans(snapshot))
    listed = {failure.url async for _, failure in store.rows.failures(snapshot, [], plan_attempts=earlier)}
    return bad_links({url: problem for url, problem in unusable.items() if url not in listed})


def bad_links(unusable: Mapping[str, str]) -> list[PageFailure]:
    """One failure for each link, but only one for the rest if there are very many."""
    failures = [
        PageFailure(url=url, reason=Reason.BAD_URL, detail=problem, attempts=0) for url, problem in unusable.items()
    ]
    more = len(failures) - MAX_BAD_LINKS
    if more <= 0:
        return failures
    rest = f"{more} more links are of no page; only the first {MAX_BAD_LINKS} of a level are listed"
    return [*failures[:MAX_BAD_LINKS], failures[MAX_BAD_LINKS].model_copy(update={"detail": rest})]
