"""Scraping one batch of a source's pages."""

import asyncio
from collections.abc import Mapping
from operator import itemgetter
from typing import Any
from uuid import uuid4

import azure.durable_functions as df

from activities.fence import standing_of
from activities.run_context import logs_run
from activities.run_watch import RunEnded, until_run_ends
from activities.wiring import open_fetcher
from scraper import clock
from scraper.app_sources import app_source
from scraper.load import scrape_pages
from scraper.models import PageFailed, PageFailure, Reason, Share
from scraper.page_log import log_failed_pages
from scraper.run_log import run_logger
from scraper.settings import Settings
from storage.batches import BatchResult
from storage.errors import RowTooLarge
from storage.keys import snapshot_id
from storage.page_lists import PageList
from storage.store import Store, open_store

logger = run_logger(__name__)

Failures = list[tuple[int, PageFailure]]
"""Failed pages, each with its place in the batch."""


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


def _scraped(result: BatchResult) -> dict[str, Any]:
    return {"code": "scraped", "loaded": result.loaded, "failed": result.failed, "rows": result.rows}
