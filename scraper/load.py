"""One batch end to end: every page fetched, extracted, and answered by exactly one outcome."""

import asyncio
import random as randomness
from collections.abc import AsyncIterator, Sequence

from scraper.errors import PageError
from scraper.fetch.limits import limits_of
from scraper.manners.polite_fetch import Fetch, OneAttempt, polite_fetch
from scraper.manners.politeness import Pace
from scraper.manners.retries import Random, Sleep
from scraper.models import PageFailed, PageFailure, PageLoaded, Reason, Share
from scraper.rows.extract import check_content_type, extract_rows
from scraper.run_log import log_context, run_logger
from scraper.sources import Source

logger = run_logger(__name__)

BATCH_TIME_LIMIT_S = 1200.0
"""A batch must end by itself within the host's functionTimeout of 30 minutes, or it would be repeated for ever."""


async def scrape_pages(
    source: Source,
    urls: Sequence[str],
    *,
    fetcher: OneAttempt,
    share: Share,
    time_limit_s: float = BATCH_TIME_LIMIT_S,
    sleep: Sleep = asyncio.sleep,
    random: Random = randomness.random,
) -> AsyncIterator[PageLoaded | PageFailed]:
    """One outcome for each of `urls`, as they come; `index` is the place in `urls`.

    Pages run concurrently within `share`. No page's failure ends the others; a defect of ours is an outcome
    with reason `internal`, and pages that are not done within `time_limit_s` fail with reason `timeout`. Closing the
    iterator, or cancelling its reader, cancels what is in flight.
    """
    pace = Pace(share, sleep=sleep)
    fetch = polite_fetch(
        fetcher,
        limits_of(source),
        pace=pace,
        max_attempts=source.max_attempts,
        sleep=sleep,
        random=random,
    )
    tasks = [asyncio.create_task(_scrape_page_logged(source, index, url, fetch)) for index, url in enumerate(urls)]
    done: set[int] = set()
    try:
        for next_done in asyncio.as_completed(tasks, timeout=time_limit_s):
            outcome = await next_done
            done.add(outcome.index)
            yield outcome
    except TimeoutError:
        for index, url in enumerate(urls):
            if index not in done:
                yield _out_of_time(index, url, time_limit_s)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _out_of_time(index: int, url: str, time_limit_s: float) -> PageFailed:
    detail = f"its batch was not done within {time_limit_s:g} s: the site is too slow, or asks for too long pauses"
    return PageFailed(index, PageFailure(url=url, reason=Reason.TIMEOUT, detail=detail, attempts=0))


async def _scrape_page_logged(source: Source, index: int, url: str, fetch: Fetch) -> PageLoaded | PageFailed:
    with log_context(source=source.name, url=url):
        return await _scrape_page(source, index, url, fetch)


async def _scrape_page(source: Source, index: int, url: str, fetch: Fetch) -> PageLoaded | PageFailed:
    attempts = 0
    try:
        page, attempts = await fetch(url)
        check_content_type(page.content_type, url=url)
        rows = extract_rows(source, page.body, url=page.final_url, charset=page.charset)
        return PageLoaded(index, url, page.final_url, page.fetched_at, rows)
    except PageError as error:
        failure = error.as_failure()
        # The page keeps the URL that was asked for, wherever a redirect led.
        return PageFailed(index, failure.model_copy(update={"url": url, "attempts": max(attempts, error.attempts)}))
    except Exception as error:
        logger.exception("the page met a defect")
        detail = f"{type(error).__name__}: {error}"[:500]
        failure = PageFailure(url=url, reason=Reason.INTERNAL, detail=detail, attempts=max(1, attempts))
        return PageFailed(index, failure)
