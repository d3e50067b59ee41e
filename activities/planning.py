"""Finding a source's pages and recording them in batches."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import azure.durable_functions as df

from activities.fence import standing_of
from activities.previous import previous_of_crawl, previous_pages
from activities.run_context import logs_run
from activities.run_watch import RunEnded, until_run_ends
from activities.wiring import obeying_fetcher, open_robots
from scraper import clock
from scraper.app_sources import app_source
from scraper.errors import LongPauseAsked
from scraper.finding.discover import Discovery, discover
from scraper.load import BATCH_TIME_LIMIT_S
from scraper.manners.obeying import obeying_limits, without_disallowed
from scraper.manners.politeness import pages_in_time, plan_window
from scraper.manners.robots import Robots
from scraper.models import Reason, Share
from scraper.page_log import log_failed_pages
from scraper.run_log import run_logger
from scraper.settings import Settings, app_settings
from scraper.sources import Source
from storage.data.rows import PLAN_BATCH
from storage.keys import snapshot_id, source_of
from storage.planning.following import Crawl, plan_level
from storage.planning.retrying import plan_retry
from storage.store import Store, open_store
from storage.work.batches import Plan, cut_batches
from storage.work.failure_reasons import count_reasons
from storage.work.page_lists import PreviousPage
from telemetry.effects import pages_failed

logger = run_logger(__name__)


@logs_run
async def plan_source(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Find the source's pages and record them in batches, once.

    Input: `run_id`, `epoch`, `source`; `base_epoch` if the run retries the one that had this epoch: then the pages are
    those that it did not load; `level` (from 1) for the pages that the links of the level before lead to.

    Returns `code` `planned` with `attempt`, `batches` (that have pages to fetch), `window` (batches at a time), `share`
    (of the source's limits, per batch), and `more` if there may be another level; `paused` with the
    `seconds` for which the site wants to be left alone; or `superseded`, `stopped` or `failed` with the `reason`.
    A run that drains is `stopped`, unless a level turns out to be the last one: that is `planned`, without batches.
    """
    began_at, settings = clock.utc_now(), app_settings()
    store = open_store(settings)
    source = app_source(settings, payload["source"])
    standing = await standing_of(store, client, payload)
    # A crawl that drains may be complete: only its pages' links, which are here, tell whether there is more to fetch.
    is_draining = standing.code == "draining" and payload.get("level", 0) > 0
    if standing.code != "goes_on" and not is_draining:
        return standing.as_answer()
    if payload.get("level") and source.follow is None:
        reason = "the source does not follow links any more: did the file change during the run?"
        return {"code": "failed", "reason": reason}
    snapshot = snapshot_id(source.name, payload["epoch"])
    robots = open_robots(settings, store, source, payload["epoch"])
    try:
        async with until_run_ends(store, payload):
            concurrency, rate = await obeying_limits(source, robots)
            _, least = plan_window(concurrency, rate, settings.max_parallel_batches)
            plan = await _find_plan(settings, store, source, payload, least, robots, began_at)
    except RunEnded as ended:
        return ended.standing.as_answer()
    except LongPauseAsked as asked:
        logger.warning("planning paused: %s", asked)
        paused = {"code": "paused", "seconds": math.ceil(asked.seconds), "reason": str(asked)}
        return standing.as_answer() if is_draining else paused
    if is_draining and plan.lists:
        return standing.as_answer()
    # Few batches share all that the source allows. How many there are is recorded, so every repeat shares alike.
    most = min(settings.max_parallel_batches, max(1, plan.lists))
    return await _planned(store, source, snapshot, plan, *plan_window(concurrency, rate, most))


