"""Planning a crawl, level by level: where the links of one level lead is what is fetched as the next.

A level is planned once; whoever plans it a second time, or beside another, goes on with the plan that was recorded
first. So nothing depends on how often, or where, a step runs.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import uuid4

from scraper import clock
from scraper.finding.frontier import Frontier, Harvest, NewPage
from scraper.follow_rules import Follow
from scraper.manners.obeying import without_disallowed
from scraper.manners.robots import Robots
from scraper.models import PageFailure, PageLinks, Purpose, Reason
from storage.data.rows import PLAN_BATCH
from storage.errors import MissingRecord
from storage.keys import source_of
from storage.store import Store
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan, cut_batches
from storage.work.failure_reasons import add_up, count_reasons
from storage.work.page_lists import PageList, PreviousPage
from telemetry.effects import pages_failed

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
class NewPages:
    """Page lists of new pages, how many more are `left_out`, and what is listed as failed instead."""

    lists: Sequence[PageList]
    left_out: int
    failures: Sequence[PageFailure]


async def plan_level(
    store: Store, snapshot: str, level: int, crawl: Crawl, *, began_at: datetime | None = None
) -> Plan:
    """Plan one level of a crawl, or take the plan that is recorded already. Level 0 are the start pages.

    All batches of the level before must have results. Raises MissingRecord if something of it is gone.
    """
    recorded = await store.batches.plan_of_level(snapshot, level)
    if recorded is not None:
        return recorded
    if level == 0:
        before = Plan("", 0, 0, 0, 0, follows=True, began_at=began_at)
        harvest = Harvest(Frontier(), max_depth=crawl.follow.max_depth)
        harvest.take(PageLinks(Purpose.LINKS, crawl.follow.start_links), url="", depth=-1)
    else:
        found = await store.batches.plan_of_level(snapshot, level - 1)
        if found is None:
            raise MissingRecord(f"snapshot {snapshot} has no plan of level {level - 1}")
        before = found
        lists = await store.batches.page_lists(snapshot, plan_attempt=before.attempt)
        results = await _results_of(store, snapshot, lists)
        harvest = Harvest(await store.frontiers.at_level(snapshot, before, lists), max_depth=crawl.follow.max_depth)
        await gather_links(store, snapshot, lists, results, harvest)
    pages = await new_pages(harvest, crawl, before)
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
    await store.frontiers.keep_addresses(snapshot, plan.attempt, harvest.addresses)
    counts = await store.batches.record_retry(snapshot, plan, pages.lists, [])
    if counts.attempt == plan.attempt:
        pages_failed(source_of(snapshot), (failure.reason for failure in pages.failures))
    return counts


def grown(plan: Plan, pages: NewPages, *, goes_on: bool) -> Plan:
    """`plan` with more pages; it is open if it `goes_on` and there is room for still more."""
    return replace(
        plan,
        batches=plan.batches + len(pages.lists),
        pages=plan.pages + sum(len(one.urls) for one in pages.lists),
        not_found=plan.not_found + len(pages.failures),
        left_out=plan.left_out + pages.left_out,
        reasons=add_up([plan.reasons, count_reasons(pages.failures)]),
        disallowed=plan.disallowed + sum(one.reason is Reason.ROBOTS_DISALLOWED for one in pages.failures),
        is_open=goes_on and not pages.left_out,
    )


async def new_pages(harvest: Harvest, crawl: Crawl, before: Plan) -> NewPages:
    """What was gathered, but for what robots.txt refuses, in page lists behind those that `before` counts."""
    pages = harvest.pages
    allowed, refused = await without_disallowed([page.url for page in pages], crawl.robots)
    wanted = set(allowed)
    pages = [page for page in pages if page.url in wanted]
    taken = pages[: max(0, crawl.max_pages - before.pages)]
    cut = enumerate(_cut(taken, pages_per_batch=crawl.pages_per_batch), start=before.batches)
    lists = [replace(one, batch=number).with_previous(crawl.previous) for number, one in cut]
    return NewPages(lists, len(pages) - len(taken), [*refused, *_bad_links(harvest.unusable)])


def _cut(pages: Sequence[NewPage], *, pages_per_batch: int) -> Iterator[PageList]:
    for depth, group in groupby(pages, key=lambda page: page.depth):
        of_depth = list(group)
        purposes = iter([page.purpose for page in of_depth])
        for urls in cut_batches([page.url for page in of_depth], pages_per_batch=pages_per_batch):
            yield replace(PageList.whole(0, urls), purposes=tuple(next(purposes) for _ in urls), depth=depth)


async def gather_links(
    store: Store, snapshot: str, lists: Sequence[PageList], results: Mapping[int, BatchResult], harvest: Harvest
) -> None:
    """Let `harvest` take in where the pages of `lists` lead, in page order, as the attempts of `results` found out.

    A few batches are read at a time: a level may have more links than fit into memory.
    """

    async def read(one: PageList) -> dict[int, PageLinks]:
        result = results[one.batch]
        # A batch that paused has several attempts; one that is taken over has those of other runs only.
        ours = [part.attempt for part in result.earlier if part.snapshot == snapshot]
        attempts = [(snapshot, attempt) for attempt in (*ours, result.attempt)]
        if not result.attempt:
            attempts = [(part.snapshot, part.attempt) for part in result.earlier]
        links: dict[int, PageLinks] = {}
        for written_to, attempt in attempts:
            links |= await store.links.of_attempt(written_to, one.batch, attempt)
        return links

    def take(one: PageList, links: Mapping[int, PageLinks]) -> None:
        urls = dict(zip(one.places, one.urls, strict=True))
        for place, page in sorted(links.items()):
            harvest.take(page, url=urls.get(place), depth=one.depth)

    for start in range(0, len(lists), READS_IN_FLIGHT):
        chunk = lists[start : start + READS_IN_FLIGHT]
        for one, links in zip(chunk, await asyncio.gather(*map(read, chunk)), strict=True):
            # Very many links take seconds to compare: other pages' connections must not starve meanwhile.
            await asyncio.to_thread(take, one, links)


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
