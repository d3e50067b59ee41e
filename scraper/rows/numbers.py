"""The one number in a text that is written for people, with its sign. What can be misread is refused."""

import re
from collections.abc import Callable
from typing import Final
from unicodedata import category

from scraper.errors import shown

_SPACES: Final = " \u00a0\u2009\u202f"
_APOSTROPHES: Final = "'\N{RIGHT SINGLE QUOTATION MARK}"
_MINUSES: Final = "\\-\u2212\u207b\ufe63\uff0d"
_DASHES: Final = f"{_MINUSES}\u2010-\u2015"
_SYMBOLS: Final = "$\u00a2-\u00a5\u058f\u060b\u09f2\u09f3\u0e3f\u17db\u20a0-\u20c0\ufdfc\ufe69\uff04\uffe0\uffe1\uffe5"
_CODES: Final = (
    "EUR|USD|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|UAH|BRL|MXN|ZAR|ILS|SGD|HKD|KRW"
)
_UNIT: Final = rf"(?:(?:\b[A-Z]{{1,3}})?[{_SYMBOLS}]|\b(?:{_CODES})\b|\b(?:kr|z\u0142|K\u010d|Fr|Rs)\b\.?|[%\u2030])"
# A point or comma in front belongs to the number, as in `$.99`, unless it ends a word, as in `No.5`.
_NUMBER_LIKE: Final = re.compile(rf"(?:(?<![\w.,])[.,])?\d(?:[\d.,{_APOSTROPHES}]|[{_SPACES}](?=\d))*", re.ASCII)
_SIDE: Final = re.compile(rf"\s*+(?:{_UNIT}\s*+)?(?P<sign>[{_DASHES}+])?\s*+(?:{_UNIT}\s*+)?")
"""What stands on one side of the number, if there is nothing but the number, a unit and a sign."""
_NO_WORDS: Final = re.compile(rf"(?:[\s()+{_DASHES}]|{_UNIT})*")
_ROUND_PRICE: Final = re.compile(rf"\s?[{_DASHES}]{{1,2}}")
"""What stands for no cents, after the comma of `5,-`."""
_DASH_BEFORE: Final = re.compile(rf"(?P<dash>[{_DASHES}])(?P<gap>\s*+(?:{_UNIT}\s*+)?)\Z")
_DASH_AFTER: Final = re.compile(rf"(?P<gap>\s*+(?:{_UNIT}\s*+)?)[{_DASHES}](?P<next>.?)", re.DOTALL)
_UNCLEAR_BEFORE: Final = re.compile(
    rf"\xb1\s*+\Z|[{_DASHES}]\s*+\+\s*+\Z|\A\s*+[{_DASHES}]\s*+[^\W\d_]{{1,4}}\.?\s*+\Z"
)
_MAY_STAND_BEFORE_A_MINUS: Final = re.compile(rf"[\s(\[:=<>~{_SYMBOLS}]")
_IS_MINUS: Final = re.compile(f"[{_MINUSES}]")


class _Unclear(Exception):
    """Nobody can tell whether the number is negative."""


def number_reader(point: str, groups: str) -> Callable[[str], str]:
    """Reads the only number of a text; groups of thousands have three digits and one kind of mark.

    The reader gives it as digits with a point, and a minus if the text has one before or after the number or its
    currency. It raises ValueError for no number, several, another notation, or a sign that is none for certain.
    """
    grouped = rf"\d{{1,3}}(?P<mark>[{re.escape(groups)}{_APOSTROPHES}{_SPACES}])\d{{3}}(?:(?P=mark)\d{{3}})*"
    fraction = rf"{re.escape(point)}(?P<part>\d+)"
    grammar = re.compile(rf"(?P<whole>{grouped}|\d+|(?={re.escape(point)}))(?:{fraction})?", re.ASCII)

    def read(text: str) -> str:
        # Marks of direction and the like are not seen, and stand between a sign and its number.
        seen = "".join(one for one in text if category(one) != "Cf")
        found = list(_NUMBER_LIKE.finditer(seen))
        if len(found) != 1:
            raise ValueError(f"{shown(text)} has {len(found) or 'no'} numbers; a regex can pick one")
        match = grammar.fullmatch(found[0][0].rstrip(".," + _APOSTROPHES))
        if match is None:
            raise ValueError(f"{shown(text)} has no number that is written like 1{groups}234{point}50")
        try:
            sign = "-" if _is_negative(seen, found[0]) else ""
        except _Unclear as error:
            raise ValueError(f"{shown(text)} may have a negative number, or not; a regex can pick it") from error
        return sign + (re.sub(r"\D", "", match["whole"]) or "0") + (f".{match['part']}" if match["part"] else "")

    return read


def _is_negative(text: str, number: re.Match[str]) -> bool:
    before, after = text[: number.start()], text[number.end() :]
    if number[0][-1] in ".,":
        after = _ROUND_PRICE.sub("", after, count=1)
    left, right = _SIDE.fullmatch(before), _SIDE.fullmatch(after)
    if left is not None and right is not None:
        return _is_negative_alone(left, number[0], right)
    is_in_brackets = "(" in before and ")" in after
    if is_in_brackets and _NO_WORDS.fullmatch(before) and _NO_WORDS.fullmatch(after):
        raise _Unclear  # a debt in accounting, a number of reviews elsewhere
    _check_after(after)
    return _has_minus_before(before, number[0])


def _is_negative_alone(left: re.Match[str], number: str, right: re.Match[str]) -> bool:
    """Whether a number is negative that has nothing but a unit and signs around it."""
    if left["sign"] and right["sign"]:
        raise _Unclear
    if right["sign"] and right["sign"] != "+":
        # `1984-` is the begin of a range, and so is whatever has a long dash.
        has_unit = left[0].strip() or len(right[0].strip()) > 1
        if not _IS_MINUS.match(right["sign"]) or not (has_unit or re.search(r"[.,]\d", number)):
            raise _Unclear
        return True
    return bool(left["sign"]) and left["sign"] != "+" and _is_sign_of(left["sign"], number)


def _is_sign_of(dash: str, number: str) -> bool:
    if number[0] in ".," and not _IS_MINUS.match(dash):  # a price without francs, or a negative one
        raise _Unclear
    return True


def _has_minus_before(before: str, number: str) -> bool:
    """Whether a number is negative that has this before it, words included."""
    if _UNCLEAR_BEFORE.search(before):
        raise _Unclear
    found = _DASH_BEFORE.search(before)
    if found is None:
        return False
    is_tight = not re.search(r"\s", found["gap"])
    is_minus = _IS_MINUS.match(found["dash"]) is not None
    earlier = before[: found.start()]
    if earlier[-1:].isalnum() and not found["gap"] and (found["dash"] == "-" or not is_minus):
        return False  # a hyphen in a word
    if is_tight and not earlier.strip():
        return _is_sign_of(found["dash"], number)
    if is_tight and is_minus and _MAY_STAND_BEFORE_A_MINUS.match(earlier[-1:]):
        return True
    raise _Unclear


def _check_after(after: str) -> None:
    """Raise _Unclear if there may be a minus after the number, and not a hyphen or a dash between two parts."""
    found = _DASH_AFTER.match(after)
    if found is None or found["next"].isalnum():
        return
    if not (found["gap"][-1:].isspace() and found["next"].isspace()):
        raise _Unclear
