"""What a run has left undone, and what a run that retries it takes over.

A page counts as loaded if it is in a recorded result and not among its failures. So the pages of batches that nobody
finished, since the run was stopped or broke, are left as much as those that failed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from scraper import clock
from storage.data.rows import PLAN_BATCH
from storage.errors import MissingRecord
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord, RunRef
from storage.planning.following import Crawl, grown
from storage.planning.retried_crawls import Base, rest_of_crawl
from storage.store import Store
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan, failing
from storage.work.page_lists import PageList


@dataclass(frozen=True, slots=True)
class Rest:
    """What a run has left undone of one source.

    `run` is the one whose plan counts: the run itself or, if that is a retry which did not come to plan the source, the
    one that it retries. `pages` were planned and not loaded; None if no pages were found at all, so that they have to
    be looked for anew. `is_published` is true if readers see the snapshot of `run`, or of a newer one: then `newer` is
    that. `unread` counts places that should have named pages, and could not be read. What is not `is_kept` was purged,
    or may be at any time.
    """

    run: RunRecord
    source: str
    pages: int | None
    is_published: bool
    newer: RunRef | None = None
    unread: int = 0
    is_kept: bool = True

    @property
    def is_nothing(self) -> bool:
        """True if every page that was found is loaded, and published."""
        return self.pages == 0 and self.is_published


async def rest_of(store: Store, run: RunRecord, source: str) -> Rest:
    """What `run`, which has ended, has left undone of one of its sources."""
    run, plan = await _planned(store, run, source)
    dataset = await store.datasets.find(source)
    seen = RunRef(dataset.run_id, dataset.epoch) if dataset is not None else RunRef("", 0)
    is_kept = dataset is None or dataset.purged_to < run.epoch
    newer = seen if seen.epoch > run.epoch else None
    rest = Rest(run, source, None, seen.epoch >= run.epoch, newer, is_kept=is_kept)
    if plan is None or plan.pages == 0:
        return rest
    loaded = sum(result.loaded for result in await store.batches.results(snapshot_id(source, run.epoch)))
    return replace(rest, pages=plan.pages - loaded, unread=plan.not_found - plan.disallowed)


async def _planned(store: Store, run: RunRecord, source: str) -> tuple[RunRecord, Plan | None]:
    """The first run to have planned the source, from `run` back along what it retries; else the last one, and None."""
    plan = await store.batches.plan(snapshot_id(source, run.epoch))
    if plan is None and run.retry_of is not None:
        base = await store.runs.of_execution(run.retry_of)
        if base is not None and base.epoch < run.epoch:
            return await _planned(store, base, source)
    return run, plan


async def why_not_retry(store: Store, rest: Rest) -> str:
    """Why what is left of a source cannot be made up for by a retry; empty if it can."""
    if rest.newer is not None:
        reason = f"the newer run '{rest.newer.run_id}' has published '{rest.source}' since, and older pages must not"
        return f"{reason} replace its: if that run has left any undone, retry that one"
    run = rest.run
    planned = next((one.get("pages", 0) for one in run.results if one["source"] == rest.source), 0)
    is_kept = rest.is_kept and not (rest.pages is None and planned)
    if not is_kept or not await _rows_are_there(store, rest.source, run.epoch):
        return f"what run '{run.run_id}' loaded of '{rest.source}' is not kept any more: start a new run"
    return ""


async def _rows_are_there(store: Store, source: str, epoch: int) -> bool:
    snapshot = snapshot_id(source, epoch)
    results = await store.batches.results(snapshot)
    staged = [(part, result.batch) for result in results for part in result.parts(snapshot) if part.rows]
    return all(await asyncio.gather(*(store.rows.has_rows_of(part, batch) for part, batch in staged)))


async def plan_retry(
    store: Store,
    source: str,
    *,
    epoch: int,
    base_epoch: int,
    crawl: Crawl | None = None,
    began_at: datetime | None = None,
) -> Plan | None:
    """Plan the source for the run `epoch` as what the run `base_epoch` left; None if no pages were found for that one.

    Of the pages, those that it has loaded are taken over by reference. What failed at planning it fails here,
    too: the places that should have named pages are not read again. Where links are followed, by the rules of `crawl`,
    those that it has found and not followed yet are. Returns the plan that counts, as `record_plan`. Raises
    MissingRecord if what that run has recorded is not complete any more.
    """
    run, _ = await _planned(store, await store.runs.of_epoch(base_epoch), source)
    snapshot, base = snapshot_id(source, epoch), snapshot_id(source, run.epoch)
    plans = await store.batches.plans(base)
    if not plans or plans[-1].pages == 0:
        return None
    done = Base(base, plans, {one.batch: one for one in await store.batches.results(base)})
    is_crawl = crawl is not None and done.plan.follows
    taken_over = [_taken_over(base, one) for one in done.results.values() if not one.failed]
    lists = {}
    if is_crawl or len(taken_over) < done.plan.batches:
        lists = {one.batch: one for one in await store.batches.page_lists_of(base, plans)}
    left = await _left(store, done, lists)
    failures = [failure async for _, failure in store.rows.failures(base, [], plan_attempts=failing(plans))]
    plan = replace(
        done.plan,
        attempt=uuid4().hex[:12],
        taken_over=len(taken_over),
        recorded_at=clock.utc_now(),
        follows=is_crawl,
        level=0,
        earlier_batches=0,
        is_open=False,
        inherits=is_crawl,
        began_at=began_at,
    )
    if crawl is not None and is_crawl:
        more = await rest_of_crawl(store, done, lists, crawl, listed=[failure.url for failure in failures])
        await store.frontiers.bequeath(snapshot, plan.attempt, more.frontier)
        plan = grown(plan, more.pages, goes_on=bool(left or more.pages.lists))
        left, failures = [*left, *more.pages.lists], [*failures, *more.pages.failures]
    await store.rows.stage_failures(snapshot, PLAN_BATCH, plan.attempt, list(enumerate(failures)))
    return await store.batches.record_retry(snapshot, plan, left, taken_over)


async def _left(store: Store, base: Base, lists: Mapping[int, PageList]) -> list[PageList]:
    """The pages that are left of the batches of `base` that are not complete, as they were planned in `lists`."""
    failed = [one for one in base.results.values() if one.failed]
    left = list(await asyncio.gather(*(_failed_part(store, base, one, lists.get(one.batch)) for one in failed)))
    left += [one.without_trust() for one in lists.values() if one.batch not in base.results]
    complete = len(base.results) - len(failed)
    if complete + len(left) != base.plan.batches:
        raise MissingRecord(f"snapshot {base.snapshot} has {complete + len(left)} of its {base.plan.batches} batches")
    return sorted(left, key=lambda one: one.batch)


def _taken_over(base: str, result: BatchResult) -> BatchResult:
    return BatchResult(
        result.batch, "", result.loaded, 0, result.rows, earlier=result.parts(base), unchanged=result.unchanged
    )


async def _failed_part(store: Store, base: Base, result: BatchResult, planned: PageList | None) -> PageList:
    failed = await store.rows.failed_pages(base.snapshot, result)
    places, urls = zip(*failed, strict=True)
    whole = PageList.whole(result.batch, ()) if planned is None else planned
    return whole.rest(places, urls, result.parts(base.snapshot)).without_trust()
