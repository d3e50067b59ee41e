"""A batch: one outcome a page, whatever happens to the others."""

import asyncio
import logging
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from scraper.errors import FetchError, PageGone, RateLimited
from scraper.fetch.answers import FetchedPage
from scraper.fetch.limits import FetchLimits
from scraper.load import scrape_pages
from scraper.models import PageFailed, PageLoaded, Reason, Share
from scraper.sources import Source

SITE = "https://books.example"
SAVED_AT = datetime(2024, 3, 1, tzinfo=UTC)
SOURCE = Source.model_validate(
    {"name": "books", "urls": [SITE], "fields": {"title": "h1"}, "max_attempts": 3, "max_body_bytes": 1234}
)


class SavedPages:
    """Answers by path; a list is used up answer by answer."""

    def __init__(self, answers: dict[str, list[bytes | Exception]], content_type: str = "text/html") -> None:
        self.answers = answers
        self.content_type = content_type
        self.status = 200
        self.limits: list[FetchLimits] = []

    async def fetch(self, url: str, limits: FetchLimits, **_: object) -> FetchedPage:
        self.limits.append(limits)
        answer = self.answers[url.removeprefix(SITE)].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return FetchedPage(url, f"{url}?final", self.status, answer, self.content_type, None, SAVED_AT)


async def no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


async def outcomes(pages: SavedPages, *paths: str) -> list[PageLoaded | PageFailed]:
    urls = [SITE + path for path in paths]
    results = scrape_pages(SOURCE, urls, fetcher=pages, share=Share(concurrency=2), sleep=no_sleep, random=lambda: 0.0)
    return sorted([outcome async for outcome in results], key=lambda outcome: outcome.index)


async def test_every_page_has_one_outcome_with_its_index() -> None:
    pages = SavedPages({"/a": [b"<h1>A</h1>"], "/b": [PageGone(f"{SITE}/b", 404)], "/c": [b"<h1>C</h1>"]})
    results = await outcomes(pages, "/a", "/b", "/c")
    assert [(type(result), result.index) for result in results] == [(PageLoaded, 0), (PageFailed, 1), (PageLoaded, 2)]


@pytest.mark.parametrize(
    ("status", "body"), [(200, b""), (200, b" \r\n"), (204, b""), (206, b"<h1>A</h1>"), (202, b"<p>")]
)
async def test_an_answer_without_the_page_is_a_failure_and_not_a_page_without_rows(status: int, body: bytes) -> None:
    pages = SavedPages({"/a": [body]})
    pages.status = status
    source = SOURCE.model_copy(update={"rows": "li", "rows_may_be_absent": True})
    results = scrape_pages(source, [f"{SITE}/a"], fetcher=pages, share=Share(concurrency=1), sleep=no_sleep)
    (failed,) = [outcome async for outcome in results]
    assert isinstance(failed, PageFailed)
    assert (failed.failure.reason, failed.failure.status) == (Reason.NO_CONTENT, status)


async def test_a_loaded_page_has_its_rows_and_where_it_was_in_the_end() -> None:
    (loaded,) = await outcomes(SavedPages({"/a": [b"<h1>A</h1>"]}), "/a")
    assert isinstance(loaded, PageLoaded)
    assert (loaded.url, loaded.final_url, loaded.fetched_at) == (f"{SITE}/a", f"{SITE}/a?final", SAVED_AT)
    assert [row.values for row in loaded.rows] == [{"title": "A"}]


async def test_a_page_that_recovers_is_loaded() -> None:
    answers: list[bytes | Exception] = [
        FetchError(SITE, Reason.HTTP_5XX, "down"),
        RateLimited(SITE, 0.0),
        b"<h1>A</h1>",
    ]
    assert isinstance((await outcomes(SavedPages({"/a": answers}), "/a"))[0], PageLoaded)


async def test_a_page_that_stays_broken_says_how_often_it_was_tried() -> None:
    answers: list[bytes | Exception] = [FetchError(f"{SITE}/a", Reason.TIMEOUT, "slow") for _ in range(9)]
    (failed,) = await outcomes(SavedPages({"/a": answers}), "/a")
    assert isinstance(failed, PageFailed)
    assert (failed.failure.reason, failed.failure.attempts) == (Reason.TIMEOUT, 3)


async def test_a_changed_page_fails_under_the_url_that_was_asked_for() -> None:
    (failed,) = await outcomes(SavedPages({"/a": [b"<h2>other</h2>"]}), "/a")
    assert isinstance(failed, PageFailed)
    assert (failed.failure.url, failed.failure.reason) == (f"{SITE}/a", Reason.MISSING_FIELD)


async def test_an_image_is_no_page() -> None:
    (failed,) = await outcomes(SavedPages({"/a": [b"\x89PNG"]}, content_type="image/png"), "/a")
    assert isinstance(failed, PageFailed)
    assert failed.failure.reason == Reason.UNSUPPORTED_CONTENT


async def test_a_defect_on_one_page_is_logged_and_spares_the_others(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        failed, loaded = await outcomes(SavedPages({"/a": [KeyError("x")], "/b": [b"<h1>B</h1>"]}), "/a", "/b")
    assert isinstance(failed, PageFailed)
    assert (failed.failure.reason, failed.failure.detail) == (Reason.INTERNAL, "KeyError: 'x'")
    assert isinstance(loaded, PageLoaded)
    assert caplog.records[0].exc_info is not None


async def test_the_source_sets_the_limits() -> None:
    pages = SavedPages({"/a": [b"<h1>A</h1>"]})
    await outcomes(pages, "/a")
    assert pages.limits == [
        FetchLimits(max_body_bytes=1234, timeout_s=30.0, max_redirects=5, user_agent=None, origins=SOURCE.origins)
    ]


async def test_an_empty_batch_has_no_outcome() -> None:
    assert await outcomes(SavedPages({})) == []


class EndlessPages:
    """Never answers, and counts who waits."""

    def __init__(self) -> None:
        self.waiting = 0

    async def fetch(self, url: str, limits: FetchLimits, **_: object) -> FetchedPage:
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1
        raise AssertionError


async def test_cancelling_the_reader_cancels_what_is_in_flight() -> None:
    pages = EndlessPages()

    async def read() -> None:
        results = scrape_pages(SOURCE, [f"{SITE}/a", f"{SITE}/b"], fetcher=pages, share=Share(concurrency=2))
        async with aclosing(results):
            async for _ in results:
                pass

    reader = asyncio.create_task(read())
    async with asyncio.timeout(5):
        while pages.waiting < 2:
            await asyncio.sleep(0)
        reader.cancel()
        await asyncio.wait([reader])
    assert (reader.cancelled(), pages.waiting) == (True, 0)


async def test_pages_that_are_not_done_when_the_batch_runs_out_of_time_fail_as_timed_out() -> None:
    class OnePageHangs(SavedPages):
        async def fetch(self, url: str, limits: FetchLimits, **_: object) -> FetchedPage:
            if url.endswith("/hang"):
                await asyncio.Event().wait()
            return await super().fetch(url, limits)

    pages = OnePageHangs({"/a": [b"<h1>A</h1>"]})
    results = [
        outcome
        async for outcome in scrape_pages(
            SOURCE, [f"{SITE}/hang", f"{SITE}/a"], fetcher=pages, share=Share(concurrency=2), time_limit_s=0.05
        )
    ]
    assert [type(result) for result in results] == [PageLoaded, PageFailed]
    failed = results[1]
    assert isinstance(failed, PageFailed)
    assert (failed.index, failed.failure.reason, failed.failure.attempts) == (0, Reason.TIMEOUT, 0)
