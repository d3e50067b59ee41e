"""JSON into rows."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from scraper.errors import BadValue, MissingField
from scraper.models import Reason
from tests.helpers.extraction import column_of, refusal, source_of, values_of

BODY = """{"items": [
  {"name": " One ", "price": 12.50, "tiny": 1.5E-7, "stock": 3, "sold": false, "at": "2026-11-21T06:00:00Z",
   "tags": ["a", null, " b "], "seller": {"name": "Ann"}, "gone": null, "link": "/one",
   "long": 0.12345678901234567890},
  {"name": "Two", "price": 2e1, "tiny": 0, "stock": 0, "sold": true, "at": "2026-11-21T07:00:00+02:00",
   "tags": [], "seller": {"name": "Bob"}, "link": "two", "long": 1}
]}"""


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", ["One", "Two"]),
        ("seller.name", ["Ann", "Bob"]),
        ({"path": "price", "type": "decimal"}, [Decimal("12.50"), Decimal(20)]),
        ({"path": "price", "type": "float"}, [12.5, 20.0]),
        ("price", ["12.50", "20"]),
        ({"path": "tiny", "type": "decimal"}, [Decimal("0.00000015"), Decimal(0)]),
        ({"path": "long", "type": "decimal"}, [Decimal("0.12345678901234567890"), Decimal(1)]),
        ({"path": "stock", "type": "int"}, [3, 0]),
        ({"path": "sold", "type": "bool"}, [False, True]),
        (
            {"path": "at", "type": "datetime"},
            [datetime(2026, 11, 21, 6, tzinfo=UTC), datetime(2026, 11, 21, 5, tzinfo=UTC)],
        ),
        ({"path": "tags", "type": "list", "required": False}, [["a", "b"], None]),
        ({"path": "gone", "required": False}, [None, None]),
        ({"path": "nothing.at.all", "default": "-"}, ["-", "-"]),
        (
            {"path": "link", "transform": "absolute_url"},
            ["https://books.example/one", "https://books.example/api/two"],
        ),
        ({"path": "[name, seller.name] | join(' by ', @)"}, ["One  by Ann", "Two by Bob"]),
        ({"path": "[name, seller.name] | join(' by ', @)", "transform": "collapse"}, ["One by Ann", "Two by Bob"]),
        ({"path": "sum([price, price])", "type": "float"}, [25.0, 40.0]),
    ],
)
def test_a_path_names_the_value(field: Any, values: list[Any]) -> None:
    assert column_of(source_of({"f": field}, rows="items", format="json"), BODY) == values


def test_numbers_can_be_compared_in_paths() -> None:
    assert column_of(source_of({"f": "name"}, rows="items[?price > `15`]", format="json"), BODY) == ["Two"]


def test_fields_with_a_path_need_no_format() -> None:
    assert column_of(source_of({"f": {"path": "name"}}, rows="items"), BODY) == ["One", "Two"]


def test_without_rows_the_document_is_one_row() -> None:
    source = source_of({"f": {"path": "items[].name", "type": "list"}})
    assert column_of(source, BODY) == [["One", "Two"]]


def test_rows_of_plain_values_are_reached_by_themselves() -> None:
    assert column_of(source_of({"f": {"path": "@", "type": "int"}}, rows="@"), "[1, 2]") == [1, 2]


@pytest.mark.parametrize(("value", "kind"), [("{}", "an object"), ("[1]", "a list")])
def test_a_field_that_is_no_single_value_says_what_it_is(value: str, kind: str) -> None:
    with pytest.raises(BadValue, match=f"one value is wanted, and there is {kind}"):
        values_of(source_of({"f": {"path": "a"}}), f'{{"a": {value}}}')


@pytest.mark.parametrize("body", ["", "{", "[1,]", "<html>", "NaN", '{"a": Infinity}', "1" * 5000, "'a'"])
def test_what_is_no_json_is_malformed(body: str) -> None:
    assert refusal(source_of({"f": {"path": "a"}}), body, content_type="text/html").reason == Reason.MALFORMED


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    assert refusal(source_of({"f": {"path": "a"}}), "[" * 500_000).reason == Reason.TOO_COMPLEX


@pytest.mark.parametrize("body", ["{}", '{"rows": null}', '{"rows": []}', '{"rows": {}}', '{"rows": "x"}'])
def test_a_list_of_rows_that_is_not_there_means_no_rows(body: str) -> None:
    assert refusal(source_of({"f": {"path": "a"}}, rows="rows"), body).reason == Reason.NO_ROWS


def test_a_path_that_meets_other_types_is_a_bad_value() -> None:
    assert refusal(source_of({"f": {"path": "length(a)"}}), '{"a": null}').reason == Reason.BAD_VALUE


def test_rows_whose_path_meets_other_types_are_no_rows() -> None:
    source = source_of({"f": {"path": "a"}}, rows="sort_by(rows, &a)")
    assert refusal(source, '{"rows": [{"a": 1}, {"a": "x"}]}').reason == Reason.NO_ROWS


def test_half_a_character_is_replaced() -> None:
    assert column_of(source_of({"f": {"path": "a"}}), r'{"a": "x\ud83d \ud83d\ude00"}') == ["x\ufffd \U0001f600"]


def test_a_missing_value_names_the_path() -> None:
    with pytest.raises(MissingField, match=r"field 'f' of row 0 has no value: nothing at 'a\.b'"):
        values_of(source_of({"f": {"path": "a.b"}}), "{}")
