"""One batch end to end: every page fetched, extracted, and answered by exactly one outcome."""

import asyncio
import random as randomness
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from scraper.errors import LongPauseAsked, PageError
from scraper.fetch.answers import FetchedPage
from scraper.fetch.limits import limits_of
from scraper.known_pages import WantedPage, version_of
from scraper.manners.polite_fetch import ConditionalFetch, OneAttempt, polite_fetch
from scraper.manners.politeness import Pace
from scraper.manners.retries import Random, Sleep
from scraper.models import PageFailed, PageFailure, PageLoaded, PageUnchanged, Purpose, Reason, Share
from scraper.page_version import Validators
from scraper.rows.extract import extract_rows
from scraper.rows.links import page_links
from scraper.rows.soft_blocks import refuse_blocked, refuse_empty
from scraper.run_log import log_context, run_logger
from scraper.sources import Source

logger = run_logger(__name__)

Outcome = PageLoaded | PageUnchanged | PageFailed

BATCH_TIME_LIMIT_S = 1200.0
"""A batch must end by itself within the host's functionTimeout of 30 minutes, or it would be repeated for ever."""


async def scrape_pages(
    source: Source,
    pages: Sequence[str | WantedPage],
    *,
    fetcher: OneAttempt,
    share: Share,
    time_limit_s: float = BATCH_TIME_LIMIT_S,
    sleep: Sleep = asyncio.sleep,
    random: Random = randomness.random,
) -> AsyncIterator[Outcome]:
    """One outcome for each of `pages`, as they come; `index` is the place in `pages`. A URL is a page without a past.

    Pages run concurrently within `share`. No page's failure ends the others; a defect of ours is an outcome
    with reason `internal`, and pages that are not done within `time_limit_s` fail with reason `timeout`. Closing the
    iterator, or cancelling its reader, cancels what is in flight.

    Raises LongPauseAsked, and leaves pages without an outcome, if the site wants to be left alone for long.
    A page that has not changed since an earlier run is not parsed; a fault of `carry_over` is no page's failure, and
    ends the iteration.
    """
    wanted = [page if isinstance(page, WantedPage) else WantedPage(page) for page in pages]
    pace = Pace(share, sleep=sleep)
    fetch = polite_fetch(
        fetcher,
        limits_of(source),
        pace=pace,
        max_attempts=source.max_attempts,
        sleep=sleep,
        random=random,
    )
    tasks = [asyncio.create_task(_scrape_page_logged(source, index, page, fetch)) for index, page in enumerate(wanted)]
    done: set[int] = set()
    try:
        for next_done in asyncio.as_completed(tasks, timeout=time_limit_s):
            outcome = await next_done
            done.add(outcome.index)
            yield outcome
    except TimeoutError:
        for index, page in enumerate(wanted):
            if index not in done:
                yield _out_of_time(index, page.url, time_limit_s)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _out_of_time(index: int, url: str, time_limit_s: float) -> PageFailed:
    detail = f"its batch was not done within {time_limit_s:g} s: the site is too slow, or asks for too long pauses"
    return PageFailed(index, PageFailure(url=url, reason=Reason.TIMEOUT, detail=detail, attempts=0))


async def _scrape_page_logged(source: Source, index: int, wanted: WantedPage, fetch: ConditionalFetch) -> Outcome:
    with log_context(source=source.name, url=wanted.url):
        return await _scrape_page(source, index, wanted, fetch)


async def _scrape_page(source: Source, index: int, wanted: WantedPage, fetch: ConditionalFetch) -> Outcome:
    url, known = wanted.url, wanted.known
    if known is not None and known.is_trusted:
        rows = await known.carry_over()
        if rows is not None:
            return PageUnchanged(index, url, known.version, None, rows, known.links)
        known = None
    asks_for_change = known is not None and source.conditional_requests
    asked = await _asked(index, url, fetch, known.version.validators if known and asks_for_change else None)
    if isinstance(asked, PageFailed):
        return asked
    page, attempts = asked
    version = None if known is None else known.still(page)
    if known is not None and version is not None:
        rows = await known.carry_over()
        if rows is not None:
            return PageUnchanged(index, url, version, page.fetched_at, rows, known.links)
    if page.not_modified:  # and yet there is nothing to carry over: purged, most likely
        asked = await _asked(index, url, fetch, None, earlier=attempts)
        if isinstance(asked, PageFailed):
            return asked
        page, attempts = asked
    return page_outcome(source, index, wanted, page, attempts=attempts)


async def _asked(
    index: int, url: str, fetch: ConditionalFetch, validators: Validators | None, *, earlier: int = 0
) -> tuple[FetchedPage, int] | PageFailed:
    """The page and the attempts that it took, the `earlier` ones included; or why it did not come."""
    try:
        page, attempts = await fetch(url, validators)
    except PageError as error:
        return _failed(index, url, error, attempts=earlier + error.attempts)
    except LongPauseAsked:
        raise
    except Exception as error:
        logger.exception("the page met a defect")
        return _defect(index, url, error, attempts=earlier + 1)
    return page, earlier + attempts


def page_outcome(
    source: Source, index: int, wanted: WantedPage, page: FetchedPage, *, attempts: int
) -> PageLoaded | PageFailed:
    """What a page that has come, in so many `attempts`, gives. Never raises for what a site sends."""
    url, links = wanted.url, None
    try:
        refuse_empty(page.body, url=url, status=page.status)
        refuse_blocked(source, page.body, url=url, charset=page.charset)
        if source.follow is not None:
            links = page_links(source.follow, page, asked=url, purpose=wanted.purpose, charset=source.charset)
        rows = []
        if links is not None and Purpose.ROWS_HERE in wanted.purpose:
            links = replace(links, address="")
        if wanted.purpose & (Purpose.ROWS | Purpose.ROWS_HERE) and not (links and links.address):
            rows = extract_rows(
                source,
                page.body,
                url=page.final_url,
                charset=page.charset,
                content_type=page.content_type,
                rows_before=0 if wanted.known is None else wanted.known.rows,
            )
        return PageLoaded(index, url, page.final_url, page.fetched_at, rows, version_of(page), links)
    except PageError as error:
        return replace(_failed(index, url, error, attempts=attempts), links=links)
    except Exception as error:
        logger.exception("the page met a defect")
        return replace(_defect(index, url, error, attempts=attempts), links=links)


def _failed(index: int, url: str, error: PageError, *, attempts: int) -> PageFailed:
    # The page keeps the URL that was asked for, wherever a redirect led.
    return PageFailed(index, error.as_failure().model_copy(update={"url": url, "attempts": attempts}))


def _defect(index: int, url: str, error: Exception, *, attempts: int) -> PageFailed:
    """A page that failed for what is no fault of the site."""
    detail = f"{type(error).__name__}: {error}"[:500]
    return PageFailed(index, PageFailure(url=url, reason=Reason.INTERNAL, detail=detail, attempts=attempts))
