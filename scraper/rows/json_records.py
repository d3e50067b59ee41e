"""Records of JSON, found by JMESPath."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from jmespath.exceptions import JMESPathError

from scraper.errors import ExtractError
from scraper.models import Reason
from scraper.rows.field_rules import FieldRule
from scraper.rows.json_paths import compiled_path
from scraper.rows.records import Records

_HALF_CHARACTERS = re.compile("[\ud800-\udfff]")
_LONGEST_EXPONENT = 40
_PATH_FAULTS = (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError)
"""What an expression raises that meets other types than it was written for."""


class _Number(float):
    """A number that keeps its digits, as prices must."""

    __slots__ = ("written",)  # there may be a million of them
    written: str

    def __new__(cls, written: str) -> "_Number":
        number = super().__new__(cls, written)
        number.written = written
        return number


_Number.__name__ = "float"  # JMESPath knows types by their names


def json_records(text: str, rows: str | None, *, url: str) -> Records:
    """The elements of the list at `rows`, or the document as one record. Raises ExtractError."""
    try:
        document = json.loads(text, parse_float=_Number, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ExtractError(url, Reason.TOO_COMPLEX, "the JSON is nested too deeply") from error
    except ValueError as error:
        raise ExtractError(url, Reason.MALFORMED, f"not JSON ({error})") from error
    if rows is None:
        return Records([_JsonRecord(document)], url)
    try:
        found = compiled_path(rows).search(document)
    except _PATH_FAULTS as error:
        raise ExtractError(url, Reason.NO_ROWS, f"rows {rows!r} cannot be read: {_one_line(error)}") from error
    if found is not None and not isinstance(found, list):
        raise ExtractError(url, Reason.NO_ROWS, f"rows {rows!r} is no list, but {_kind(found)}")
    return Records([_JsonRecord(one) for one in found or ()], url)


class _JsonRecord:
    def __init__(self, value: Any) -> None:
        self._value = value

    def first(self, rule: FieldRule) -> str:
        return _text(self._found(rule))

    def every(self, rule: FieldRule) -> Iterable[str]:
        found = self._found(rule)
        return map(_text, found if isinstance(found, list) else [found])

    def _found(self, rule: FieldRule) -> Any:
        try:
            return compiled_path(rule.path or "@").search(self._value)
        except _PATH_FAULTS as error:
            raise ValueError(f"the path cannot be read: {_one_line(error)}") from error


def _text(value: Any) -> str:
    """A single JSON value as the text that a field is read from; "" for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _HALF_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", value).strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Number):
        return _without_exponent(value.written)
    if isinstance(value, int | float):
        return str(value)
    raise ValueError(f"one value is wanted, and there is {_kind(value)}")


def _without_exponent(written: str) -> str:
    """`1.5E-7` as 0.00000015, unless that would be very long."""
    if "e" not in written.lower():
        return written
    try:
        number = Decimal(written)
    except InvalidOperation:
        return written
    return f"{number:f}" if abs(number.adjusted()) <= _LONGEST_EXPONENT else written


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else f"the value {str(value)[:40]!r}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