async def _planned(
    store: Store, source: Source, snapshot: str, plan: Plan, window: int, share: Share
) -> dict[str, Any]:
    """What is answered to a run that may go on."""
    if plan.left_out:
        logger.warning(
            "max_pages = %d leaves out %d pages: raise it in the sources file, or nobody will see them",
            source.max_pages,
            plan.left_out,
        )
    if plan.pages == 0:
        return {"code": "failed", "reason": await _why_no_pages(store, snapshot)}
    answer = {
        "code": "planned",
        "attempt": plan.attempt,
        "batches": plan.lists,
        "window": window,
        "share": share.model_dump(mode="json"),
    }
    return {**answer, "more": True} if plan.is_open else answer


async def _find_plan(
    settings: Settings,
    store: Store,
    source: Source,
    payload: Mapping[str, Any],
    share: Share,
    robots: Robots | None,
    began_at: datetime,
) -> Plan:
    """The plan that is recorded; else what is left of the run that is retried, or of the site what it shows now."""
    snapshot, level, epoch = snapshot_id(source.name, payload["epoch"]), payload.get("level", 0), payload["epoch"]
    plan = await store.batches.plan_of_level(snapshot, level)
    if plan is not None:
        return plan
    pages_per_batch = pages_in_time(share, at_most=settings.pages_per_batch, seconds=BATCH_TIME_LIMIT_S / 2)
    crawl = None
    if source.follow is not None:
        previous = await previous_of_crawl(store, source, snapshot)
        crawl = Crawl(source.follow, source.max_pages, pages_per_batch, robots, previous)
    if "base_epoch" in payload and level == 0:
        plan = await plan_retry(
            store, source.name, epoch=epoch, base_epoch=payload["base_epoch"], crawl=crawl, began_at=began_at
        )
        if plan is not None:
            logger.info("planned: of %d batches, %d have pages to retry", plan.batches, plan.lists)
            return plan
    if crawl is not None:
        plan = await plan_level(store, snapshot, level, crawl, began_at=began_at)
        logger.info("planned level %d: pages so far %d, left out %d", level, plan.pages, plan.left_out)
        return plan
    discovery = await discover(source, fetcher=obeying_fetcher(settings, robots), share=share)
    allowed, refused = await without_disallowed(discovery.urls, robots)
    found = replace(discovery, urls=tuple(allowed), failures=(*discovery.failures, *refused))
    disallowed = sum(failure.reason is Reason.ROBOTS_DISALLOWED for failure in refused)
    previous = await previous_pages(store, source, found.last_modified if source.trust_lastmod else {})
    return await _record_plan(store, snapshot, found, disallowed, pages_per_batch, previous, began_at)


async def _record_plan(
    store: Store,
    snapshot: str,
    discovery: Discovery,
    disallowed: int,
    pages_per_batch: int,
    previous: Mapping[str, PreviousPage],
    began_at: datetime,
) -> Plan:
    """The plan that counts: this one, unless another attempt was faster."""
    batches, attempt = cut_batches(discovery.urls, pages_per_batch=pages_per_batch), uuid4().hex[:12]
    await store.rows.stage_failures(snapshot, PLAN_BATCH, attempt, list(enumerate(discovery.failures)))
    plan = await store.batches.record_plan(
        snapshot,
        Plan(
            attempt,
            len(batches),
            len(discovery.urls),
            discovery.failure_count,
            discovery.left_out,
            recorded_at=clock.utc_now(),
            disallowed=disallowed,
            unread_listings=discovery.unread_listings,
            began_at=began_at,
            reasons=count_reasons(discovery.failures),
        ),
        batches,
        previous,
    )
    if plan.attempt == attempt:
        logger.info("planned: pages %d, batches %d, left out %d", plan.pages, plan.batches, plan.left_out)
        log_failed_pages(discovery.failures)
        pages_failed(source_of(snapshot), (failure.reason for failure in discovery.failures))
    return plan


async def _why_no_pages(store: Store, snapshot: str) -> str:
    async for _, failure in store.failures_of(snapshot):
        return f"no page found: {failure.url}: {failure.reason}: {failure.detail}"[:500]
    return "no page found, and nothing failed: does the source name any?"
