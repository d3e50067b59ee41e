"""How the fields of a page fare, told for people."""

from typing import Any

from scraper.rows.extract import read_page
from scraper.sources import Source
from scraper.trying.field_report import report_fields

URL = "https://books.example/"


def told(html: str, fields: dict[str, Any]) -> list[str]:
    source = Source.model_validate({"name": "books", "urls": [URL], "rows": "li", "fields": fields})
    page = read_page(source, html.encode(), url=URL, charset=None, content_type="text/html")
    return [str(report) for report in report_fields(source, page.records, url=URL)]


def test_a_field_that_each_row_has_needs_no_word() -> None:
    assert told("<li><b>1</b><li><b>2</b>", {"n": "b"}) == [""]


def test_a_default_is_a_value() -> None:
    assert told("<li><b>1</b><li>", {"n": {"css": "b", "default": "none"}}) == [""]


def test_every_row_that_fails_is_named_with_the_first_fault() -> None:
    html = "<li><b>1</b><li><b>x</b><li><li><b>4</b>"
    assert told(html, {"n": {"css": "b", "type": "int"}}) == [
        "fails in 2 of 4 rows (1, 2): field 'n' of row 1: 'x' is not a whole number (selector 'b')"
    ]


def test_of_many_rows_the_first_ten_are_named() -> None:
    assert told("<li>" * 12, {"n": {"css": "b", "required": False}}) == [
        "field 'n' has no value in 12 of 12 rows (0, 1, 2, 3, 4, 5, 6, 7, 8, 9 …)"
    ]


def test_each_field_has_its_own_report_in_their_order() -> None:
    reports = told("<li><b>1</b>", {"a": "i", "n": "b", "z": {"css": "u", "required": False}})
    assert [bool(report) for report in reports] == [True, False, True]
