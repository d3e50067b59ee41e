"""A field's text as a value of its type. Strict: what is not plainly of the type is refused."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from scraper.errors import shown
from scraper.models import Scalar
from scraper.rows.field_rules import FieldType

MAX_TEXT_UNITS = 32_000
"""UTF-16 units of one text value; a table property holds 64 KiB."""
_INT = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_DECIMAL = re.compile(r"[+-]?(?=[0-9.]{1,38}$)([0-9]+(\.[0-9]+)?|\.[0-9]+)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_value(text: str, field_type: FieldType) -> Scalar:
    """`text`, already trimmed, as a value of `field_type`.

    Numbers are ASCII digits with a point and no thousands separators; bool is true/yes/1 or false/no/0;
    dates are ISO 8601; a datetime without an offset is read as UTC. Raises ValueError, which says why.
    """
    return _PARSERS[field_type](text)


def _parse_str(text: str) -> str:
    # A character outside the basic plane takes two UTF-16 units; counting is only needed near the limit.
    if len(text) * 2 > MAX_TEXT_UNITS and len(text.encode("utf-16-le")) // 2 > MAX_TEXT_UNITS:
        raise ValueError(f"the text is longer than {MAX_TEXT_UNITS} characters")
    return text


def _parse_int(text: str) -> int:
    if not _INT.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a whole number")
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{shown(text)} does not fit 64 bits")
    return number


def _parse_float(text: str) -> float:
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    if not math.isfinite(number):
        raise ValueError(f"{shown(text)} is not a number")
    return number


def _parse_decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a decimal number")
    return Decimal(text)


def _parse_bool(text: str) -> bool:
    value = _BOOLS.get(text.lower())
    if value is None:
        raise ValueError(f"{shown(text)} is none of true, yes, 1, false, no, 0")
    return value


def _parse_date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a date like 2024-03-01")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{shown(text)} is not a date ({error})") from error


def _parse_datetime(text: str) -> datetime:
    if not _DATETIME.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a time like 2024-03-01T12:00:00Z")
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{shown(text)} is not a time ({error})") from error


_PARSERS: Mapping[FieldType, Callable[[str], Scalar]] = {
    FieldType.STR: _parse_str,
    FieldType.INT: _parse_int,
    FieldType.FLOAT: _parse_float,
    FieldType.DECIMAL: _parse_decimal,
    FieldType.BOOL: _parse_bool,
    FieldType.DATE: _parse_date,
    FieldType.DATETIME: _parse_datetime,
}
