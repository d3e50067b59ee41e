"""XML into rows."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from scraper.models import Reason
from tests.helpers.extraction import column_of, refusal, source_of, values_of

FEED = """<?xml version="1.0"?>
<rss xmlns:media="urn:media" xmlns:xlink="urn:x"><channel><title>All</title>
  <item><title>One</title><media:title>First</media:title><guid isPermaLink="false">a</guid>
    <price cur="EUR">1.50</price><category>x</category><category>y  z</category>
    <see xlink:href="/more" href="/one"/></item>
  <item><title>Two</title><price cur="USD">2</price><see href="two"/></item>
</channel></rss>"""


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("title", ["One", "Two"]),
        ("item > title", ["One", "Two"]),
        ({"css": "media|title", "required": False}, ["First", None]),
        ({"css": "guid::attr(isPermaLink)", "required": False, "type": "bool"}, [False, None]),
        ({"css": 'guid[isPermaLink="false"]', "required": False}, ["a", None]),
        ({"css": "GUID", "required": False}, [None, None]),
        ({"css": "price", "type": "decimal"}, [Decimal("1.50"), Decimal(2)]),
        ("price::attr(cur)", ["EUR", "USD"]),
        ({"css": "category", "type": "list", "default": []}, [["x", "y z"], []]),
        ("see::attr(href)", ["https://books.example/one", "https://books.example/api/two"]),
        ({"css": "see::attr(xlink:href)", "required": False}, ["/more", None]),
        ({"css": "::text", "regex": "^(...)"}, ["One", "Two"]),
    ],
)
def test_names_are_as_they_are_written_in_the_document(field: Any, values: list[Any]) -> None:
    assert column_of(source_of({"f": field}, rows="item", format="xml"), FEED) == values


def test_empty_lines_in_front_of_the_document_are_passed_over() -> None:
    assert column_of(source_of({"f": "title"}, rows="item", format="xml"), f"\n \r\n{FEED}") == ["One", "Two"]


def test_a_default_namespace_needs_no_mention() -> None:
    atom = '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title></entry></feed>'
    assert column_of(source_of({"f": "title"}, rows="feed > entry", format="xml"), atom) == ["A"]


def test_without_rows_the_document_is_one_row() -> None:
    source = source_of({"f": "channel > title", "n": {"css": "item > title", "type": "list"}}, format="xml")
    assert values_of(source, FEED) == [{"f": "All", "n": ["One", "Two"]}]


def test_the_content_type_decides_where_the_source_does_not() -> None:
    source = source_of({"f": "LINK"}, rows="item")
    body = "<item><LINK>x</LINK></item>"
    assert column_of(source, body, content_type="application/rss+xml") == ["x"]
    assert refusal(source, body, content_type="text/html").reason == Reason.MISSING_FIELD  # links are empty there


def test_xml_base_counts_for_links() -> None:
    body = '<a xml:base="https://cdn.example/"><see href="x"/></a>'
    assert column_of(source_of({"f": "see::attr(href)"}, format="xml"), body) == ["https://cdn.example/x"]


@pytest.mark.parametrize(
    "body", ["", "<a>", "<a></b>", "no xml", '{"a": 1}', "<a>&nbsp;</a>", "<a/><b/>", "<p:a/>", "<a>\x00</a>"]
)
def test_what_is_no_xml_is_malformed(body: str) -> None:
    assert refusal(source_of({"f": "a"}, format="xml"), body).reason == Reason.MALFORMED


@pytest.mark.parametrize("use", ["<a>&c;</a>", '<a b="&c;"/>', "<a/>"])
def test_documents_with_entities_of_their_own_are_malformed(use: str) -> None:
    entities = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in ("ab", "bc"))
    body = f'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">{entities}]>{use}'
    assert refusal(source_of({"f": "a"}, format="xml"), body).reason == Reason.MALFORMED


@pytest.mark.parametrize("use", ["<a>&z;</a>", '<a b="&z;"/>'])
def test_a_billion_laughs_are_not_laughed(use: str) -> None:
    names = "abcdefghijklmnopqrstuvwxyz"
    entities = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(names))
    body = f'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">{entities}]>{use}'
    assert refusal(source_of({"f": "a"}, format="xml"), body).reason == Reason.MALFORMED


def test_no_file_is_read() -> None:
    body = '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>'
    assert refusal(source_of({"f": "a"}, format="xml"), body).reason == Reason.MALFORMED


def test_a_tree_that_is_too_deep_is_refused() -> None:
    assert refusal(source_of({"f": "a"}, format="xml"), "<a>" * 100_000).reason == Reason.MALFORMED
