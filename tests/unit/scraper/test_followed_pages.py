"""Pages of a crawl in a batch: what they lead to comes with their rows, also where these cannot be had."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scraper.errors import PageGone
from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import BeforeHop
from scraper.fetch.limits import FetchLimits
from scraper.known_pages import KnownPage, WantedPage
from scraper.load import Outcome, page_outcome, scrape_pages
from scraper.models import Link, PageFailed, PageLinks, PageLoaded, PageUnchanged, Purpose, Reason, Share
from scraper.page_version import PageVersion, page_digest
from scraper.sources import Source

SITE = "https://shop.example"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
BOTH = Purpose.ROWS | Purpose.LINKS
SOURCE = Source.model_validate(
    {"name": "shop", "fields": {"title": "h1"}, "follow": {"start": [f"{SITE}/"], "links": "a"}}
)


class Site:
    """Pages by path; one that is a URL is a redirect to it."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self._pages = pages

    async def fetch(self, url: str, _limits: FetchLimits, *, before_hop: BeforeHop, **_more: Any) -> FetchedPage:
        target = url
        while True:
            found = self._pages.get(target.removeprefix(SITE))
            if found is None:
                raise PageGone(url, 404)
            if not found.startswith("https:"):
                return FetchedPage(url, target, 200, found.encode(), "text/html", None, NOW)
            target = found
            await before_hop(target)


async def outcome(site: Site, page: WantedPage) -> Outcome:
    (found,) = [one async for one in scrape_pages(SOURCE, [page], fetcher=site, share=Share(concurrency=1))]
    return found


async def test_a_page_gives_its_rows_and_its_links() -> None:
    page = await outcome(Site({"/a": "<h1>A</h1><a href=/b>b</a>"}), WantedPage(f"{SITE}/a", None, BOTH))
    assert isinstance(page, PageLoaded)
    assert [row.values for row in page.rows] == [{"title": "A"}]
    assert page.links == PageLinks(BOTH, (Link(f"{SITE}/b", BOTH),))


async def test_a_page_that_is_wanted_for_its_links_needs_no_rows() -> None:
    page = await outcome(Site({"/a": "<a href=/b>b</a>"}), WantedPage(f"{SITE}/a", None, Purpose.LINKS))
    assert isinstance(page, PageLoaded)
    assert page.rows == []
    assert page.links == PageLinks(Purpose.LINKS, (Link(f"{SITE}/b", BOTH),))


async def test_a_page_whose_rows_are_broken_fails_and_leads_on() -> None:
    page = await outcome(Site({"/a": "<a href=/b>b</a>"}), WantedPage(f"{SITE}/a", None, BOTH))
    assert isinstance(page, PageFailed)
    assert page.failure.reason == Reason.MISSING_FIELD
    assert page.links == PageLinks(BOTH, (Link(f"{SITE}/b", BOTH),))


async def test_a_page_with_another_address_gives_its_rows_there() -> None:
    page = await outcome(Site({"/old": f"{SITE}/new", "/new": "<h1>A</h1>"}), WantedPage(f"{SITE}/old", None, BOTH))
    assert isinstance(page, PageLoaded)
    assert page.rows == []
    assert page.links == PageLinks(BOTH, address=f"{SITE}/new")


async def test_an_unchanged_page_leads_to_where_it_led_before() -> None:
    async def carry_over() -> list[dict[str, str]]:
        return [{"title": "as it was"}]

    body = "<h1>A</h1>"
    digest = page_digest(body.encode(), url=f"{SITE}/a", content_type="text/html", charset=None)
    links = PageLinks(BOTH, (Link(f"{SITE}/as-before", BOTH),))
    known = KnownPage(PageVersion(digest, None), 1, carry_over, links=links)
    page = await outcome(Site({"/a": body}), WantedPage(f"{SITE}/a", known, BOTH))
    assert isinstance(page, PageUnchanged)
    assert page.links == links


async def test_links_are_read_in_the_charset_that_the_source_names() -> None:
    source = SOURCE.model_copy(update={"charset": "windows-1251"})
    body = '<h1>Привет</h1><a href="/мир">мир</a>'.encode("cp1251")
    page = FetchedPage(f"{SITE}/", f"{SITE}/", 200, body, "text/html", None, NOW)
    found = page_outcome(source, 0, WantedPage(f"{SITE}/", purpose=BOTH), page, attempts=1)
    assert isinstance(found, PageLoaded)
    assert found.links == PageLinks(BOTH, (Link(f"{SITE}/мир", BOTH),))
    assert [row.values for row in found.rows] == [{"title": "Привет"}]


async def test_html_that_is_sent_as_plain_text_leads_on_as_it_has_rows() -> None:
    body = b'<h1>Shop</h1><a href="/1">one</a>'
    page = FetchedPage(f"{SITE}/", f"{SITE}/", 200, body, "text/plain", None, NOW)
    found = page_outcome(SOURCE, 0, WantedPage(f"{SITE}/", purpose=BOTH), page, attempts=1)
    assert isinstance(found, PageLoaded)
    assert found.links == PageLinks(BOTH, (Link(f"{SITE}/1", BOTH),))
    assert [row.values for row in found.rows] == [{"title": "Shop"}]
