"""A sitemap's XML as locations: incremental, indifferent to namespaces, entity declarations refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from scraper.errors import CompressionError, SitemapError
from scraper.fetch.inflate import GZIP_MAGIC, Inflater
from scraper.finding.locations import Location, w3c_datetime
from scraper.finding.xml_charset import as_told
from scraper.models import Reason

MAX_SITEMAP_BYTES = 50 * 1024 * 1024
"""Unpacked; more is not a valid sitemap. Source: sitemaps.org protocol 0.90."""
_CHUNK_BYTES = 65_536
_ROOTS = {"urlset": "url", "sitemapindex": "sitemap"}


@dataclass(slots=True)
class Sitemap:
    """What one file names, in its order. After an error it holds what was read until then."""

    pages: list[Location] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)


class _Refused(Exception):
    """The document declares entities, or is no sitemap; the text says which."""


def parse_sitemap(body: bytes, *, url: str, into: Sitemap, charset: str | None = None) -> None:
    """Append the locations of a plain or gzipped sitemap to `into`; `charset` is what its header told.

    Raises SitemapError for a body that is damaged, too large, not XML or no sitemap.
    """
    body, encoding = as_told(body, charset, url=url)
    reader = _Reader(into, encoding)
    try:
        for chunk in plain_chunks(body, max_bytes=MAX_SITEMAP_BYTES):
            reader.feed(chunk)
        reader.finish()
    except CompressionError as error:
        raise SitemapError(url, error.reason, error.detail) from error
    except (_Refused, expat.ExpatError, LookupError, ValueError) as error:
        raise SitemapError(url, Reason.BAD_SITEMAP, f"not a sitemap ({error})") from error


def plain_chunks(body: bytes, *, max_bytes: int) -> Iterator[bytes]:
    """A file that may be gzipped, plain and in pieces. Raises CompressionError if it is damaged or too large.

    Empty lines in front, which XML does not allow and many sites send, are left out.
    """
    is_in_front = True
    for chunk in _unpacked(body, max_bytes=max_bytes):
        piece = chunk.lstrip() if is_in_front else chunk
        is_in_front = is_in_front and not piece
        if piece:
            yield piece


def _unpacked(body: bytes, *, max_bytes: int) -> Iterator[bytes]:
    chunks = (body[start : start + _CHUNK_BYTES] for start in range(0, len(body), _CHUNK_BYTES))
    if not body.startswith(GZIP_MAGIC):
        yield from chunks
        return
    inflater = Inflater("gzip", max_bytes=max_bytes)
    for chunk in chunks:
        yield inflater.feed(chunk)
    inflater.finish()


class _Reader:
    """Collects `loc` and `lastmod` directly below `url` in a `urlset`, or `loc` below `sitemap` in a `sitemapindex`."""

    def __init__(self, into: Sitemap, encoding: str | None) -> None:
        self._into = into
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._told = {"loc": "", "lastmod": ""}
        self._parser = expat.ParserCreate(encoding)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._refuse_entity

    def feed(self, chunk: bytes) -> None:
        self._parser.Parse(chunk, False)

    def finish(self) -> None:
        self._parser.Parse(b"", True)

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not self._path and local not in _ROOTS:
            raise _Refused(f"its root is <{name[:40]}>")
        self._path.append(local)
        if self._is_entry and len(self._path) == 3 and local in self._told:
            self._text = []

    def _end(self, _name: str) -> None:
        if self._text is not None and len(self._path) == 3:
            if self._path[-1] == "loc":
                self._take_entry()  # if it is the second one of an entry, which has one
            self._told[self._path[-1]] = "".join(self._text).strip()
            self._text = None
        elif self._is_entry and len(self._path) == 2:
            self._take_entry()
        self._path.pop()

    @property
    def _is_entry(self) -> bool:
        """True inside an entry of the kind that the root has."""
        return len(self._path) > 1 and self._path[1] == _ROOTS[self._path[0]]

    def _take_entry(self) -> None:
        location, changed = self._told["loc"], self._told["lastmod"]
        self._told = {"loc": "", "lastmod": ""}
        if location and self._path[0] == "urlset":
            self._into.pages.append(Location(location, w3c_datetime(changed) if changed else None))
        elif location:
            self._into.sitemaps.append(location)

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _refuse_entity(self, *_declaration: object) -> NoReturn:
        raise _Refused("it declares entities")
