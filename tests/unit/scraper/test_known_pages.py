"""Pages that an earlier run has loaded: what has not changed is not parsed, and what is not sure is fetched."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from scraper.errors import FetchError
from scraper.fetch.answers import FetchedPage
from scraper.fetch.limits import FetchLimits
from scraper.known_pages import KnownPage, WantedPage
from scraper.load import Outcome, scrape_pages
from scraper.models import PageFailed, PageLoaded, PageUnchanged, Reason, Share
from scraper.page_version import PageVersion, Validators, page_digest
from scraper.sources import Source

URL = "https://books.example/a"
ASKED_AT = datetime(2026, 11, 21, tzinfo=UTC)
BODY = b"<h1>A</h1>"
FIRST, SECOND = Validators('"1"', None, URL), Validators('"2"', None, URL)
DIGEST = page_digest(BODY, url=URL, content_type="text/html", charset="utf-8")
ROWS = [{"title": "as it was"}]


def page(body: bytes = BODY, *, status: int = 200, url: str = URL, charset: str = "utf-8") -> FetchedPage:
    return FetchedPage(URL, url, status, body, "text/html", charset, ASKED_AT, etag='"2"')


NOT_MODIFIED = page(b"", status=304)


@dataclass
class Site:
    """Gives its answers one by one, and keeps what it was asked with."""

    answers: list[FetchedPage | Exception]
    asked_with: list[Validators | None] = field(default_factory=list)

    async def fetch(
        self, url: str, limits: FetchLimits, *, validators: Validators | None = None, **_more: Any
    ) -> FetchedPage:
        self.asked_with.append(validators)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def known(rows: Sequence[dict[str, str]] | Exception | None = ROWS, *, is_trusted: bool = False) -> KnownPage:
    async def carry_over() -> Sequence[dict[str, str]] | None:
        if isinstance(rows, Exception):
            raise rows
        return rows

    return KnownPage(PageVersion(DIGEST, FIRST), 1, carry_over, is_trusted)


async def outcome(site: Site, before: KnownPage | None, **keys: Any) -> Outcome:
    source = Source.model_validate({"name": "books", "urls": [URL], "fields": {"title": "h1"}, **keys})
    (found,) = [
        one async for one in scrape_pages(source, [WantedPage(URL, before)], fetcher=site, share=Share(concurrency=1))
    ]
    return found


async def test_a_page_that_the_server_calls_unmodified_keeps_its_rows_and_its_version() -> None:
    site = Site([NOT_MODIFIED])
    assert await outcome(site, known()) == PageUnchanged(0, URL, PageVersion(DIGEST, FIRST), ASKED_AT, ROWS)
    assert site.asked_with == [FIRST]


async def test_a_page_that_comes_as_it_was_keeps_its_rows_and_is_asked_for_by_its_new_tag() -> None:
    assert await outcome(Site([page()]), known()) == PageUnchanged(0, URL, PageVersion(DIGEST, SECOND), ASKED_AT, ROWS)


@pytest.mark.parametrize(
    "changed",
    [page(b"<h1>B</h1>"), page(url=f"{URL}/moved"), page(charset="latin-1")],
    ids=["its body", "where it is, which its links depend on", "its charset"],
)
async def test_a_page_with_any_difference_that_extraction_sees_is_extracted(changed: FetchedPage) -> None:
    found = await outcome(Site([changed]), known())
    assert isinstance(found, PageLoaded)
    assert found.version.digest not in {DIGEST, b""}


async def test_an_unmodified_page_whose_old_rows_are_gone_is_asked_for_again_without_condition() -> None:
    site = Site([NOT_MODIFIED, page()])
    found = await outcome(site, known(None))
    assert isinstance(found, PageLoaded)
    assert [row.values for row in found.rows] == [{"title": "A"}]
    assert site.asked_with == [FIRST, None]


async def test_the_failure_of_that_second_question_counts_both() -> None:
    site = Site([NOT_MODIFIED, FetchError(URL, Reason.HTTP_3XX, "304 again", status=304)])
    found = await outcome(site, known(None))
    assert isinstance(found, PageFailed)
    assert (found.failure.reason, found.failure.attempts) == (Reason.HTTP_3XX, 2)


async def test_a_page_that_comes_as_it_was_and_whose_old_rows_are_gone_is_extracted_from_what_came() -> None:
    site = Site([page()])
    assert isinstance(await outcome(site, known(None)), PageLoaded)
    assert site.asked_with == [FIRST]


async def test_a_trusted_page_is_not_asked_for() -> None:
    site = Site([])
    found = await outcome(site, known(is_trusted=True))
    assert found == PageUnchanged(0, URL, PageVersion(DIGEST, FIRST), None, ROWS)
    assert site.asked_with == []


async def test_a_trusted_page_whose_old_rows_are_gone_is_asked_for_without_condition() -> None:
    site = Site([page()])
    assert isinstance(await outcome(site, known(None, is_trusted=True)), PageLoaded)
    assert site.asked_with == [None]


async def test_without_conditional_requests_a_page_is_compared_by_its_body_alone() -> None:
    site = Site([page()])
    assert isinstance(await outcome(site, known(), conditional_requests=False), PageUnchanged)
    assert site.asked_with == [None]


async def test_a_page_of_which_nothing_is_known_is_asked_for_without_condition() -> None:
    site = Site([page()])
    assert isinstance(await outcome(site, None), PageLoaded)
    assert site.asked_with == [None]


async def test_a_fault_of_storage_is_no_failure_of_the_page() -> None:
    with pytest.raises(ConnectionError):
        await outcome(Site([NOT_MODIFIED]), known(ConnectionError("storage")))
