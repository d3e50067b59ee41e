"""A text as a value of a type. Strict: what is not plainly of the type is refused."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from scraper.errors import shown
from scraper.models import Scalar, value_as_json
from scraper.rows.moments import Clockwork

MAX_TEXT_UNITS = 32_000
"""UTF-16 units of one text value; a table property holds 64 KiB."""
_INT = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_DECIMAL = re.compile(r"[+-]?(?=[0-9.]{1,38}$)([0-9]+(\.[0-9]+)?|\.[0-9]+)")
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


ISO = Clockwork()


class FieldType(StrEnum):
    """What a field's text is read as."""

    STR = "str"
    INT = "int"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOL = "bool"
    DATE = "date"
    DATETIME = "datetime"
    LIST = "list"


def parse_value(text: str, field_type: FieldType, clockwork: Clockwork = ISO) -> Scalar:
    """`text`, already trimmed, as a value of `field_type`, which is no list; `clockwork` reads dates and times.

    Numbers are ASCII digits with a point and no thousands separators; bool is true/yes/1 or false/no/0. Raises
    ValueError, which says why.
    """
    if field_type is FieldType.DATETIME:
        return clockwork.moment(text)
    if field_type is FieldType.DATE:
        return clockwork.day(text)
    return _PARSERS[field_type](text)


def check_list_fits(values: Sequence[Scalar]) -> None:
    """Raise ValueError for a list that is too long to be stored."""
    text = json.dumps([value_as_json(value) for value in values], ensure_ascii=False)
    if _units(text) > MAX_TEXT_UNITS:
        raise ValueError(f"the list is longer than {MAX_TEXT_UNITS} characters")


def _units(text: str) -> int:
    # A character outside the basic plane takes two UTF-16 units; counting is only needed near the limit.
    return len(text) * 2 if len(text) * 2 <= MAX_TEXT_UNITS else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _parse_str(text: str) -> str:
    if _units(text) > MAX_TEXT_UNITS:
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
    return number + 0.0  # -0.0 would come back without its sign, and look like a change


def _parse_decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a decimal number")
    return Decimal(text)


def _parse_bool(text: str) -> bool:
    value = _BOOLS.get(text.lower())
    if value is None:
        raise ValueError(f"{shown(text)} is none of true, yes, 1, false, no, 0")
    return value


_PARSERS: Mapping[FieldType, Callable[[str], Scalar]] = {
    FieldType.STR: _parse_str,
    FieldType.INT: _parse_int,
    FieldType.FLOAT: _parse_float,
    FieldType.DECIMAL: _parse_decimal,
    FieldType.BOOL: _parse_bool,
}
