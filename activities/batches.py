"""Planning a source's pages and scraping one batch of them."""

import asyncio
from collections.abc import Mapping
from operator import itemgetter
from typing import Any
from uuid import uuid4

import azure.durable_functions as df

from activities.fence import Standing, standing_of
from activities.run_context import logs_run
from activities.run_watch import RunEnded, until_run_ends
from activities.wiring import open_fetcher
from scraper import clock
from scraper.app_sources import app_source
from scraper.discover import Discovery, discover
from scraper.load import BATCH_TIME_LIMIT_S, scrape_pages
from scraper.models import PageFailed, PageFailure, Reason, Share
from scraper.page_log import log_failed_pages
from scraper.politeness import pages_in_time, plan_window
from scraper.run_log import run_logger
from scraper.settings import Settings
from storage.batches import BatchResult, Plan, cut_batches
from storage.errors import RowTooLarge
from storage.keys import snapshot_id
from storage.page_lists import PageList
from storage.retrying import plan_retry
from storage.rows import PLAN_BATCH
from storage.store import Store, open_store

logger = run_logger(__name__)

Failures = list[tuple[int, PageFailure]]
"""Failed pages, each with its place in the batch."""


@logs_run
async def plan_source(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Find the source's pages and record them in batches, once. Input: `run_id`, `epoch`, `source`; `base_epoch`.

    With `base_epoch`, the run retries the one that had this epoch: the pages are those that it did not load. Returns
    `code` `planned` with `attempt`, `batches` (that have pages to fetch), `window` (batches at a time) and `share` (of
    the source's limits, per batch); or `superseded`, `stopped` or `failed` with the `reason`.
    """
    settings = Settings()
    store = open_store(settings)
    source = app_source(settings, payload["source"])
    standing = await standing_of(store, client, payload)
    if standing.code != "goes_on":
        return _turned_away(standing)
    snapshot = snapshot_id(source.name, payload["epoch"])
    window, share = plan_window(source.concurrency, source.requests_per_second, settings.max_parallel_batches)
    plan = await store.batches.plan(snapshot)
    if plan is None and "base_epoch" in payload:
        plan = await plan_retry(store, snapshot, base=snapshot_id(source.name, payload["base_epoch"]))
        if plan is not None:
            logger.info("planned: of %d batches, %d have pages to retry", plan.batches, plan.lists)
    if plan is None:
        try:
            async with until_run_ends(store, payload):
                discovery = await discover(source, fetcher=open_fetcher(settings))
        except RunEnded as ended:
            return _turned_away(ended.standing)
        pages_per_batch = pages_in_time(share, at_most=settings.pages_per_batch, seconds=BATCH_TIME_LIMIT_S / 2)
        plan = await _record_plan(store, snapshot, discovery, pages_per_batch)
    if plan.pages == 0:
        return {"code": "failed", "reason": await _why_no_pages(store, snapshot)}
    return {
        "code": "planned",
        "attempt": plan.attempt,
        "batches": plan.lists,
        "window": window,
        "share": share.model_dump(mode="json"),
    }


async def _record_plan(store: Store, snapshot: str, discovery: Discovery, pages_per_batch: int) -> Plan:
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
        ),
        batches,
    )
    if plan.attempt == attempt:
        logger.info("planned: pages %d, batches %d, left out %d", plan.pages, plan.batches, plan.left_out)
        log_failed_pages(discovery.failures)
    return plan


@logs_run
async def scrape_batch(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Scrape one batch and stage its rows. Input: `run_id`, `epoch`, `source`, `batch`, `plan_attempt`, `share`.

    `batch` is the number of its page list. Returns `code` `scraped` with the counts of the whole batch, or `superseded`
    or `stopped` with the `reason`. A repeat of a finished batch fetches nothing.
    """
    settings = Settings()
    store = open_store(settings)
    snapshot = snapshot_id(payload["source"], payload["epoch"])
    standing, pages = await asyncio.gather(
        standing_of(store, client, payload),
        store.batches.page_list(snapshot, plan_attempt=payload["plan_attempt"], number=payload["batch"]),
    )
    recorded = await store.batches.result(snapshot, pages.batch)
    if recorded is not None:
        return _scraped(recorded)
    if standing.code != "goes_on":
        return _turned_away(standing)
    try:
        async with until_run_ends(store, payload):
            result, failed = await _scrape(settings, store, payload, pages)
    except RunEnded as ended:
        return _turned_away(ended.standing)
    return _scraped(await _record(store, snapshot, result, failed))


async def _scrape(
    settings: Settings, store: Store, payload: Mapping[str, Any], pages: PageList
) -> tuple[BatchResult, Failures]:
    """Fetch the pages of a batch; their rows and failures are staged under an attempt of its own."""
    snapshot, attempt = snapshot_id(payload["source"], payload["epoch"]), uuid4().hex[:12]
    source, share = app_source(settings, payload["source"]), Share.model_validate(payload["share"])
    failed: Failures = []
    async with store.rows.staging(snapshot, pages.batch, attempt) as staging:
        async for outcome in scrape_pages(source, pages.urls, fetcher=open_fetcher(settings), share=share):
            place = pages.places[outcome.index]
            if isinstance(outcome, PageFailed):
                failed.append((place, outcome.failure))
                continue
            try:
                staging.add(outcome, place=place)
            except RowTooLarge as refused:
                failure = PageFailure(url=outcome.url, reason=Reason.ROW_TOO_LARGE, detail=str(refused))
                failed.append((place, failure))
    await store.rows.stage_failures(snapshot, pages.batch, attempt, failed)
    loaded, rows = pages.loaded + len(pages.urls) - len(failed), pages.rows + staging.rows
    recorded_at = clock.utc_now()
    return BatchResult(pages.batch, attempt, loaded, len(failed), rows, pages.earlier, recorded_at), failed


async def _record(store: Store, snapshot: str, result: BatchResult, failed: Failures) -> BatchResult:
    """The result that counts: this one, unless another attempt was faster."""
    counted = await store.batches.record_result(snapshot, result)
    if counted.attempt == result.attempt:  # else that attempt has said it
        told = (result.batch, result.loaded, result.failed, result.rows)
        logger.info("batch %d scraped: loaded %d, failed %d, rows %d", *told)
        log_failed_pages([failure for _, failure in sorted(failed, key=itemgetter(0))])
    return counted


def _turned_away(standing: Standing) -> dict[str, Any]:
    """A run that drains begins nothing new, so its steps end here as stopped."""
    code = "superseded" if standing.code == "superseded" else "stopped"
    return {"code": code, "reason": standing.reason}


def _scraped(result: BatchResult) -> dict[str, Any]:
    return {"code": "scraped", "loaded": result.loaded, "failed": result.failed, "rows": result.rows}


async def _why_no_pages(store: Store, snapshot: str) -> str:
    async for failure in store.failures_of(snapshot):
        return f"no page found: {failure.url}: {failure.reason}: {failure.detail}"[:500]
    return "no page found, and nothing failed: does the source name any?"
