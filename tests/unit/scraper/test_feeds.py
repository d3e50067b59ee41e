"""Feeds of all dialects, from memory."""

import gzip
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import FeedError, PageGone
from scraper.fetch.fetcher import FetchedPage
from scraper.finding.discover import Discovery, discover_pages
from scraper.finding.feeds import MOST_WITHOUT_LINK, Feed, parse_feed
from scraper.models import Reason
from scraper.sources import Source

SITE = "https://news.example"
ROOT = f"{SITE}/feeds/all.xml"
ATOM = 'xmlns="http://www.w3.org/2005/Atom"'


def rss(*items: str) -> bytes:
    inner = "".join(f"<item>{item}</item>" for item in items)
    return f"<rss version='2.0'><channel><link>{SITE}/</link>{inner}</channel></rss>".encode()


def atom(*entries: str, attributes: str = "") -> bytes:
    inner = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f"<feed {ATOM} {attributes}><link href='/'/>{inner}</feed>".encode()


async def found(body: bytes, *, at: str = ROOT) -> Discovery:
    async def fetch(url: str, **_: object) -> tuple[FetchedPage, int]:
        if url != ROOT:
            raise PageGone(url, 404)
        return FetchedPage(url, at, 200, body, "", None, datetime(2024, 3, 1, tzinfo=UTC)), 1

    source = Source.model_validate({"name": "news", "fields": {"t": "h1"}, "feed": ROOT})
    return await discover_pages(source, fetch=fetch)


async def urls(body: bytes) -> tuple[str, ...]:
    discovery = await found(body)
    assert discovery.failures == ()
    return discovery.urls


@pytest.mark.parametrize("front", [b"\n", b" \r\n" * 50_000])
async def test_empty_lines_in_front_of_a_feed_are_passed_over(front: bytes) -> None:
    body = front + b'<?xml version="1.0"?>' + rss("<link>/1</link>")
    assert await urls(body) == (f"{SITE}/1",)
    assert await urls(gzip.compress(body)) == (f"{SITE}/1",)


async def test_rss_items_come_in_their_order_with_relative_links_resolved() -> None:
    body = rss(f"<link>{SITE}/2</link>", "<link> /1#comments\n</link>", "<link>3</link>")
    assert await urls(body) == (f"{SITE}/2", f"{SITE}/1", f"{SITE}/feeds/3")


async def test_rss_1_has_its_items_beside_the_channel() -> None:
    body = b"""<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
    <channel><link>/</link></channel><item><link>/1</link></item></r:RDF>"""
    assert await urls(body) == (f"{SITE}/1",)


async def test_a_permanent_identifier_stands_in_for_a_link() -> None:
    body = rss(f"<guid>{SITE}/1</guid>", f"<guid isPermaLink='true'>{SITE}/2</guid><link/>")
    assert await urls(body) == (f"{SITE}/1", f"{SITE}/2")


async def test_atom_entries_lead_to_their_alternate_in_html_and_not_to_themselves_or_enclosures() -> None:
    body = atom(
        "<link rel='self' href='/s'/><link href='/1'/>",
        "<link rel='alternate' type='image/png' href='/p.png'/><link rel='alternate' type='text/html' href='/2'/>",
        "<link rel='enclosure' href='/e.mp3'/><link rel='alternate' type='application/json' href='/3'/>",
        "<source><link href='/elsewhere'/></source><link href='/4'/>",
    )
    assert await urls(body) == tuple(f"{SITE}/{number}" for number in (1, 2, 3, 4))


async def test_an_atom_link_inside_an_rss_item_counts() -> None:
    assert await urls(rss(f"<a:link xmlns:a='http://www.w3.org/2005/Atom' href='{SITE}/1'/>")) == (f"{SITE}/1",)


async def test_links_are_resolved_with_the_nearest_base_and_that_with_the_ones_above() -> None:
    body = atom(
        "<link href='1'/>",
        "<link xml:base='b/' href='2'/>",
        "<link xml:base='https://other.example/c/' href='3'/>",
        attributes="xml:base='/a/'",
    )
    assert await urls(body) == (f"{SITE}/a/1", f"{SITE}/a/b/2", "https://other.example/c/3")


async def test_without_a_base_links_are_resolved_with_where_the_feed_was_in_the_end() -> None:
    assert (await found(rss("<link>1</link>"), at="https://cdn.example/f/x")).urls == ("https://cdn.example/f/1",)


async def test_entries_without_a_link_are_failures_that_name_them_and_the_others_go_on() -> None:
    body = rss("<title>No\n link</title>", "<link>/1</link>", "<guid isPermaLink='false'>tag:1</guid>", "")
    discovery = await found(body)
    assert discovery.urls == (f"{SITE}/1",)
    assert [(one.url, one.reason, one.detail) for one in discovery.failures] == [
        (ROOT, Reason.NO_LINK, "entry 1 'No link' has no link to a page"),
        (ROOT, Reason.NO_LINK, "entry 3 'tag:1' has no link to a page"),
        (ROOT, Reason.NO_LINK, "entry 4 has no link to a page"),
    ]


async def test_links_that_are_no_pages_are_failures() -> None:
    discovery = await found(rss("<link>javascript:alert(1)</link>", "<link>http://[</link>", "<link>/1</link>"))
    assert discovery.urls == (f"{SITE}/1",)
    assert [(one.url, one.reason) for one in discovery.failures] == [
        ("javascript:alert(1)", Reason.BAD_URL),
        ("http://[", Reason.BAD_URL),
    ]


