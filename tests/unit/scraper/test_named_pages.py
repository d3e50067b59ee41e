"""What a sitemap or feed names that is tried by itself."""

from datetime import UTC, datetime

from scraper.fetch.answers import FetchedPage
from scraper.finding.named_pages import NamedPages, named_pages
from scraper.models import Reason
from scraper.sources import Source

SITE = "https://books.example"
MOMENT = datetime(2024, 3, 1, tzinfo=UTC)


def named(body: str, url: str, **finder: str) -> NamedPages | None:
    source = Source.model_validate({"name": "books", "fields": {"t": "h1"}} | finder)
    page = FetchedPage(url, f"{SITE}/moved/x", 200, body.encode(), "", None, MOMENT)
    return named_pages(source, page)


def test_locations_come_once_each_and_relative_to_where_the_file_was_in_the_end() -> None:
    body = "<urlset><url><loc>a</loc></url><url><loc>a</loc></url></urlset>"
    assert named(body, f"{SITE}/map", sitemap=f"{SITE}/map") == NamedPages("sitemap", [(f"{SITE}/moved/a", None)])


def test_what_was_read_before_a_defect_is_there_besides_it() -> None:
    found = named("<urlset><url><loc>/a</loc></url><url>", f"{SITE}/child", sitemap=f"{SITE}/map")
    assert found is not None
    assert found.pages == [(f"{SITE}/a", None)]
    assert found.defect is not None
    assert found.defect.reason is Reason.BAD_SITEMAP


def test_a_page_of_a_source_with_a_sitemap_names_nothing() -> None:
    assert named("<!DOCTYPE html><p>a<p>b", f"{SITE}/a", sitemap=f"{SITE}/map") is None
    assert named("<html><p>a</p></html>", f"{SITE}/a", sitemap=f"{SITE}/map") is None


def test_the_sitemap_itself_is_never_taken_for_a_page() -> None:
    found = named("<html></html>", f"{SITE}/map", sitemap=f"{SITE}/map")
    assert found is not None
    assert found.defect is not None


def test_the_feed_itself_is_never_taken_for_a_page() -> None:
    found = named("<html></html>", f"{SITE}/feed", feed=f"{SITE}/feed")
    assert found is not None
    assert found.defect is not None
    assert found.defect.reason is Reason.BAD_FEED


def test_a_page_of_a_source_with_a_feed_names_nothing() -> None:
    assert named("<rss></rss>", f"{SITE}/a", feed=f"{SITE}/feed") is None


def test_pages_of_other_sources_name_nothing() -> None:
    assert named("<urlset></urlset>", f"{SITE}/a", url_template=f"{SITE}/{{page}}", pages="1-2") is None
