"""Text into typed values: strict."""

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.models import Scalar, value_as_json
from scraper.rows.typed_values import MAX_TEXT_UNITS, FieldType, parse_value


@pytest.mark.parametrize("text", ["12.50", "0.00000012", "0.0000000", "-0.5", "100000000000000000000000000"])
def test_a_decimal_is_shown_with_its_digits_and_without_an_exponent(text: str) -> None:
    assert value_as_json(parse_value(text, FieldType.DECIMAL)) == text
    assert value_as_json([parse_value(text, FieldType.DECIMAL)]) == [text]


@pytest.mark.parametrize(
    ("text", "field_type", "value"),
    [
        ("+7", FieldType.INT, 7),
        ("-0.5e3", FieldType.FLOAT, -500.0),
        ("12.50", FieldType.DECIMAL, Decimal("12.50")),
        ("Yes", FieldType.BOOL, True),
        ("0", FieldType.BOOL, False),
        ("2024-02-29", FieldType.DATE, date(2024, 2, 29)),
        ("2024-03-01T12:00:00+02:00", FieldType.DATETIME, datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01 12:00", FieldType.DATETIME, datetime(2024, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_text_plainly_of_its_type_is_read(text: str, field_type: FieldType, value: Scalar) -> None:
    assert parse_value(text, field_type) == value


@pytest.mark.parametrize(
    ("text", "field_type"),
    [
        ("1,234", FieldType.INT),
        ("1_000", FieldType.INT),
        ("٣", FieldType.INT),
        ("9223372036854775808", FieldType.INT),
        ("nan", FieldType.FLOAT),
        ("1e999", FieldType.FLOAT),
        ("1e3", FieldType.DECIMAL),
        ("1.2.3", FieldType.DECIMAL),
        ("maybe", FieldType.BOOL),
        ("2024-02-30", FieldType.DATE),
        ("20240101", FieldType.DATE),
        ("0001-01-01T00:00+10:00", FieldType.DATETIME),
        ("2024-03-01", FieldType.DATETIME),
        ("x" * (MAX_TEXT_UNITS + 1), FieldType.STR),
        ("𝄞" * (MAX_TEXT_UNITS // 2 + 1), FieldType.STR),
    ],
)
def test_text_not_plainly_of_its_type_is_refused(text: str, field_type: FieldType) -> None:
    with pytest.raises(ValueError, match=r"is n|fit 64|longer than"):
        parse_value(text, field_type)


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_every_64_bit_integer_comes_back(number: int) -> None:
    assert parse_value(str(number), FieldType.INT) == number


@pytest.mark.parametrize("text", ["-0", "-0.0", "-.0e5"])
def test_zero_has_no_sign_since_not_every_storage_keeps_it(text: str) -> None:
    assert str(parse_value(text, FieldType.FLOAT)) == "0.0"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_comes_back(number: float) -> None:
    assert parse_value(repr(number), FieldType.FLOAT) == number


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_every_decimal_keeps_its_digits(number: Decimal) -> None:
    assert str(parse_value(f"{number:f}", FieldType.DECIMAL)) == f"{number:f}"


@given(st.dates())
def test_every_date_comes_back(day: date) -> None:
    assert parse_value(day.isoformat(), FieldType.DATE) == day


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_utc_time_comes_back(moment: datetime) -> None:
    assert parse_value(moment.isoformat(), FieldType.DATETIME) == moment


@given(st.text(max_size=60), st.sampled_from([one for one in FieldType if one is not FieldType.LIST]))
def test_any_text_is_a_value_or_a_value_error(text: str, field_type: FieldType) -> None:
    with suppress(ValueError):
        parse_value(text, field_type)
