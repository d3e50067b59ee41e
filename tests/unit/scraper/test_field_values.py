"""Lists, defaults and transforms of fields: from the page's text to the row's value."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from scraper.errors import BadValue, MissingField
from scraper.rows.extract import extract_rows
from scraper.rows.field_rules import FieldRule
from scraper.sources import Source

URL = "https://books.example/list/1.html"


def value_of(html: str, **rule: Any) -> Any:
    source = Source.model_validate({"name": "books", "urls": [URL], "fields": {"f": {"css": "b", **rule}}})
    return extract_rows(source, html.encode(), url=URL, charset=None)[0].values["f"]


def test_a_list_has_the_value_of_every_match_in_page_order() -> None:
    assert value_of("<b>3</b><b>1</b><b>3</b>", type="list", items="int") == [3, 1, 3]


def test_the_items_of_a_list_are_texts_unless_it_says_otherwise() -> None:
    assert value_of("<b>3</b><i>x</i><b> a  b </b>", type="list") == ["3", "a b"]


def test_a_list_of_links_is_absolute() -> None:
    html = "<a href='/a'>a</a><a>none</a><a href='b'>b</a>"
    links = value_of(html, css="a::attr(href)", type="list")
    assert links == ["https://books.example/a", "https://books.example/list/b"]


def test_items_that_are_empty_or_do_not_match_are_left_out() -> None:
    html = "<b>#red</b><b></b><b>large</b><b>#old</b>"
    assert value_of(html, type="list", regex="^#(.+)") == ["red", "old"]


def test_an_item_of_the_wrong_type_is_named_by_its_number() -> None:
    with pytest.raises(BadValue, match="field 'f' of row 0: item 2: 'x' is not a whole number"):
        value_of("<b>1</b><b>x</b>", type="list", items="int")


def test_a_required_list_without_items_is_missing() -> None:
    with pytest.raises(MissingField, match="field 'f' of row 0 has no value"):
        value_of("<i>x</i>", type="list")


@pytest.mark.parametrize(
    ("rule", "value"), [({"required": False}, None), ({"default": []}, []), ({"default": [7]}, [7])]
)
def test_an_optional_list_without_items_is_empty_or_its_default(rule: dict[str, Any], value: Any) -> None:
    assert value_of("<i>x</i>", type="list", items="int", **rule) == value


def test_a_list_that_storage_could_not_hold_is_a_bad_value() -> None:
    with pytest.raises(BadValue, match="the list is longer than 32000 characters"):
        value_of("<b>0123456789</b>" * 2500, type="list")


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"default": "none"}, "none"),
        ({"type": "int", "default": 0}, 0),
        ({"type": "decimal", "default": "1.50"}, Decimal("1.50")),
        ({"type": "bool", "default": False}, False),
        ({"type": "date", "default": date(2026, 11, 21)}, date(2026, 11, 21)),
        ({"type": "date", "format": "%d.%m.%Y", "default": "2026-11-21"}, date(2026, 11, 21)),
        (
            {"type": "datetime", "timezone": "Europe/Berlin", "default": datetime(2026, 7, 1, 12)},  # noqa: DTZ001
            datetime(2026, 7, 1, 10, tzinfo=UTC),
        ),
    ],
)
def test_a_missing_value_is_the_default_in_the_field_s_type(rule: dict[str, Any], value: Any) -> None:
    found = value_of("<i>x</i>", **rule)
    assert (found, type(found)) == (value, type(value))


def test_a_default_does_not_hide_a_value_of_the_wrong_type() -> None:
    with pytest.raises(BadValue):
        value_of("<b>many</b>", type="int", default=0)


def test_a_text_that_a_pattern_does_not_match_gives_way_to_the_default() -> None:
    assert value_of("<b>sold out</b>", type="int", regex=r"\d+", default=0) == 0


def test_the_regex_picks_and_the_transforms_follow_in_order() -> None:
    rule = {"type": "decimal", "regex": "now (.+)", "transform": ["upper", "number_de"]}
    assert value_of("<b>was 2.000,00 now 1.499,95 eur</b>", **rule) == Decimal("1499.95")


def test_one_transform_needs_no_list() -> None:
    assert value_of("<b>Tall Tales</b>", transform="lower") == "tall tales"


def test_a_value_that_transforms_make_empty_is_missing() -> None:
    with pytest.raises(MissingField):
        value_of("<b>none</b>", type="int", transform="digits")


def test_a_number_that_a_transform_refuses_names_field_and_row() -> None:
    with pytest.raises(BadValue, match=r"field 'f' of row 0: '12,34' has no number that is written like 1,234\.50"):
        value_of("<b>12,34</b>", transform="number_en")


def test_times_are_read_in_the_zone_and_format_of_the_field() -> None:
    rule = {"type": "datetime", "format": "%d.%m.%Y, %H:%M Uhr", "timezone": "Europe/Berlin"}
    assert value_of("<b>21.11.2026, 08:30 Uhr</b>", **rule) == datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"items": "int"}, 'items is for type = "list"'),
        ({"type": "list", "items": "list"}, "a list of lists"),
        ({"timezone": "UTC"}, "timezone is for the types datetime and date"),
        ({"type": "datetime", "timezone": "Europe/Atlantis"}, "is no time zone"),
        ({"type": "int", "format": "%d"}, "format is for the types datetime and date"),
        ({"type": "datetime", "format": "%d.%m.%Y"}, "tells no time of day"),
        ({"type": "list", "items": "date", "format": "%d.%m."}, "does not tell year"),
        ({"type": "int", "default": "many"}, "'many' is not a whole number"),
        ({"type": "list", "default": "x"}, "the default of a list is a list"),
        ({"type": "list", "items": "int", "default": ["x"]}, "'x' is not a whole number"),
        ({"default": 5}, "the default of a text is a text"),
        ({"default": "x", "required": True}, "never missing; leave required out"),
        ({"transform": "trim"}, "Input should be 'strip', 'collapse'"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_read(rule: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        FieldRule.model_validate({"css": "b", **rule})
