"""Inline route constraints: which values a parameter such as `{id:int}` accepts.

Source: dotnet/aspnetcore, src/Http/Routing/src/Constraints; values are parsed culture-invariantly.
"""

import math
import re
from collections.abc import Callable
from datetime import datetime

Constraint = Callable[[str], bool]

_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
_DECIMAL = re.compile(r"\s*[+-]?([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)[+-]?\s*")
_FLOAT = re.compile(r"\s*[+-]?([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_FLOAT_WORDS = frozenset({"nan", "infinity", "-infinity", "+infinity", "-nan", "∞", "-∞"})
_HEX = r"[0-9a-fA-F]"
_DASHED = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_GUID = re.compile(rf"\s*({_HEX}{{32}}|{_DASHED}|\{{{_DASHED}\}}|\({_DASHED}\))\s*")
_ALPHA = re.compile(r"[A-Za-z]*")
_INT32, _INT64 = 2**31, 2**63
_DECIMAL_LIMIT = 2**96
_DATE_FORMATS = tuple(
    f"{day}{time}"
    for day in ("%m-%d-%Y", "%Y-%m-%d", "%Y.%m.%d", "%m.%d.%Y", "%d %b %Y", "%d %B %Y", "%B %d, %Y", "%b %d, %Y")
    for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
)


class UnknownConstraint(ValueError):
    """The constraint does not exist or its arguments do not fit; the message says which."""


def compile_constraint(text: str) -> Constraint:
    """The test for one constraint as written, for example `int` or `length(2,5)`.

    Raises UnknownConstraint.
    """
    name, opened, rest = text.partition("(")
    if not opened:
        plain = _PLAIN.get(name.lower())
        if plain is None:
            raise UnknownConstraint(f"the constraint '{text}' does not exist")
        return plain
    if not rest.endswith(")"):
        raise UnknownConstraint(f"the constraint '{text}' lacks its closing parenthesis")
    arguments = rest[:-1]
    if name.lower() == "regex":
        return _regex(arguments)
    build = _WITH_NUMBERS.get((name.lower(), arguments.count(",") + 1))
    if build is None:
        raise UnknownConstraint(f"the constraint '{text}' does not exist or has the wrong number of arguments")
    numbers = [part.strip() for part in arguments.split(",")]
    if not all(_INTEGER.fullmatch(number) for number in numbers):
        raise UnknownConstraint(f"the arguments of the constraint '{text}' must be whole numbers")
    return build(*(int(number) for number in numbers))


def _whole_number(text: str, limit: int) -> int | None:
    if not _INTEGER.fullmatch(text) or len(text.strip()) > 64:
        return None
    number = int(text)
    return number if -limit <= number < limit else None


def _is_decimal(text: str) -> bool:
    if not _DECIMAL.fullmatch(text) or len(re.findall(r"[+-]", text)) > 1:
        return False
    digits = text.strip().strip("+-").replace(",", "").split(".")[0]
    return int(digits or "0") < _DECIMAL_LIMIT


def _is_float(text: str) -> bool:
    return bool(_FLOAT.fullmatch(text)) or text.strip().lower() in _FLOAT_WORDS


def _is_datetime(text: str) -> bool:
    text = text.strip()
    return _is_iso(text) or any(_has_format(text, one) for one in _DATE_FORMATS)


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    # Python also reads 20240131 and week dates, which .NET refuses.
    return re.match(r"\d{4}-\d{1,2}-\d", text) is not None


def _has_format(text: str, layout: str) -> bool:
    try:
        datetime.strptime(text, layout)  # noqa: DTZ007 - only whether it parses counts
    except ValueError:
        return False
    return True


def _is_file(text: str) -> bool:
    name = text.rpartition("/")[2]
    return any(character != "." for character in name.partition(".")[2])


def _regex(pattern: str) -> Constraint:
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise UnknownConstraint(f"the expression of regex({pattern}) is invalid: {error}") from error
    return lambda text: compiled.search(text) is not None


def _in_range(low: float, high: float) -> Constraint:
    def accepts(text: str) -> bool:
        number = _whole_number(text, _INT64)
        return number is not None and low <= number <= high

    return accepts


def _has_length(low: float, high: float) -> Constraint:
    return lambda text: low <= len(text) <= high


_PLAIN: dict[str, Constraint] = {
    "int": lambda text: _whole_number(text, _INT32) is not None,
    "long": lambda text: _whole_number(text, _INT64) is not None,
    "bool": lambda text: text.strip().lower() in {"true", "false"},
    "guid": lambda text: _GUID.fullmatch(text) is not None,
    "decimal": _is_decimal,
    "double": _is_float,
    "float": _is_float,
    "datetime": _is_datetime,
    "alpha": lambda text: _ALPHA.fullmatch(text) is not None,
    "required": lambda text: text != "",
    "file": _is_file,
    "nonfile": lambda text: not _is_file(text),
}
_WITH_NUMBERS: dict[tuple[str, int], Callable[..., Constraint]] = {
    ("minlength", 1): lambda low: _has_length(low, math.inf),
    ("maxlength", 1): lambda high: _has_length(0, high),
    ("length", 1): lambda exact: _has_length(exact, exact),
    ("length", 2): _has_length,
    ("min", 1): lambda low: _in_range(low, math.inf),
    ("max", 1): lambda high: _in_range(-math.inf, high),
    ("range", 2): _in_range,
}
