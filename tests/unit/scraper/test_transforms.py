"""Changes of a field's text before it becomes a value."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import ExtractError
from scraper.rows.transforms import Transform, apply_transform

BASE = "https://books.example/list/1.html"


@pytest.mark.parametrize(
    ("transform", "text", "changed"),
    [
        ("strip", "\u200b\u00a0 a  b \ufeff ", "a  b"),
        ("collapse", " a \n\t b\u00a0c ", "a b c"),
        ("lower", "Ärger", "ärger"),
        ("upper", "straße", "STRASSE"),
        ("digits", "1 234 in stock", "1234"),
        ("digits", "sold out", ""),
        ("number_en", "£1,234.50", "1234.50"),
        ("number_en", "1,234,567 copies.", "1234567"),
        ("number_en", "only 7.", "7"),
        ("number_en", "-0.5 %", "-0.5"),
        ("number_en", "$.99", "0.99"),
        ("number_en", "-.5", "-0.5"),
        ("number_en", "No.5", "5"),
        ("number_en", "... 7", "7"),
        ("number_de", ",50 €", "0.50"),
        ("number_de", "1.234,50 €", "1234.50"),
        ("number_de", "1.234 Stück", "1234"),
        ("number_de", "CHF 1\N{RIGHT SINGLE QUOTATION MARK}234,05", "1234.05"),
        ("number_de", "1\u202f234\u202f567,8", "1234567.8"),
        ("number_de", "\N{MINUS SIGN}3,5 °C", "-3.5"),
        ("absolute_url", "../a?b=1", "https://books.example/a?b=1"),
        ("absolute_url", "https://cdn.example/x", "https://cdn.example/x"),
        ("html_text", "<p>Fish &amp; <b>chips</b></p>\n<p>daily</p>", "Fish & chips daily"),
    ],
)
def test_a_transform_changes_a_text(transform: str, text: str, changed: str) -> None:
    assert apply_transform(Transform(transform), text, base=BASE) == changed


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        ("number_en", "1.234,50"),
        ("number_en", "12,34"),
        ("number_en", "1,234 567"),
        ("number_de", "1,234.50"),
        ("number_de", "1.23"),
        ("number_de", "12.34.56"),
        ("number_en", ",50"),
        ("number_de", ".50"),
        ("number_en", "2 for 10"),
        ("number_en", "10-20"),
        ("number_en", "sold out"),
        ("number_en", "٣"),
    ],
)
def test_a_number_that_can_be_misread_is_refused(transform: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"numbers; a regex|that is written like"):
        apply_transform(Transform(transform), text, base=BASE)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_numbers_in_english_and_german_come_back(number: Decimal) -> None:
    english = f"{number:,.2f}"
    german = english.replace(",", "_").replace(".", ",").replace("_", ".")
    assert Decimal(apply_transform(Transform.NUMBER_EN, english, base=BASE)) == number
    assert Decimal(apply_transform(Transform.NUMBER_DE, german, base=BASE)) == number


@given(st.text(max_size=60), st.sampled_from(list(Transform)))
def test_any_text_is_changed_or_refused_for_a_reason(text: str, transform: Transform) -> None:
    with suppress(ValueError, ExtractError):
        assert isinstance(apply_transform(transform, text, base=BASE), str)
