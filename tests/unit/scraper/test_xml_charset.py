"""Sitemaps and feeds in the charset that their headers tell."""

import gzip

import pytest

from scraper.finding.feeds import Feed, parse_feed
from scraper.finding.sitemaps import Sitemap, parse_sitemap

SITE = "https://books.example"
LOCATION = f"{SITE}/brötchen-für-€"


def sitemap(declared: str = "") -> str:
    return f"{declared}<urlset><url><loc>{LOCATION}</loc></url></urlset>"


def feed(declared: str = "") -> str:
    return f"{declared}<rss><channel><item><link>{LOCATION}</link></item></channel></rss>"


def read_sitemap(body: bytes, charset: str | None) -> list[str]:
    into = Sitemap()
    parse_sitemap(body, url=SITE, into=into, charset=charset)
    return [one.reference for one in into.pages]


def read_feed(body: bytes, charset: str | None) -> list[str]:
    into = Feed()
    parse_feed(body, url=SITE, base=SITE, max_bytes=100_000, into=into, charset=charset)
    return [one.reference for one in into.pages]


@pytest.mark.parametrize(
    ("declared", "written", "charset"),
    [
        ("", "windows-1252", "windows-1252"),
        ("", "windows-1252", "ISO-8859-1"),
        ("<?xml version='1.0' encoding='utf-8'?>", "windows-1252", "windows-1252"),
        ("<?xml version='1.0' encoding='iso-8859-15'?>", "utf-8", "utf-8"),
        ("<?xml version='1.0' encoding='utf-8'?>", "utf-8", "iso-8859-1"),
        ("<?xml version='1.0' encoding='utf-8'?>", "utf-8-sig", "iso-8859-1"),
        ("<?xml version='1.0' encoding='windows-1252'?>", "windows-1252", "utf-8"),
        ("<?xml version='1.0' encoding='utf-16'?>", "utf-16", "utf-8"),
        ("<?xml version='1.0' encoding='windows-1252'?>", "windows-1252", None),
        ("<?xml version='1.0' encoding='windows-1252'?>", "windows-1252", "nonsense"),
        ("", "utf-8", "utf-8"),
    ],
)
def test_the_charset_of_the_header_counts_if_it_fits_the_bytes(declared: str, written: str, charset: str) -> None:
    assert read_sitemap(sitemap(declared).encode(written), charset) == [LOCATION]
    assert read_feed(feed(declared).encode(written), charset) == [LOCATION]


def test_the_header_of_a_packed_file_says_nothing_of_what_is_in_it() -> None:
    assert read_sitemap(gzip.compress(sitemap().encode()), "iso-8859-1") == [LOCATION]
    assert read_feed(gzip.compress(feed().encode()), "iso-8859-1") == [LOCATION]
