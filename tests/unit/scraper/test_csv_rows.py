"""CSV into rows."""

from decimal import Decimal

import pytest

from scraper.errors import MissingField, PageLayoutChanged
from scraper.models import Reason
from scraper.rows.csv_records import MAX_COLUMNS
from tests.helpers.extraction import column_of, refusal, source_of, values_of


def test_every_line_is_a_row_and_columns_have_names() -> None:
    body = 'name,price\r\n"One, ""the"" first", 1.50\r\n\r\n"Two\nlines",2\r\n'
    source = source_of({"f": {"column": "name"}, "price": {"column": "price", "type": "decimal"}})
    assert values_of(source, body, content_type="text/csv") == [
        {"f": 'One, "the" first', "price": Decimal("1.50")},
        {"f": "Two\nlines", "price": Decimal(2)},
    ]


def test_short_forms_are_columns() -> None:
    assert column_of(source_of({"f": "b"}, format="csv"), "a,b\n1,2\n") == ["2"]


def test_a_page_in_place_of_the_file_is_malformed_and_no_row_without_values() -> None:
    source = source_of({"f": {"column": "name", "required": False}, "g": {"column": "price", "required": False}})
    error = refusal(source, "<html>\n<p>Please log in</p>\n</html>", content_type="text/html")
    assert (error.reason, "none of the columns 'name', 'price'" in error.detail) == (Reason.MALFORMED, True)
    assert values_of(source, "name,cost\nOne,2\n") == [{"f": "One", "g": None}]


def test_columns_have_numbers_where_there_is_no_header() -> None:
    source = source_of({"f": {"column": 2}}, csv={"delimiter": ";", "header": False})
    assert column_of(source, "a;b\nc;d\n") == ["b", "d"]


def test_tabs_separate_where_the_content_type_says_so() -> None:
    assert column_of(
        source_of({"f": "b"}, format="csv"), "a\tb\n1,0\t2\n", content_type="text/tab-separated-values"
    ) == ["2"]


def test_a_column_that_is_there_twice_is_the_first_one() -> None:
    assert column_of(source_of({"f": "a"}, format="csv"), "a,a\n1,2\n") == ["1"]


def test_an_optional_column_may_be_absent() -> None:
    assert column_of(source_of({"f": {"column": "b", "required": False}, "g": {"column": "a"}}), "a\n1\n") == [None]


def test_a_required_column_that_is_absent_is_missing() -> None:
    with pytest.raises(MissingField, match="nothing at 'b'"):
        values_of(source_of({"f": {"column": "b"}}), "a\n1\n")


@pytest.mark.parametrize("body", ["", "a,b\n", "\n\n"])
def test_a_file_without_lines_has_no_rows(body: str) -> None:
    with pytest.raises(PageLayoutChanged):
        values_of(source_of({"f": {"column": "a"}}), body)


@pytest.mark.parametrize("body", ["a,b\n1\n", "a,b\n1,2,3\n", 'a,b\n"1"x,2\n', 'a,b\n"1,2\n', f"a\n{'x' * 200_000}\n"])
def test_lines_that_do_not_fit_the_header_are_malformed(body: str) -> None:
    assert refusal(source_of({"f": {"column": "a"}}), body).reason == Reason.MALFORMED


def test_more_rows_than_a_page_may_have_are_refused() -> None:
    assert refusal(source_of({"f": {"column": "a"}}), "a\n" + "1\n" * 100_001).reason == Reason.TOO_COMPLEX


def test_a_line_of_very_many_columns_is_too_complex() -> None:
    source = source_of({"f": {"column": 1}}, csv={"header": False})
    assert column_of(source, "a," * (MAX_COLUMNS - 1) + "b\n") == ["a"]
    assert refusal(source, "," * MAX_COLUMNS).reason == Reason.TOO_COMPLEX
