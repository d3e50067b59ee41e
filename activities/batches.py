"""Scraping one batch of a source's pages."""

import asyncio
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import uuid4

import azure.durable_functions as df

from activities.batch_attempt import BatchAttempt, wanted_pages
from activities.fence import standing_of
from activities.run_context import logs_run
from activities.run_watch import RunEnded, until_run_ends
from activities.wiring import obeying_fetcher, open_robots
from scraper import clock
from scraper.app_sources import app_source
from scraper.errors import LongPauseAsked
from scraper.load import scrape_pages
from scraper.models import Share
from scraper.page_log import log_failed_pages
from scraper.rows.fingerprint import extraction_fingerprint
from scraper.rows.key_faults import PAIRED
from scraper.run_log import log_context, run_logger
from scraper.settings import Settings, app_settings
from storage.crawls.past_links import with_links
from storage.keys import snapshot_id, source_of
from storage.memory.page_memory import Remembered
from storage.memory.past import past_of
from storage.store import Store, open_store
from storage.work.batch_results import BatchResult
from storage.work.page_lists import PageList
from storage.work.pauses import BatchKey, Pause
from telemetry.effects import BatchWork, batch_recorded, pages_failed
from telemetry.steps import note

logger = run_logger(__name__)

MAX_PAUSES = 20
"""A batch whose site asks for still another pause fails with what is left of it."""
PAUSE_PIECE_S = 900.0


