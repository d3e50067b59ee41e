"""Finding pages, with sitemaps from memory."""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import PageGone, SitemapError
from scraper.fetch.answers import FetchedPage
from scraper.finding.discover import MAX_BAD_URLS, Discovery, discover_pages
from scraper.finding.sitemaps import Sitemap, parse_sitemap
from scraper.models import Reason
from scraper.sources import Source

SITE = "https://books.example"
ROOT = f"{SITE}/sitemap.xml"
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*locations: str) -> bytes:
    return f"<urlset {NAMESPACE}>{''.join(f'<url><loc>{loc}</loc></url>' for loc in locations)}</urlset>".encode()


def index(*locations: str) -> bytes:
    children = "".join(f"<sitemap><loc> {loc}\n</loc></sitemap>" for loc in locations)
    return f"<sitemapindex>{children}</sitemapindex>".encode()


async def found(files: Mapping[str, bytes], **keys: Any) -> Discovery:
    async def fetch(url: str) -> tuple[FetchedPage, int]:
        if url not in files:
            raise PageGone(url, 404)
        return FetchedPage(url, url, 200, files[url], "", None, datetime(2024, 3, 1, tzinfo=UTC)), 1

    finder = {} if {"urls", "url_template"} & keys.keys() else {"sitemap": ROOT}
    source = Source.model_validate({"name": "books", "fields": {"t": "h1"}} | finder | keys)
    return await discover_pages(source, fetch=fetch)


async def test_listed_urls_come_once_each_in_their_order() -> None:
    discovery = await found({}, urls=[f"{SITE}/b", f"{SITE}/a", f"{SITE}/b#top"])
    assert discovery == Discovery((f"{SITE}/b", f"{SITE}/a"), (), 0)


async def test_pages_beyond_the_limit_are_counted() -> None:
    discovery = await found({}, url_template=f"{SITE}/{{page}}", pages="1-10", max_pages=3)
    assert (len(discovery.urls), discovery.left_out) == (3, 7)


async def test_sitemap_pages_come_in_its_order_and_relative_ones_are_resolved() -> None:
    assert (await found({ROOT: urlset(f"{SITE}/2", "/1")})).urls == (f"{SITE}/2", f"{SITE}/1")


async def test_index_leads_to_plain_and_gzipped_sitemaps() -> None:
    files = {ROOT: index("/a.xml", "/b.xml.gz"), f"{SITE}/a.xml": urlset("/1")}
    files[f"{SITE}/b.xml.gz"] = gzip.compress(urlset("/2"))
    assert (await found(files)).urls == (f"{SITE}/1", f"{SITE}/2")


async def test_broken_child_sitemap_is_a_failure_and_the_others_go_on() -> None:
    files = {
        ROOT: index("/gone.xml", "/bad.xml", "/a.xml"),
        f"{SITE}/bad.xml": b"<html>",
        f"{SITE}/a.xml": urlset("/1"),
    }
    discovery = await found(files)
    assert discovery.urls == (f"{SITE}/1",)
    assert [failure.reason for failure in discovery.failures] == [Reason.HTTP_404, Reason.BAD_SITEMAP]
    assert discovery.unread_listings == 2


@pytest.mark.parametrize(
    ("body", "unread"),
    [
        (urlset("/1", "ftp://nowhere"), 0),
        (urlset("/1") + b"<junk/>", 1),
        (index("ftp://nowhere", "/a.xml"), 1),
        (index("/a.xml", "/deep-0.xml"), 1),
    ],
    ids=["a-bad-page", "a-defect-behind-pages", "a-sitemap-that-is-no-url", "sitemaps-that-are-too-deep"],
)
async def test_sitemaps_that_were_not_read_to_the_end_are_counted_and_bad_locations_of_pages_are_not(
    body: bytes, unread: int
) -> None:
    files = {f"{SITE}/deep-{depth}.xml": index(f"/deep-{depth + 1}.xml") for depth in range(5)}
    discovery = await found({ROOT: body, f"{SITE}/a.xml": urlset("/1"), **files})
    assert (discovery.urls, discovery.unread_listings) == ((f"{SITE}/1",), unread)


async def test_an_index_that_names_itself_ends() -> None:
    discovery = await found({ROOT: index(ROOT, "/a.xml"), f"{SITE}/a.xml": urlset("/1")})
    assert discovery == Discovery((f"{SITE}/1",), (), 0)


async def test_indexes_below_indexes_end_at_a_depth() -> None:
    files = {f"{SITE}/{level}.xml": index(f"/{level + 1}.xml") for level in range(20)}
    discovery = await found(files | {ROOT: index("/0.xml")})
    assert [(failure.url, failure.reason) for failure in discovery.failures] == [(f"{SITE}/3.xml", Reason.BAD_SITEMAP)]


async def test_an_empty_sitemap_is_a_failure() -> None:
    discovery = await found({ROOT: urlset()})
    assert [failure.reason for failure in discovery.failures] == [Reason.NO_PAGES]


async def test_a_location_that_is_no_page_is_a_failure() -> None:
    discovery = await found({ROOT: urlset("javascript:alert(1)", "/1")})
    assert (discovery.urls, [failure.reason for failure in discovery.failures]) == ((f"{SITE}/1",), [Reason.BAD_URL])


