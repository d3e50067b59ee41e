"""Bodies that are broken, of any kind: an error that says so, and nothing else."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import ExtractError
from tests.helpers.extraction import source_of, values_of

KINDS = {
    "xml": source_of({"f": {"css": "b::attr(c)", "type": "list"}, "g": "media|b"}, rows="a", format="xml"),
    "json": source_of(
        {"f": {"path": "a[?b > `1`]", "type": "list"}, "g": {"path": "b.c", "type": "decimal"}}, rows="a"
    ),
    "csv": source_of({"f": {"column": "a"}, "g": {"column": 2, "type": "int"}}),
}
XML_PARTS = [
    "<a>",
    "</a>",
    "<b c='",
    "'/>",
    "<media:b>",
    "&lt;",
    "<![CDATA[",
    "<!DOCTYPE a [",
    "<!ENTITY x 'y'>",
    "]>",
    "&x;",
]
OTHER_PARTS = [
    '{"a":',
    "[",
    "]",
    "}",
    ",",
    '"b"',
    ":",
    "1e400",
    "-0",
    "null",
    '"\\ud800"',
    "a,b",
    "\n",
    "\r",
    '"',
    "\t",
    "\x00",
    "é",
    " ",
]


@given(st.sampled_from(list(KINDS)), st.lists(st.sampled_from([*XML_PARTS, *OTHER_PARTS]), max_size=30))
def test_broken_bodies_of_any_kind_raise_only_extract_errors(kind: str, parts: list[str]) -> None:
    with suppress(ExtractError):
        values_of(KINDS[kind], "".join(parts))


@given(st.sampled_from(list(KINDS)), st.binary(max_size=300))
def test_random_bytes_of_any_kind_raise_only_extract_errors(kind: str, body: bytes) -> None:
    with suppress(ExtractError):
        values_of(KINDS[kind], body)
