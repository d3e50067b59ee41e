"""Selectors with what to take of the elements that they match."""

import re
from dataclasses import dataclass
from functools import cache

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

_PART = re.compile(r"^(?P<css>.*?)(?:::(?P<text>text)|::attr\(\s*(?P<attribute>[^\s()]+)\s*\))?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """The element at `css` ("" is the row itself) and its `attribute` (None is its text), in lower case as in HTML."""

    css: str
    attribute: str | None
    attribute_as_written: str | None = None


def parse_target(css: str) -> Target:
    """`"h1"` and `"h1::text"` → text of h1; `"a::attr(href)"` → attribute; `"::text"` → the row itself.

    Raises ValueError if `css` names nothing, or has another `::` ending.
    """
    match = _PART.match(css.strip())
    if match is None or not css.strip():
        raise ValueError('a selector is needed, for example "h1::text" or "a::attr(href)"')
    selector, attribute = match["css"].strip(), match["attribute"]
    if re.search(r"::[\w-]+(\([^)]*\))?$", selector):
        raise ValueError(f"{css!r} ends neither in ::text nor in ::attr(name)")
    return Target(selector, attribute.lower() if attribute else None, attribute)


@cache
def _probe() -> LexborHTMLParser:
    return LexborHTMLParser("<p></p>")


def check_selector(css: str) -> None:
    """Raise ValueError if `css` is not a CSS selector that the parser knows."""
    try:
        _probe().css(css)
    except SelectolaxError as error:
        raise ValueError(f"{css!r} is not a CSS selector that the parser knows") from error
