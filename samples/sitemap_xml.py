"""Sitemap documents (protocol 0.9, sitemaps.org) as bytes."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'


def sitemap_index(urls: Iterable[str]) -> bytes:
    """An index of the child sitemaps at `urls` (absolute)."""
    children = "".join(f"  <sitemap><loc>{escape(url)}</loc></sitemap>\n" for url in urls)
    return f'{_PROLOG}<sitemapindex xmlns="{_NAMESPACE}">\n{children}</sitemapindex>\n'.encode()


def url_set(entries: Iterable[tuple[str, str]]) -> bytes:
    """A child sitemap; an entry is (absolute URL, last change as an ISO date)."""
    urls = "".join(
        f"  <url><loc>{escape(url)}</loc><lastmod>{last_change}</lastmod></url>\n" for url, last_change in entries
    )
    return f'{_PROLOG}<urlset xmlns="{_NAMESPACE}">\n{urls}</urlset>\n'.encode()