@logs_run
async def scrape_batch(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Scrape one batch and stage its rows. Input: `run_id`, `epoch`, `source`, `batch`, `plan_attempt`, `share`.

    `batch` is the number of its page list; `pause`, if there, that of the last pause that its site asked for. Returns
    `code` `scraped` with the counts of the whole batch; `paused` with the number of the `pause` and the `seconds` after
    which to come again; or `superseded` or `stopped` with the `reason`. A repeat of a finished batch fetches nothing.
    """
    settings = app_settings()
    store = open_store(settings)
    snapshot = snapshot_id(payload["source"], payload["epoch"])
    key, pause = BatchKey(snapshot, payload["plan_attempt"], payload["batch"]), payload.get("pause", 0)
    standing, (pages, until) = await asyncio.gather(
        standing_of(store, client, payload), _what_is_left(store, key, pause)
    )
    recorded = await store.batches.result(snapshot, pages.batch)
    note(batch=pages.batch, pages=len(pages.urls), counted=False)
    if recorded is not None:
        return _scraped(recorded)
    if standing.code != "goes_on":
        return standing.as_answer()
    if until is not None and until > clock.utc_now():
        return _paused(pause, until)
    with log_context(batch=pages.batch):
        return await _scrape_and_record(settings, store, payload, key, pages)


async def _scrape_and_record(
    settings: Settings, store: Store, payload: Mapping[str, Any], key: BatchKey, pages: PageList
) -> dict[str, Any]:
    """The answer of an attempt that may work."""
    pause = payload.get("pause", 0)
    try:
        async with until_run_ends(store, payload):
            work = await _scrape(settings, store, payload, pages, may_pause=pause < MAX_PAUSES)
    except RunEnded as ended:
        return ended.standing.as_answer()
    if work.without_key:
        told = (pages.batch, work.without_key, PAIRED)
        logger.warning("batch %d: rows that have no value in a field of key: %d; %s", *told)
    if work.asked_for is None:
        return _scraped(await _record(store, work))
    begins = Pause(work.rest(), clock.utc_now() + timedelta(seconds=work.asked_for.seconds))
    begun = await store.pauses.record(key, pause + 1, begins)
    logger.warning("batch %d paused until %s: %s", pages.batch, begun.until, work.asked_for)
    return _paused(pause + 1, begun.until)


async def _what_is_left(store: Store, key: BatchKey, pause: int) -> tuple[PageList, datetime | None]:
    """The pages to fetch, and from when on if the site has asked for a pause."""
    if not pause:
        return await store.batches.page_list(key.snapshot, plan_attempt=key.plan_attempt, number=key.number), None
    recorded = await store.pauses.read(key, pause)
    return recorded.rest, recorded.until


async def _scrape(
    settings: Settings, store: Store, payload: Mapping[str, Any], pages: PageList, *, may_pause: bool
) -> BatchAttempt:
    """Fetch the pages of a batch; what they give is staged under an attempt of its own."""
    snapshot = snapshot_id(payload["source"], payload["epoch"])
    source, share = app_source(settings, payload["source"]), Share.model_validate(payload["share"])
    fingerprint = extraction_fingerprint(source)
    robots = open_robots(settings, store, source, payload["epoch"])
    fetcher = obeying_fetcher(settings, robots)
    past = await past_of(store.tables, store.memory, pages, fingerprint=fingerprint)
    if pages.purposes:
        past = await with_links(store.links, pages, past)
    attempt, began = uuid4().hex[:12], clock.utc_now()
    note(attempt=attempt)
    async with store.rows.staging(snapshot, pages.batch, attempt) as staging:
        work = BatchAttempt(source, pages, past, staging, snapshot=snapshot, attempt=attempt, at=began)
        try:
            if robots is not None:
                await robots.learn(source.own_urls)  # before pages take turns that they would have to let pass
            async for outcome in scrape_pages(source, wanted_pages(pages, past), fetcher=fetcher, share=share):
                work.take(outcome)
        except LongPauseAsked as asked:
            work.give_up(asked, may_pause=may_pause)
        # While the last rows are on their way.
        await asyncio.gather(
            store.rows.stage_failures(snapshot, pages.batch, attempt, work.failed),
            store.memory.remember(
                snapshot, pages.batch, attempt, Remembered(fingerprint, work.remembered, tuple(source.fields))
            ),
            *([store.links.stage(snapshot, pages.batch, attempt, work.links)] if pages.purposes else []),
        )
    return work


async def _record(store: Store, work: BatchAttempt) -> BatchResult:
    """The result that counts: that of this attempt, unless another one was faster."""
    result = work.result(clock.utc_now())
    counted = await store.batches.record_result(work.snapshot, result)
    if counted.attempt == result.attempt:  # else that attempt has said it
        told = (result.batch, result.loaded, result.unchanged, result.failed, result.rows)
        logger.info("batch %d scraped: loaded %d, of these unchanged %d, failed %d, rows %d", *told)
        log_failed_pages([failure for _, failure in sorted(work.failed, key=itemgetter(0))])
        _count(work, result)
    return counted


def _count(work: BatchAttempt, result: BatchResult) -> None:
    """Tell telemetry what this run has done; what others had loaded of the batch is theirs."""
    note(counted=True)
    others = [part for part in result.earlier if part.snapshot != work.snapshot]
    done = BatchWork(
        loaded=result.loaded - sum(part.loaded for part in others),
        unchanged=result.unchanged - sum(part.unchanged for part in others),
        failed=result.failed,
        rows=result.rows - sum(part.rows for part in others),
        seconds=(clock.utc_now() - work.started_at).total_seconds(),
    )
    source = source_of(work.snapshot)
    batch_recorded(source, done)
    pages_failed(source, (failure.reason for _, failure in work.failed))


def _scraped(result: BatchResult) -> dict[str, Any]:
    counts = ("loaded", "unchanged", "failed", "rows")
    return {"code": "scraped", **{name: getattr(result, name) for name in counts}}


def _paused(pause: int, until: datetime) -> dict[str, Any]:
    """A long pause is waited for in pieces, so that a run that drains ends before it is over."""
    left = (until - clock.utc_now()).total_seconds()
    return {"code": "paused", "pause": pause, "seconds": math.ceil(min(max(left, 1.0), PAUSE_PIECE_S))}
