"""Saved and broken pages into rows."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import BadValue, ExtractError, MissingField, PageLayoutChanged
from scraper.models import Reason, scalar_as_json
from scraper.rows.extract import extract_rows
from scraper.sources import Source

DATA = Path(__file__).parents[2] / "data" / "books"
URL = "https://books.example/list/1.html"
BOOK_FIELDS: dict[str, Any] = {
    "title": "h3 a::text",
    "link": "h3 a::attr(href)",
    "price": {"css": ".price", "type": "decimal", "regex": r"£([\d.]+)"},
    "stock": {"css": "span::attr(data-stock)", "type": "int"},
    "seen": {"css": "time::attr(datetime)", "type": "date", "required": False},
}


def source_of(fields: dict[str, Any], rows: str | None = None) -> Source:
    return Source.model_validate({"name": "books", "urls": [URL], "rows": rows, "fields": fields})


def values_of(source: Source, html: str, url: str = URL) -> list[dict[str, Any]]:
    return [row.values for row in extract_rows(source, html.encode(), url=url, charset=None)]


def saved(case: str) -> tuple[bytes, str, Any]:
    folder = DATA / case
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return (folder / "page.html").read_bytes(), about["url"], expected


@pytest.mark.parametrize("field", list(BOOK_FIELDS))
def test_saved_listing_gives_the_expected_field(field: str) -> None:
    body, url, expected = saved("listing-1")
    rows = extract_rows(source_of(BOOK_FIELDS, "li.book"), body, url=url, charset=None)
    assert [scalar_as_json(row.values[field]) for row in rows] == [row[field] for row in expected]


def test_rows_are_numbered_from_zero_in_page_order() -> None:
    body, url, _ = saved("listing-1")
    rows = extract_rows(source_of(BOOK_FIELDS, "li.book"), body, url=url, charset=None)
    assert [row.position for row in rows] == [0, 1]


def test_page_labelled_latin1_is_read_as_its_superset() -> None:
    body, url, expected = saved("listing-latin1")
    rows = extract_rows(source_of({"title": "h1"}), body, url=url, charset=None)
    assert [row.values for row in rows] == expected


def test_meta_charset_wins_where_the_header_does_not_fit_the_bytes() -> None:
    body, url, expected = saved("listing-latin1")
    rows = extract_rows(source_of({"title": "h1"}), body, url=url, charset="utf-8")
    assert [row.values for row in rows] == expected


@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1252", "iso-8859-15", "koi8-r"])
def test_utf8_is_read_as_such_where_header_or_meta_tag_name_a_charset_that_every_byte_fits(label: str) -> None:
    body = "<h1>Tromsø, São Miguel</h1>".encode()
    told, tagged = (
        extract_rows(source_of({"title": "h1"}), page, url=URL, charset=charset)[0].values["title"]
        for page, charset in ((body, label), (f'<meta charset="{label}">'.encode() + body, None))
    )
    assert (told, tagged) == ("Tromsø, São Miguel", "Tromsø, São Miguel")


def test_a_single_byte_charset_is_read_as_such_where_the_bytes_are_no_utf8() -> None:
    body = "<h1>Tromsø</h1>".encode("iso-8859-15")
    rows = extract_rows(source_of({"title": "h1"}), body, url=URL, charset="iso-8859-15")
    assert rows[0].values == {"title": "Tromsø"}


def test_header_charset_wins_over_the_meta_tag() -> None:
    body = '<meta charset="windows-1252"><h1>é</h1>'.encode()
    rows = extract_rows(source_of({"title": "h1"}), body, url=URL, charset="utf-8")
    assert rows[0].values == {"title": "é"}


def test_byte_order_mark_wins_over_the_header() -> None:
    rows = extract_rows(source_of({"title": "h1"}), "\ufeff<h1>é</h1>".encode("utf-16"), url=URL, charset="koi8-r")
    assert rows[0].values == {"title": "é"}


@pytest.mark.parametrize("label", ["utf-7", "base64", "unicode_escape", "idna", "klingon", "\x00", ""])
def test_a_label_that_is_no_charset_of_pages_is_passed_over(label: str) -> None:
    rows = extract_rows(source_of({"title": "h1"}), "<h1>é +AGE-</h1>".encode(), url=URL, charset=label)
    assert rows[0].values == {"title": "é +AGE-"}


def test_a_page_that_no_charset_fits_is_not_decodable() -> None:
    with pytest.raises(ExtractError) as caught:
        extract_rows(source_of({"title": "h1"}), b"<h1>\xff\xfa\xf0</h1>", url=URL, charset="utf-8")
    assert caught.value.reason == Reason.NOT_DECODABLE


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-8", None])
def test_utf8_with_a_damaged_byte_is_not_read_as_another_charset(charset: str | None) -> None:
    body = '<meta charset="windows-1252"><h1>Grüße aus Köln</h1>'.encode() + b" " * 500 + b"<!-- \xe4 -->"
    rows = extract_rows(source_of({"title": "h1"}), body, url=URL, charset=charset)
    assert rows[0].values == {"title": "Grüße aus Köln"}


def test_a_value_that_a_wrong_charset_cannot_read_is_not_published() -> None:
    body = "<h1>Grüße</h1>".encode("windows-1252") + b" " * 500
    with pytest.raises(
        ExtractError, match=r"field 'title' of row 0 cannot be read as utf-8; the key charset"
    ) as caught:
        extract_rows(source_of({"title": "h1"}), body, url=URL, charset=None)
    assert caught.value.reason == Reason.NOT_DECODABLE
    assert extract_rows(source_of({"title": "h2::text"}), body + b"<h2>ok</h2>", url=URL, charset=None)


def test_a_value_that_the_site_has_cut_within_a_character_is_what_the_site_shows() -> None:
    body = "<h1>Grüße aus Köln und Kö</h1>".encode() + b" " * 500 + b"<h2>K\xc3</h2>"
    rows = extract_rows(source_of({"short": "h2"}), body, url=URL, charset=None)
    assert rows[0].values == {"short": "K\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("x-sjis", "cp932", "日本語①"),
        ("Windows-31J", "cp932", "日本語①"),
        ("x-euc-jp", "euc_jp", "日本語"),
        ("x-gbk", "gb18030", "中文"),
        ("windows-949", "cp949", "한국어"),
        ("windows-874", "cp874", "ไทย"),
        ("iso-8859-8-i", "iso8859-8", "שלום"),
        ("x-cp1251", "cp1251", "Привет"),
    ],
)
def test_labels_that_browsers_know_are_known(label: str, codec: str, text: str) -> None:
    rows = extract_rows(source_of({"title": "h1"}), f"<h1>{text}</h1>".encode(codec), url=URL, charset=label)
    assert rows[0].values == {"title": text}


@pytest.mark.parametrize(
    "declaration",
    [
        '<?xml version="1.0" encoding="windows-1251"?>',
        '<!-- <meta charset="koi8-r"> --><meta charset="windows-1251">',
    ],
)
def test_html_declares_its_charset_outside_of_comments_or_as_xml_does(declaration: str) -> None:
    body = f"{declaration}<h1>Привет</h1>".encode("cp1251")
    assert extract_rows(source_of({"title": "h1"}), body, url=URL, charset=None)[0].values == {"title": "Привет"}


def test_one_damaged_character_in_a_long_page_is_tolerated() -> None:
    body = b"<h1>ok</h1><!-- \xff -->" + b"x" * 1000
    assert extract_rows(source_of({"title": "h1"}), body, url=URL, charset=None)[0].values == {"title": "ok"}


def test_row_selector_without_a_match_says_that_the_layout_changed() -> None:
    with pytest.raises(PageLayoutChanged) as caught:
        values_of(source_of({"title": "h3"}, "li.gone"), "<li><h3>x</h3>")
    assert (caught.value.reason, caught.value.missing) == (Reason.NO_ROWS, "li.gone")


def test_missing_required_field_names_field_selector_and_row() -> None:
    with pytest.raises(MissingField) as caught:
        values_of(source_of({"title": "h3"}, "li"), "<li><h3>x</h3></li><li></li>")
    assert (caught.value.field, caught.value.selector, caught.value.position) == ("title", "h3", 1)


def test_missing_optional_field_is_none() -> None:
    source = source_of({"title": {"css": "h3", "required": False}})
    assert values_of(source, "<p>nothing</p>") == [{"title": None}]


def test_blank_text_counts_as_missing() -> None:
    with pytest.raises(MissingField):
        values_of(source_of({"title": "h1"}), "<h1> \n\xa0 </h1>")


@pytest.mark.parametrize("made", [{"transform": "digits"}, {"regex": "sold( .*)?"}])
def test_a_text_of_which_nothing_is_left_is_told_apart_from_none(made: dict[str, str]) -> None:
    with pytest.raises(MissingField, match="has no value: its regex and transform leave nothing of 'sold' at 'b'"):
        values_of(source_of({"left": {"css": "b", **made}}), "<b>sold</b>")


def test_text_of_the_wrong_type_names_the_field_even_if_optional() -> None:
    source = source_of({"stock": {"css": "b", "type": "int", "required": False}})
    with pytest.raises(BadValue) as caught:
        values_of(source, "<b>many</b>")
    assert caught.value.field == "stock"


def test_whole_match_is_the_value_of_a_regex_without_groups() -> None:
    assert values_of(source_of({"n": {"css": "b", "type": "int", "regex": r"\d+"}}), "<b>about 12 kg</b>") == [
        {"n": 12}
    ]


def test_required_text_that_the_regex_does_not_match_is_a_bad_value() -> None:
    with pytest.raises(BadValue, match="'sold out' does not match"):
        values_of(source_of({"price": {"css": "b", "regex": r"£(\d+)"}}), "<b>sold out</b>")


def test_the_regex_that_did_not_match_is_shown_as_it_stands_in_the_sources_file() -> None:
    with pytest.raises(BadValue) as refusal:
        values_of(source_of({"price": {"css": "b", "regex": r"£\s*(\S+)"}}), "<b>sold out</b>")
    assert r"does not match '£\s*(\S+)'" in str(refusal.value)


def test_optional_field_whose_regex_does_not_match_is_none() -> None:
    source = source_of({"n": {"css": "b", "regex": r"\d+", "required": False}})
    assert values_of(source, "<b>none</b>") == [{"n": None}]


def test_attribute_of_the_row_itself_is_reached_with_an_empty_selector() -> None:
    source = source_of({"id": "::attr(data-id)", "text": "::text"}, "li")
    assert values_of(source, '<li data-id="7">a') == [{"id": "7", "text": "a"}]


@pytest.mark.parametrize(
    ("markup", "absolute"),
    [
        ("<a href='next'>x</a>", "https://books.example/list/next"),
        ("<a href='?p=2&amp;q=a'>x</a>", "https://books.example/list/1.html?p=2&q=a"),
        ("<a href='//cdn.example/x'>x</a>", "https://cdn.example/x"),
        ("<base href='/shop/'><a href='a'>x</a>", "https://books.example/shop/a"),
        ("<base href='http://[bad/'><a href='a'>x</a>", "https://books.example/list/a"),
        ("<a href='mailto:me@books.example'>x</a>", "mailto:me@books.example"),
    ],
)
def test_links_become_absolute(markup: str, absolute: str) -> None:
    assert values_of(source_of({"link": "a::attr(href)"}), markup) == [{"link": absolute}]


def test_link_that_is_no_url_is_a_bad_value() -> None:
    with pytest.raises(BadValue):
        values_of(source_of({"link": "a::attr(href)"}), "<a href='http://[bad/'>x</a>")


def test_deeply_nested_markup_is_refused_at_once() -> None:
    started = time.monotonic()
    with pytest.raises(ExtractError) as caught:
        values_of(source_of({"title": "h1"}), "<div>" * 200_000)
    assert (caught.value.reason, time.monotonic() - started < 10) == (Reason.TOO_COMPLEX, True)


@pytest.mark.parametrize("attribute", ["a={}", "a='{}'", 'b=\'"\' a=">{}"'])
def test_formats_that_every_paragraph_would_repeat_are_refused(attribute: str) -> None:
    formats = "".join(f"<b {attribute.format(number)}>" for number in range(2000))
    with pytest.raises(ExtractError) as caught:
        values_of(source_of({"title": "h1"}), f"<p>{formats}</p>" + "<p>x" * 2000)
    assert caught.value.reason == Reason.TOO_COMPLEX


@pytest.mark.parametrize("begin", ["<p ", "<p x='>' ", '<!-- <a b=" --><p ', "<a" * 2_000_000 + "<p "])
def test_a_tag_of_very_many_attributes_is_refused(begin: str) -> None:
    with pytest.raises(ExtractError) as caught:
        values_of(source_of({"title": "h1"}), begin + "".join(f"a{number} " for number in range(50_000)) + ">")
    assert caught.value.reason == Reason.TOO_COMPLEX


def test_a_long_page_of_attributes_is_read() -> None:
    html = "<h1>x</h1>" + "<p " + " ".join(f"a{number}='>'" for number in range(9000)) + ">x</p>"
    assert values_of(source_of({"title": "h1"}), html) == [{"title": "x"}]


def test_a_page_of_very_many_elements_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scraper.rows.markup_guard._MAX_ELEMENTS", 2000)
    with pytest.raises(ExtractError, match="more than 2000 elements"):
        values_of(source_of({"title": "h1"}), "<p>" * 2001)
    assert values_of(source_of({"title": "h1"}), "<h1>x" + "<p>" * 1999) == [{"title": "x"}]


def test_a_page_that_never_closes_its_bold_text_is_read() -> None:
    html = "<h1>x</h1>" + '<p><b class="k">bold' * 5000
    assert values_of(source_of({"title": "h1"}), html) == [{"title": "x"}]


def test_a_long_flat_page_is_not_taken_for_a_bomb() -> None:
    html = "<ul>" + "<li><b>x</b><br><img src=a>" * 20_000 + "</ul>"
    assert len(values_of(source_of({"x": "b"}, "li"), html)) == 20_000


@given(st.binary(max_size=600), st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["utf-16", "gbk", "big5"])))
def test_random_bytes_raise_only_extract_errors(body: bytes, charset: str | None) -> None:
    source = source_of(BOOK_FIELDS, "li")
    with suppress(ExtractError):
        extract_rows(source, body, url=URL, charset=charset)


MARKUP = st.lists(
    st.sampled_from(
        [
            "<li>",
            "</li>",
            "<h3>",
            "<a href='",
            "'>",
            "</a",
            "<p class=price>",
            "£1.5",
            "<!--",
            "]]>",
            "<svg>",
            "\x00",
            "<table>",
            "<span data-stock=1>",
            "<template>",
            "&#xD800;",
            "&amp",
            "<script>",
            "</p>",
            "<base href='//['>",
        ]
    ),
    max_size=40,
)


@given(MARKUP)
def test_broken_markup_raises_only_extract_errors(parts: list[str]) -> None:
    with suppress(ExtractError):
        extract_rows(source_of(BOOK_FIELDS, "li"), "".join(parts).encode(), url=URL, charset=None)