async def test_prefixed_names_are_understood() -> None:
    body = b"<s:urlset xmlns:s='urn:x'><s:url><s:loc>/1</s:loc></s:url></s:urlset>"
    assert (await found({ROOT: body})).urls == (f"{SITE}/1",)


async def test_locations_of_images_are_no_pages() -> None:
    body = b"<urlset xmlns:i='urn:i'><url><loc>/1</loc><i:image><i:loc>/1.png</i:loc></i:image></url></urlset>"
    assert (await found({ROOT: body})).urls == (f"{SITE}/1",)


async def test_pages_before_a_defect_are_kept_and_the_defect_is_listed() -> None:
    discovery = await found({ROOT: urlset("/1") + b"<junk/>"})
    assert (discovery.urls, [f.reason for f in discovery.failures]) == ((f"{SITE}/1",), [Reason.BAD_SITEMAP])


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE urlset [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
        b'<!DOCTYPE urlset [<!ENTITY x SYSTEM "file:///etc/hostname">]><urlset><url><loc>&x;</loc></url></urlset>',
    ],
)
def test_entity_declarations_are_refused(body: bytes) -> None:
    with pytest.raises(SitemapError, match="declares entities"):
        parse_sitemap(body, url=ROOT, into=Sitemap())


def test_a_gzip_bomb_is_too_large() -> None:
    with pytest.raises(SitemapError) as caught:
        parse_sitemap(gzip.compress(urlset() + b" " * 60_000_000), url=ROOT, into=Sitemap())
    assert caught.value.reason == Reason.BODY_TOO_LARGE


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\x1f\x8b", b"<urlset>", b"<?xml version='1.0' encoding='big5'?>"])
)
def test_random_bytes_raise_only_sitemap_errors(body: bytes, start: bytes) -> None:
    with pytest.raises(SitemapError):
        parse_sitemap(start + body + b"<", url=ROOT, into=Sitemap())


async def test_every_location_that_is_no_page_is_listed_or_counted() -> None:
    locations = [f"ftp://example.com/{number}" for number in range(MAX_BAD_URLS + 30)]
    discovery = await found({ROOT: urlset("/1", *locations)})
    assert discovery.urls == (f"{SITE}/1",)
    assert discovery.failure_count == MAX_BAD_URLS + 30
    assert discovery.failures[-1].detail == "30 more locations are no pages; only the first 5000 are listed"


async def test_an_index_of_locations_that_are_no_files_lists_as_many_as_a_sitemap_and_counts_the_rest() -> None:
    discovery = await found({ROOT: index(*["a:"] * (MAX_BAD_URLS + 30))})
    assert (len(discovery.failures), discovery.failure_count) == (MAX_BAD_URLS + 1, MAX_BAD_URLS + 30)


async def test_a_location_is_quoted_in_part_where_it_is_no_url() -> None:
    discovery = await found({ROOT: urlset("http://" + "a" * 100_000 + "\u2100/")})
    assert [len(failure.detail) < 2000 for failure in discovery.failures] == [True]


async def test_of_very_many_pages_beyond_the_limit_each_location_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scraper.finding.discover.MAX_TOLD_APART", 2)
    discovery = await found({ROOT: urlset("/1", "/2", "/2", "/3", "/2", "/3", "a:")}, max_pages=1)
    assert (discovery.urls, discovery.left_out, discovery.failures) == ((f"{SITE}/1",), 2 + 3, ())


async def test_a_range_far_beyond_the_limit_is_counted_and_not_gone_through() -> None:
    discovery = await found({}, url_template=f"{SITE}/{{page}}", pages="1-999999999", max_pages=3)
    assert discovery == Discovery((f"{SITE}/1", f"{SITE}/2", f"{SITE}/3"), (), 999_999_996)


async def test_what_a_sitemap_tells_of_changes_is_kept_and_nonsense_is_passed_over() -> None:
    told = {"/1": "2024", "/2": "2024-03", "/3": "2024-03-01", "/4": "2024-03-01T13:30+01:30", "/5": "soon", "/6": ""}
    entries = "".join(f"<url><loc>{page}</loc><lastmod>\n{moment} </lastmod></url>" for page, moment in told.items())
    discovery = await found({ROOT: f"<urlset>{entries}<url><loc>/7</loc></url></urlset>".encode()})
    assert len(discovery.urls) == 7
    assert discovery.last_modified == {
        f"{SITE}/1": datetime(2024, 1, 1, tzinfo=UTC),
        f"{SITE}/2": datetime(2024, 3, 1, tzinfo=UTC),
        f"{SITE}/3": datetime(2024, 3, 1, tzinfo=UTC),
        f"{SITE}/4": datetime(2024, 3, 1, 12, tzinfo=UTC),
    }


async def test_an_entry_with_two_locations_names_both() -> None:
    assert (await found({ROOT: b"<urlset><url><loc>/1</loc><loc>/2</loc></url></urlset>"})).urls == (
        f"{SITE}/1",
        f"{SITE}/2",
    )
