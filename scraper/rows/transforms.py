"""What can be done with a field's text before it is read as a value: a small set, each by its name."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from scraper.errors import shown
from scraper.rows.markup_guard import refuse_bomb
from scraper.rows.shown_text import shown_text


class Transform(StrEnum):
    """A change of a field's text."""

    STRIP = "strip"  # white space at both ends, zero-width characters included
    COLLAPSE = "collapse"  # each run of white space is one space
    LOWER = "lower"
    UPPER = "upper"
    DIGITS = "digits"  # the digits 0 to 9, and nothing else
    NUMBER_EN = "number_en"  # the number in the text, written as in 1,234.50
    NUMBER_DE = "number_de"  # the number in the text, written as in 1.234,50
    ABSOLUTE_URL = "absolute_url"  # a reference, as seen from the page
    HTML_TEXT = "html_text"  # markup in the text, as in many feeds, as the text that it shows


_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_SPACES = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}"
_SIGNS = "-+\N{MINUS SIGN}"
# A point or comma in front belongs to the number, as in `$.99`, unless it ends a word, as in `No.5`.
_NUMBER_LIKE = re.compile(
    rf"(?:(?<!\w)[{_SIGNS}])?(?:(?<![\w.,])[.,])?\d(?:[\d.,{_APOSTROPHES}]|[{_SPACES}](?=\d))*", re.ASCII
)


def apply_transform(transform: Transform, text: str, *, base: str) -> str:
    """`text` changed; `base` is what references of the page are resolved with. Raises ValueError, which says why."""
    return _TRANSFORMS[transform](text, base)


def _strip(text: str, _base: str) -> str:
    before = ""
    while text != before:
        before, text = text, text.strip().strip(_ZERO_WIDTH)
    return text


def _collapse(text: str, _base: str) -> str:
    return " ".join(text.split())


def _lower(text: str, _base: str) -> str:
    return text.lower()


def _upper(text: str, _base: str) -> str:
    return text.upper()


def _digits(text: str, _base: str) -> str:
    return re.sub(r"[^0-9]+", "", text)


def _number(point: str, groups: str) -> Callable[[str, str], str]:
    """Reads the only number of a text; groups of thousands have three digits and one kind of mark."""
    grouped = rf"\d{{1,3}}(?P<mark>[{re.escape(groups)}{_APOSTROPHES}{_SPACES}])\d{{3}}(?:(?P=mark)\d{{3}})*"
    fraction = rf"{re.escape(point)}(?P<part>\d+)"
    grammar = re.compile(rf"(?P<whole>{grouped}|\d+|(?={re.escape(point)}))(?:{fraction})?", re.ASCII)

    def read(text: str, _base: str) -> str:
        found = [one.rstrip(".," + _APOSTROPHES) for one in _NUMBER_LIKE.findall(text)]
        if len(found) != 1:
            raise ValueError(f"{shown(text)} has {len(found) or 'no'} numbers; a regex can pick one")
        sign = "-" if found[0][0] in "-\N{MINUS SIGN}" else ""
        match = grammar.fullmatch(found[0].lstrip(_SIGNS))
        if match is None:
            raise ValueError(f"{shown(text)} has no number that is written like 1{groups}234{point}50")
        return sign + (re.sub(r"\D", "", match["whole"]) or "0") + (f".{match['part']}" if match["part"] else "")

    return read


def _html_text(text: str, base: str) -> str:
    refuse_bomb(text, url=base)
    root = LexborHTMLParser(text).root
    return "" if root is None else shown_text(root)


_TRANSFORMS: Mapping[Transform, Callable[[str, str], str]] = {
    Transform.STRIP: _strip,
    Transform.COLLAPSE: _collapse,
    Transform.LOWER: _lower,
    Transform.UPPER: _upper,
    Transform.DIGITS: _digits,
    Transform.NUMBER_EN: _number(".", ","),
    Transform.NUMBER_DE: _number(",", "."),
    Transform.ABSOLUTE_URL: lambda text, base: urljoin(base, text),
    Transform.HTML_TEXT: _html_text,
}
