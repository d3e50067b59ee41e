"""Pages that come with status 200 and are not the page: they fail, and are never empty."""

from datetime import UTC, datetime
from typing import Any

import pytest

from scraper.errors import PageLayoutChanged
from scraper.fetch.answers import FetchedPage
from scraper.known_pages import CarriedRows, KnownPage, WantedPage
from scraper.load import scrape_pages
from scraper.models import PageFailed, PageLoaded, Purpose, Reason, Share
from scraper.page_version import PageVersion
from scraper.rows.extract import extract_rows
from scraper.sources import Source
from tests.helpers.extraction import URL, source_of

SAVED_AT = datetime(2026, 11, 21, tzinfo=UTC)


class SavedPage:
    """The same answer to everything."""

    def __init__(self, body: bytes, content_type: str = "text/html") -> None:
        self._body, self._content_type = body, content_type

    async def fetch(self, url: str, *_: object, **__: object) -> FetchedPage:
        return FetchedPage(url, url, 200, self._body, self._content_type, None, SAVED_AT)


async def outcome_of(
    source: Source, body: str, *, content_type: str = "text/html", rows_before: int | None = None, purpose: int = 1
) -> Any:
    async def gone() -> CarriedRows | None:
        return None

    known = None if rows_before is None else KnownPage(PageVersion(b"other"), rows_before, gone)
    pages = scrape_pages(
        source,
        [WantedPage(URL, known, Purpose(purpose))],
        fetcher=SavedPage(body.encode(), content_type),
        share=Share(concurrency=1),
    )
    (outcome,) = [outcome async for outcome in pages]
    return outcome


@pytest.mark.parametrize(
    "body",
    [
        "<title>Are you a ROBOT?</title><h1>Welcome</h1>",
        "<h1>x</h1><p>are\n  you&nbsp;a robot",
        "<h1 class='are you a robot'>x</h1>",
        "<h1>x</h1>&#65;re you a robot",
    ],
)
async def test_a_page_with_a_text_of_blocked_if_fails_as_blocked(body: str) -> None:
    failed = await outcome_of(source_of({"t": "h1"}, blocked_if=["are you a robot"]), body)
    assert isinstance(failed, PageFailed)
    assert (failed.failure.reason, failed.failure.url) == (Reason.BLOCKED, URL)
    assert "'are you a robot'" in failed.failure.detail


async def test_a_page_without_such_a_text_is_loaded() -> None:
    loaded = await outcome_of(source_of({"t": "h1"}, blocked_if=["captcha", "robot wall"]), "<h1>A robot</h1>")
    assert isinstance(loaded, PageLoaded)


async def test_a_block_is_seen_before_the_page_is_read_as_what_it_should_be() -> None:
    source = source_of({"t": {"path": "t"}}, blocked_if=["captcha"])
    assert (await outcome_of(source, "<html>Captcha</html>")).failure.reason == Reason.BLOCKED


async def test_a_page_that_is_looked_through_for_links_only_can_be_blocked_too() -> None:
    follow = {"start": [URL], "links": "a.next", "pages": "a.page"}
    source = source_of({"t": "h1"}, urls=None, follow=follow, blocked_if=["captcha"])
    failed = await outcome_of(source, "<a class=page href=/1>Captcha</a>", purpose=Purpose.LINKS)
    assert (failed.failure.reason, failed.links) == (Reason.BLOCKED, None)


async def test_bytes_that_are_no_text_keep_their_own_reason() -> None:
    source = source_of({"t": "h1"}, blocked_if=["captcha"])
    failed = await outcome_of(source, "captcha", content_type="image/png")
    assert failed.failure.reason == Reason.BLOCKED
    failed = await outcome_of(source, "pixels", content_type="image/png")
    assert failed.failure.reason == Reason.UNSUPPORTED_CONTENT


@pytest.mark.parametrize(
    ("may_be_absent", "rows_before", "reason"),
    [
        (False, None, Reason.NO_ROWS),
        (False, 0, Reason.NO_ROWS),
        (False, 20, Reason.LAYOUT_CHANGED),
        (True, None, None),
        (True, 0, None),
        (True, 20, Reason.LAYOUT_CHANGED),
    ],
)
async def test_a_page_without_rows_is_judged_by_what_it_had_before(
    may_be_absent: bool, rows_before: int | None, reason: Reason | None
) -> None:
    source = source_of({"t": "b"}, rows="li", rows_may_be_absent=may_be_absent)
    outcome = await outcome_of(source, "<p>Nothing here</p>", rows_before=rows_before)
    if reason is None:
        assert (type(outcome), outcome.rows) == (PageLoaded, [])
    else:
        assert (type(outcome), outcome.failure.reason) == (PageFailed, reason)


@pytest.mark.parametrize(
    ("fields", "keys", "body"),
    [
        ({"t": "b"}, {"rows": "item", "format": "xml"}, "<rss/>"),
        ({"t": "b"}, {"rows": "items", "format": "json"}, '{"items": []}'),
        ({"t": "b"}, {"format": "csv"}, "a,b\n"),
    ],
)
def test_rows_may_be_absent_from_pages_of_every_kind(fields: dict[str, Any], keys: dict[str, Any], body: str) -> None:
    source = source_of(fields, rows_may_be_absent=True, **keys)
    assert extract_rows(source, body.encode(), url=URL, charset=None) == []
    with pytest.raises(PageLayoutChanged, match="; the published snapshot has 3 of this page"):
        extract_rows(source, body.encode(), url=URL, charset=None, rows_before=3)


async def test_a_page_with_fewer_rows_than_before_is_loaded() -> None:
    loaded = await outcome_of(source_of({"t": "b"}, rows="li"), "<li><b>x</b></li>", rows_before=20)
    assert [row.values for row in loaded.rows] == [{"t": "x"}]
