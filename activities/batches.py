"""Scraping one batch of a source's pages."""

import asyncio
from collections.abc import Mapping
from operator import itemgetter
from typing import Any
from uuid import uuid4

import azure.durable_functions as df

from activities.batch_attempt import BatchAttempt, Failures, wanted_pages
from activities.fence import standing_of
from activities.run_context import logs_run
from activities.run_watch import RunEnded, until_run_ends
from activities.wiring import obeying_fetcher, open_robots
from scraper import clock
from scraper.app_sources import app_source
from scraper.load import scrape_pages
from scraper.models import Share
from scraper.page_log import log_failed_pages
from scraper.rows.fingerprint import extraction_fingerprint
from scraper.run_log import run_logger
from scraper.settings import Settings
from storage.batches import BatchResult
from storage.keys import snapshot_id
from storage.page_lists import PageList
from storage.page_memory import Remembered
from storage.past import past_of
from storage.past_links import with_links
from storage.store import Store, open_store

logger = run_logger(__name__)


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
        return standing.as_answer()
    try:
        async with until_run_ends(store, payload):
            result, failed = await _scrape(settings, store, payload, pages)
    except RunEnded as ended:
        return ended.standing.as_answer()
    return _scraped(await _record(store, snapshot, result, failed))


async def _scrape(
    settings: Settings, store: Store, payload: Mapping[str, Any], pages: PageList
) -> tuple[BatchResult, Failures]:
    """Fetch the pages of a batch; what they give is staged under an attempt of its own."""
    snapshot, attempt = snapshot_id(payload["source"], payload["epoch"]), uuid4().hex[:12]
    source, share = app_source(settings, payload["source"]), Share.model_validate(payload["share"])
    fingerprint = extraction_fingerprint(source)
    fetcher = obeying_fetcher(settings, open_robots(settings, store, source, payload["epoch"]))
    past = await past_of(store.tables, store.memory, pages, fingerprint=fingerprint)
    if pages.purposes:
        past = await with_links(store.links, pages, past)
    async with store.rows.staging(snapshot, pages.batch, attempt) as staging:
        work = BatchAttempt(source, pages, past, staging)
        async for outcome in scrape_pages(source, wanted_pages(pages, past), fetcher=fetcher, share=share):
            work.take(outcome)
        # While the last rows are on their way.
        await asyncio.gather(
            store.rows.stage_failures(snapshot, pages.batch, attempt, work.failed),
            store.memory.remember(snapshot, pages.batch, attempt, Remembered(fingerprint, work.remembered)),
            *([store.links.stage(snapshot, pages.batch, attempt, work.links)] if pages.purposes else []),
        )
    return BatchResult(
        pages.batch,
        attempt,
        loaded=pages.loaded + work.loaded,
        failed=len(work.failed),
        rows=pages.rows + staging.rows,
        earlier=pages.earlier,
        recorded_at=clock.utc_now(),
        unchanged=pages.unchanged + work.unchanged,
    ), work.failed


async def _record(store: Store, snapshot: str, result: BatchResult, failed: Failures) -> BatchResult:
    """The result that counts: this one, unless another attempt was faster."""
    counted = await store.batches.record_result(snapshot, result)
    if counted.attempt == result.attempt:  # else that attempt has said it
        told = (result.batch, result.loaded, result.unchanged, result.failed, result.rows)
        logger.info("batch %d scraped: loaded %d, of these unchanged %d, failed %d, rows %d", *told)
        log_failed_pages([failure for _, failure in sorted(failed, key=itemgetter(0))])
    return counted


def _scraped(result: BatchResult) -> dict[str, Any]:
    counts = ("loaded", "unchanged", "failed", "rows")
    return {"code": "scraped", **{name: getattr(result, name) for name in counts}}
