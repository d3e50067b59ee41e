"""A feed's XML as locations: RSS 0.9 to 2.0 and Atom, incremental, entity declarations refused."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin

from lxml import etree

from scraper.errors import CompressionError, FeedError, shown
from scraper.finding.locations import Location, mail_datetime, w3c_datetime
from scraper.finding.sitemaps import plain_chunks
from scraper.finding.xml_charset import as_told
from scraper.models import Reason

_ROOTS: Final = frozenset({"rss", "RDF", "feed"})
_ENTRIES: Final = frozenset({"item", "entry"})
_ALTERNATE: Final = frozenset({"", "alternate", "http://www.iana.org/assignments/relation/alternate"})
_PAGE_TYPES: Final = frozenset({"", "text/html", "application/xhtml+xml"})
MOST_WITHOUT_LINK: Final = 5000
"""Entries without a link are named up to this many, and the others counted."""


@dataclass(slots=True)
class Feed:
    """What a feed names, in its order. After an error it holds what was read until then.

    `without_link` are the entries that name no page, each by its number and title; `more_without_link` counts further
    ones.
    """

    pages: list[Location] = field(default_factory=list)
    without_link: list[str] = field(default_factory=list)
    more_without_link: int = 0


class _Refused(Exception):
    """The document declares entities, or is no feed; the text says which."""


def parse_feed(body: bytes, *, url: str, base: str, max_bytes: int, into: Feed, charset: str | None = None) -> None:
    """Append the pages of a plain or gzipped feed to `into`, resolved with `xml:base`, or else with `base`.

    `charset` is what its header told.

    Raises FeedError for a body that is damaged, too large, not XML or no feed.
    """
    body, encoding = as_told(body, charset, url=url)
    try:
        for number, entry in enumerate(_entries(body, encoding, base=base, max_bytes=max_bytes), start=1):
            _take(entry, number, base=base, into=into)
            entry.clear()
    except CompressionError as error:
        raise FeedError(url, error.reason, error.detail) from error
    except (_Refused, ValueError) as error:
        raise FeedError(url, Reason.BAD_FEED, f"not a feed ({_one_line(error)})") from error


def _entries(body: bytes, encoding: str | None, *, base: str, max_bytes: int) -> Iterator[etree._Element]:
    # Nothing is fetched and nothing is expanded; `huge_tree` off keeps libxml2's own limits of depth and text.
    parser = etree.XMLPullParser(
        events=("start", "end"),
        base_url=base,
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    is_begun, open_entries = False, 0
    for chunk in plain_chunks(body, max_bytes=max_bytes):
        with suppress(etree.XMLSyntaxError):  # what was read before the defect is still there to be taken
            parser.feed(chunk)
        for event, element in parser.read_events():
            assert isinstance(element, etree._Element), "no other events are asked for"
            if not is_begun:
                _check_root(element)
                is_begun = True
            is_entry = _local(element) in _ENTRIES
            if event == "start":
                open_entries += is_entry
                continue
            if is_entry:
                yield element
                open_entries -= 1
            if not open_entries:
                _forget_before(element)
        if parser.feed_error_log.last_error is not None:
            break
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        defect: Any = parser.feed_error_log.last_error  # names the first one, where `close` sometimes knows none
        raise _Refused(str(error) if defect is None else f"{defect.message}, line {defect.line}") from error


def _forget_before(element: etree._Element) -> None:
    """Free what has been read, which takes ten times the memory of its text."""
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def _check_root(root: etree._Element) -> None:
    document_type: Any = root.getroottree().docinfo.internalDTD  # the stubs do not know its entities
    if document_type is not None and any(True for _ in document_type.iterentities()):
        raise _Refused("it declares entities")
    if _local(root) not in _ROOTS:
        raise _Refused(f"its root is <{_local(root)[:40]}>")


def _take(entry: etree._Element, number: int, *, base: str, into: Feed) -> None:
    found = _atom_link(entry) or _rss_link(entry)
    if found is None and len(into.without_link) >= MOST_WITHOUT_LINK:
        into.more_without_link += 1
        return
    if found is None:
        title = _text(entry, "title") or _text(entry, "guid") or _text(entry, "id")
        into.without_link.append(f"entry {number}" + (f" {shown(title)}" if title else ""))
        return
    element, reference = found
    with suppress(ValueError):  # what is no URL is listed with the other bad ones
        reference = urljoin(element.base or base, reference)
    into.pages.append(Location(reference, _changed(entry)))


def _atom_link(entry: etree._Element) -> tuple[etree._Element, str] | None:
    """The first link to the entry's page; a page of HTML comes before other types."""
    links = [
        child
        for child in entry
        if _local(child) == "link" and child.get("href") and child.get("rel", "").strip() in _ALTERNATE
    ]
    html = [link for link in links if link.get("type", "").partition(";")[0].strip().lower() in _PAGE_TYPES]
    for link in (*html, *links):
        return link, link.get("href", "")
    return None


def _rss_link(entry: etree._Element) -> tuple[etree._Element, str] | None:
    for child in entry:
        if _local(child) == "link" and (child.text or "").strip():
            return child, (child.text or "").strip()
    for child in entry:
        reference = (child.text or "").strip() if _local(child) == "guid" else ""
        # An identifier counts as a link unless it says that it is none. Source: RSS 2.0.11, guid.
        if reference.startswith(("http://", "https://")) and child.get("isPermaLink", "true").lower() != "false":
            return child, reference
    return None


def _changed(entry: etree._Element) -> datetime | None:
    for name, read in (
        ("updated", w3c_datetime),
        ("modified", w3c_datetime),
        ("published", w3c_datetime),
        ("pubDate", mail_datetime),
        ("date", w3c_datetime),
    ):
        moment = read(_text(entry, name))
        if moment is not None:
            return moment
    return None


def _text(entry: etree._Element, name: str) -> str:
    """The text of the entry's first child with this name; its markup is passed over."""
    for child in entry:
        if _local(child) == name:
            return " ".join("".join(map(str, child.itertext())).split())
    return ""


def _local(element: etree._Element) -> str:
    """The name without its namespace, which feeds often get wrong; "" for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