async def test_a_page_that_is_named_twice_comes_once() -> None:
    assert await urls(rss("<link>/1</link>", "<link>/1#b</link>")) == (f"{SITE}/1",)


async def test_the_dates_of_all_dialects_are_told() -> None:
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    discovery = await found(
        rss(
            "<link>/1</link><pubDate>Fri, 01 Mar 2024 13:00:00 +0100</pubDate>",
            "<link>/2</link><d:date xmlns:d='urn:d'>2024-03-01T12:00Z</d:date>",
            "<link>/3</link><pubDate>yesterday</pubDate>",
            "<link href='/4'/><published>2023-01-01</published><updated>2024-03-01T12:00:00+00:00</updated>",
        )
    )
    assert discovery.last_modified == dict.fromkeys([f"{SITE}/1", f"{SITE}/2", f"{SITE}/4"], noon)


async def test_a_gzipped_feed_is_unpacked() -> None:
    assert await urls(gzip.compress(rss("<link>/1</link>"))) == (f"{SITE}/1",)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "not a feed"),
        (b"<html><body><p>Sorry</p></body></html>", "its root is <html>"),
        (b"Sorry", "not a feed"),
        (rss("<link>/1</link>")[:-16], "Premature end of data"),
        (rss("<link>/1</link>") + b"junk", "Extra content"),
        (rss("<link>/1</link>", "<b>"), "tag mismatch"),
        (rss("<link>/1</link>").replace(b"</channel>", b"&nbsp;</channel>"), "nbsp"),
    ],
)
async def test_what_is_no_feed_is_a_failure_and_entries_before_a_defect_are_kept(body: bytes, problem: str) -> None:
    discovery = await found(body)
    assert discovery.urls == ((f"{SITE}/1",) if b"/1" in body else ())
    (failure,) = discovery.failures
    assert failure.reason == Reason.BAD_FEED
    assert problem in failure.detail


async def test_an_empty_feed_is_a_failure() -> None:
    assert [failure.reason for failure in (await found(rss())).failures] == [Reason.NO_PAGES]


TENFOLD = [f'<!ENTITY e{n + 1} "' + f"&e{n};" * 10 + '">' for n in range(8)]
BOMB = "".join(['<!ENTITY e0 "ha">', *TENFOLD])


@pytest.mark.parametrize(
    ("declarations", "reference"),
    [
        (BOMB, "&e8;"),
        ('<!ENTITY x SYSTEM "file:///etc/hostname">', "&x;"),
        ('<!ENTITY % x SYSTEM "http://127.0.0.1/">', ""),
    ],
)
def test_entity_declarations_are_refused(declarations: str, reference: str) -> None:
    body = f"<!DOCTYPE rss [{declarations}]>".encode() + rss(f"<link>/{reference}</link>")
    feed = Feed()
    with pytest.raises(FeedError, match="not a feed"):
        parse_feed(body, url=ROOT, base=ROOT, max_bytes=1000, into=feed)
    assert feed.pages == []


def test_a_document_type_without_entities_is_no_harm() -> None:
    feed = Feed()
    body = b'<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://127.0.0.1:1/rss.dtd">' + rss(
        "<link>/1</link>"
    )
    parse_feed(body, url=ROOT, base=ROOT, max_bytes=1000, into=feed)
    assert [page.reference for page in feed.pages] == [f"{SITE}/1"]


def test_a_gzip_bomb_is_too_large() -> None:
    with pytest.raises(FeedError) as caught:
        parse_feed(gzip.compress(b" " * 1001), url=ROOT, base=ROOT, max_bytes=1000, into=Feed())
    assert caught.value.reason == Reason.BODY_TOO_LARGE


PIECES: Mapping[str, bytes] = {
    "item": b"<item>", "/item": b"</item>", "link": b"<link>", "/link": b"</link>", "href": b"<link href='1'/>",
    "base": b"<x xml:base='http://['>", "text": b"a", "date": b"<pubDate>1</pubDate>", "nul": b"\x00",
    "dtd": b"<!DOCTYPE rss [", "entity": b"<!ENTITY a 'b'>", "end": b"]>", "ref": b"&a;", "cdata": b"<![CDATA[x]]>",
}  # fmt: skip


@given(st.binary(max_size=200), st.lists(st.sampled_from(sorted(PIECES)), max_size=12), st.booleans())
def test_no_bytes_raise_anything_but_feed_errors(noise: bytes, pieces: list[str], is_noisy: bool) -> None:
    body = b"".join([b"<rss>", *(PIECES[one] for one in pieces), noise if is_noisy else b"</rss>"])
    feed = Feed()
    with suppress(FeedError):
        parse_feed(body, url=ROOT, base=ROOT, max_bytes=1000, into=feed)
    assert len(feed.pages) + len(feed.without_link) <= pieces.count("/item")


async def test_of_very_many_entries_without_a_link_the_first_are_listed_and_the_others_counted() -> None:
    discovery = await found(rss(*[""] * (MOST_WITHOUT_LINK + 30)))
    assert (len(discovery.failures), discovery.failure_count) == (MOST_WITHOUT_LINK + 1, MOST_WITHOUT_LINK + 30)
