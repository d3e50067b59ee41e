"""Planning a crawl, level by level: where the links of one level lead is what is fetched as the next.

A level is planned once; whoever plans it a second time, or beside another, goes on with the plan that was recorded
first. So nothing depends on how often, or where, a step runs.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final
from uuid import uuid4

from scraper import clock
from scraper.finding.frontier import Frontier, NewPage, new_pages
from scraper.follow_rules import Follow
from scraper.manners.obeying import without_disallowed
from scraper.manners.robots import Robots
from scraper.models import PageFailure, PageLinks, Purpose, Reason
from storage.batches import BatchResult, Plan, cut_batches
from storage.errors import MissingRecord
from storage.page_lists import PageList, PreviousPage
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
    robots: Robots | None = None
    previous: Mapping[str, PreviousPage] = field(default_factory=dict)
    """By URL, where pages have been loaded before."""


@dataclass(frozen=True, slots=True)
class Met:
    """What the pages of a level lead to: for each page its depth and its links; and links that cannot be asked for."""

    pages: Sequence[tuple[int, PageLinks]]
    unusable: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewPages:
    """Page lists of new pages, how many more are `left_out`, and what is listed as failed instead."""

    lists: Sequence[PageList]
    left_out: int
    failures: Sequence[PageFailure]


async def plan_level(store: Store, snapshot: str, level: int, crawl: Crawl) -> Plan:
    """Plan one level of a crawl, or take the plan that is recorded already. Level 0 are the start pages.

    All batches of the level before must have results. Raises MissingRecord if something of it is gone.
    """
    recorded = await store.batches.plan_of_level(snapshot, level)
    if recorded is not None:
        return recorded
    if level == 0:
        frontier, met = Frontier(), Met([(-1, PageLinks(Purpose.LINKS, crawl.follow.start_links))], {})
        before = Plan("", 0, 0, 0, 0, follows=True)
    else:
        found = await store.batches.plan_of_level(snapshot, level - 1)
        if found is None:
            raise MissingRecord(f"snapshot {snapshot} has no plan of level {level - 1}")
        before = found
        lists = await store.batches.page_lists(snapshot, plan_attempt=before.attempt)
        met = await what_they_met(store, snapshot, lists, await _results_of(store, snapshot, lists))
        frontier = await store.frontiers.at_level(snapshot, before, lists)
    pages = await find_new_pages(frontier, met, crawl, before)
    plan = replace(
        grown(before, pages, goes_on=bool(pages.lists)),
        attempt=uuid4().hex[:12],
        taken_over=0,
        recorded_at=clock.utc_now(),
        level=level,
        earlier_batches=before.batches,
    )
    numbered = list(enumerate(pages.failures, start=before.not_found))
    await store.rows.stage_failures(snapshot, PLAN_BATCH, plan.attempt, numbered)
    return await store.batches.record_retry(snapshot, plan, pages.lists, [])


def grown(plan: Plan, pages: NewPages, *, goes_on: bool) -> Plan:
    """`plan` with more pages; it is open if it `goes_on` and there is room for still more."""
    return replace(
        plan,
        batches=plan.batches + len(pages.lists),
        pages=plan.pages + sum(len(one.urls) for one in pages.lists),
        not_found=plan.not_found + len(pages.failures),
        left_out=plan.left_out + pages.left_out,
        disallowed=plan.disallowed + sum(one.reason is Reason.ROBOTS_DISALLOWED for one in pages.failures),
        is_open=goes_on and not pages.left_out,
    )


async def find_new_pages(frontier: Frontier, met: Met, crawl: Crawl, before: Plan) -> NewPages:
    """The new pages among those that were met, in page lists behind those that `before` counts."""
    # Very many links take seconds to compare: other pages' connections must not starve meanwhile.
    pages = await asyncio.to_thread(new_pages, frontier, met.pages, max_depth=crawl.follow.max_depth)
    allowed, refused = await without_disallowed([page.url for page in pages], crawl.robots)
    wanted = set(allowed)
    pages = [page for page in pages if page.url in wanted]
    taken = pages[: max(0, crawl.max_pages - before.pages)]
    cut = enumerate(_cut(taken, pages_per_batch=crawl.pages_per_batch), start=before.batches)
    lists = [replace(one, batch=number).with_previous(crawl.previous) for number, one in cut]
    bad = _bad_links({url: problem for url, problem in met.unusable.items() if url not in frontier.refused})
    return NewPages(lists, len(pages) - len(taken), [*refused, *bad])


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
        result = results[one.batch]
        # A batch that paused has several attempts; one that is taken over has those of other runs only.
        ours = [part.attempt for part in result.earlier if part.snapshot == snapshot]
        attempts = [(snapshot, attempt) for attempt in (*ours, result.attempt)]
        if not result.attempt:
            attempts = [(part.snapshot, part.attempt) for part in result.earlier]
        links: dict[int, PageLinks] = {}
        for written_to, attempt in attempts:
            async with slots:
                links |= await store.links.of_attempt(written_to, one.batch, attempt)
        return links

    lists = list(lists)
    pages: list[tuple[int, PageLinks]] = []
    unusable: dict[str, str] = {}
    for one, links in zip(lists, await asyncio.gather(*map(read, lists)), strict=True):
        urls = dict(zip(one.places, one.urls, strict=True))
        for place, page in sorted(links.items()):
            pages.append((one.depth, page))
            for reference, problem in page.unusable:
                unusable.setdefault(reference, f"linked from {urls.get(place, 'another page')}: {problem}")
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


def _bad_links(unusable: Mapping[str, str]) -> list[PageFailure]:
    """One failure for each link, but only one for the rest if there are very many."""
    failures = [
        PageFailure(url=url, reason=Reason.BAD_URL, detail=problem, attempts=0) for url, problem in unusable.items()
    ]
    more = len(failures) - MAX_BAD_LINKS
    if more <= 0:
        return failures
    rest = f"{more} more links are of no page; only the first {MAX_BAD_LINKS} of a level are listed"
    return [*failures[:MAX_BAD_LINKS], failures[MAX_BAD_LINKS].model_copy(update={"detail": rest})]
