"""What can be done with a field's text before it is read as a value: a small set, each by its name."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from scraper.rows.markup_guard import refuse_bomb
from scraper.rows.numbers import number_reader
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
    read = number_reader(point, groups)
    return lambda text, _base: read(text)


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
