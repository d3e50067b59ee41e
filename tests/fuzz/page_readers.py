"""Readers of pages: charsets, compression, rows of all kinds, links, values, URLs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from typing import Any

from hypothesis import strategies as st

from scraper.canonical import canonical_url, host_of
from scraper.errors import BadValue, CompressionError, PageError
from scraper.fetch.answers import FetchedPage
from scraper.fetch.unpack import unpacker
from scraper.models import PageFailure, Purpose, Reason
from scraper.rows.charsets import decode_page
from scraper.rows.content_kinds import Format, format_of
from scraper.rows.extract import extract_rows
from scraper.rows.field_rules import FieldRule
from scraper.rows.field_values import scalar_of
from scraper.rows.links import page_links
from scraper.rows.soft_blocks import refuse_blocked
from scraper.rows.transforms import Transform
from scraper.rows.typed_values import FieldType
from scraper.sources import Source
from scraper.web_urls import page_url
from tests.fuzz.damage import documents
from tests.fuzz.documents import CSV, HEADER, HTML, JSON, URLS, VALUE, XML
from tests.fuzz.packing import PACKERS, encoding_of
from tests.fuzz.readers import Reader, text_of
from tests.fuzz.storable import check_error, check_failure, check_links, check_rows, check_text, check_url

URL = "http://site.example/books/page-1.html?a=b"
MOST_BYTES = 5_000_000
_LABELS = (
    *(None, "", "utf-8", "utf-16", "utf-16-be", "utf-32", "utf-7", "iso-8859-1", "shift_jis", "gb2312", "big5"),
    *("iso2022_jp", "euc-kr", "base64", "zip", "rot13", "punycode", "idna", "undefined", "unicode_escape"),
    *("mbcs", "x" * 5000, "utf-8\0", "\udcff", "ütf-8", "../../etc"),
)
_TYPES = ("str", "int", "float", "decimal", "bool", "date")


def source(**keys: Any) -> Source:
    """A source of which only the rules for pages count."""
    finder = {} if {"follow", "sitemap", "feed"} & keys.keys() else {"urls": [URL]}
    return Source.model_validate({"name": "books", "max_pages": 5000, **finder, **keys})


def _optional(found_by: str, place: object, **keys: object) -> dict[str, object]:
    return {found_by: place, "required": False, **keys}


HTML_SOURCES = (
    source(fields={"title": "h3 a::text", "link": "a::attr(href)", "price": {"css": ".price", "regex": r"([0-9.]+)"}}),
    source(rows="li", fields={"title": "::text", "link": _optional("css", "a::attr(href)")}),
    source(rows="table tr", fields={kind: _optional("css", "td", type=kind) for kind in _TYPES}),
    source(
        rows="body *",
        rows_may_be_absent=True,
        fields={
            "shown": _optional("css", "::attr(class)"),
            "when": _optional("css", "time::attr(datetime)", type="datetime"),
            "all": _optional("css", "a", type="list"),
        },
    ),
)
XML_SOURCES = (
    source(format="xml", fields={"title": _optional("css", "title"), "link": _optional("css", "link::attr(href)")}),
    source(
        format="xml", rows="item, entry", fields={"title": _optional("css", "::text"), "link": _optional("css", "a|b")}
    ),
    source(
        format="xml", rows="*", fields={"all": _optional("css", "*", type="list"), "id": _optional("css", "::attr(a)")}
    ),
)
JSON_SOURCES = (
    source(
        format="json",
        fields={"title": _optional("path", "title"), "price": _optional("path", "items[0].price", type="decimal")},
    ),
    source(
        format="json",
        rows="items",
        rows_may_be_absent=True,
        fields={"id": _optional("path", "id", type="int"), "tags": _optional("path", "tags", type="list")},
    ),
    source(format="json", rows="@[?id > `1`].id", fields={kind: _optional("path", "@", type=kind) for kind in _TYPES}),
    source(format="json", rows="values(@)[]", fields={"all": _optional("path", "join(',', keys(@))")}),
)
CSV_SOURCES = (
    source(format="csv", fields={"id": {"column": "id", "type": "int"}, "title": _optional("column", "title")}),
    source(format="csv", csv={"delimiter": ";"}, fields={"price": _optional("column", "price", transform="number_de")}),
    source(
        format="csv", csv={"header": False}, fields={"first": _optional("column", 1), "far": _optional("column", 5000)}
    ),
)
_BLOCKED = source(fields={"a": "h1"}, blocked_if=["access denied", "ß"])
CRAWLS = tuple(
    source(fields={"title": "h1"}, follow={"start": [URL], **rules})
    for rules in ({"links": "a.next", "pages": "a"}, {"links": "a", "canonical": False}, {"links": "[a]::attr(a)"})
)


def _reads(read: Callable[..., str]) -> Callable[[bytes, Any], str]:
    """`read` with the errors of pages as codes."""

    def guarded(body: bytes, way: Any) -> str:
        try:
            return read(body, *way) if isinstance(way, tuple) else read(body, way)
        except PageError as error:
            return check_error(error)

    return guarded


def _rows(body: bytes, rules: Source, charset: str | None = None) -> str:
    return check_rows(extract_rows(rules, body, url=URL, charset=charset, content_type=""), URL)


def _charset(body: bytes, charset: str | None, kind: Format) -> str:
    decode_page(body, url=URL, charset=charset, kind=kind).encode()
    return ""


def _blocked(body: bytes, charset: str | None) -> str:
    refuse_blocked(_BLOCKED, body, url=URL, charset=charset)
    return ""


def _links(body: bytes, crawl: Source, purpose: Purpose) -> str:
    follow = crawl.follow
    assert follow is not None
    fetched = FetchedPage(URL, URL, 200, body, "text/html", None, datetime(2024, 3, 1, tzinfo=UTC))
    found = page_links(follow, fetched, asked=URL, purpose=purpose)
    for url in (*(link.url for link in found.links), *filter(None, [found.address])):
        check_url(url)
        assert host_of(url) in follow.hosts
    check_links(found)
    return "" if found.links or found.address or Purpose.LINKS not in purpose else "no link"


def _packed(body: bytes, packing: str, step: int) -> str:
    sent, unpacked = PACKERS[packing](body), 0
    try:
        unpack = unpacker(encoding_of(packing), max_bytes=MOST_BYTES)
    except ValueError:
        return Reason.UNSUPPORTED_CONTENT
    if unpack is None:
        return ""
    try:
        for start in range(0, len(sent), step):
            unpacked += len(unpack.feed(sent[start : start + step]))
        unpack.finish()
    except CompressionError as error:
        check_failure(PageFailure(url=URL, reason=error.reason, detail=error.detail))
        return error.reason
    finally:
        assert unpacked <= MOST_BYTES
    return ""


def _type(body: bytes, told: Format | None) -> str:
    format_of(told, text_of(body).partition(";")[0].strip().lower(), url=URL)
    return ""


def _value(body: bytes, rule: FieldRule) -> str:
    try:
        value = scalar_of(rule, body.decode("utf-8", "replace").strip(), base=URL)
    except ValueError as error:
        raise BadValue(URL, "a", "a", str(error), position=0) from error
    if isinstance(value, str):
        check_text(value)
    return ""


def _url(body: bytes, base: str) -> str:
    try:
        url = page_url(base, body.decode("utf-8", "replace"))
    except ValueError as error:
        return Reason.BAD_URL if str(error) else "no reason"
    check_url(url)
    assert canonical_url(canonical_url(url)) == canonical_url(url)
    return ""


_RULES = (
    *(FieldRule(css="a", type=kind) for kind in FieldType if kind is not FieldType.LIST),
    *(FieldRule(css="a", transform=(one,)) for one in Transform),
    FieldRule(css="a", regex=r"([0-9]+)", type=FieldType.INT),
    *(
        FieldRule(css="a", type=FieldType.DATETIME, format=form)
        for form in ("mail", "unix", "unix_ms", "%d.%m.%Y %H:%M")
    ),
)
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.integers(10**300, 10**301))
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "title", "items", "price", "tags"]), inner),
)
PAGE_READERS = (
    Reader("charset", HTML, _reads(_charset), tuple(product(_LABELS, (Format.HTML, Format.XML, Format.JSON)))),
    Reader("compressed body", HTML, _reads(_packed), tuple(product(PACKERS, (1000, 65_536, 400_000)))),
    Reader("HTML: rows", HTML, _reads(_rows), HTML_SOURCES),
    Reader("HTML: links", HTML, _reads(_links), tuple(product(CRAWLS, (Purpose.ROWS, Purpose.ROWS | Purpose.LINKS)))),
    Reader("HTML: blocked_if", HTML, _reads(_blocked), (None, "iso-8859-1")),
    Reader("XML: rows", XML, _reads(_rows), XML_SOURCES),
    Reader(
        "JSON: rows",
        JSON,
        _reads(_rows),
        JSON_SOURCES,
        inputs=documents(JSON) | _JSON.map(lambda value: json.dumps(value).encode()),
    ),
    Reader("CSV: rows", CSV, _reads(_rows), CSV_SOURCES),
    Reader("value of a field", VALUE, _reads(_value), _RULES),
    Reader("URL in a page", VALUE, _reads(_url), (URL, *(url.decode() for url in URLS), "")),
    Reader("Content-Type", HEADER, _reads(_type), (None, *Format), largest=8190),
)
