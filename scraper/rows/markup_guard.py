"""Markup that would take the parser minutes, or all memory, is refused before it is parsed."""

import re

from scraper.errors import ExtractError
from scraper.models import Reason

_UNSUSPICIOUS_TAGS = 1000
_MAX_SEARCHES = 100_000_000
"""Looks at an open element; about half a second."""
_MAX_COPIES = 500_000
"""Formatting elements that the parser may have to repeat; about 200 MB."""
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)([^>]*)")
_WHOLE_ATTRIBUTES = re.compile(r"(?:\s+[\w-]+(?:=(?:\"[^\">]*\"|'[^'>]*'|[^\s\"'>]+))?)*\s*/?")
_VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
# A start tag of these ends its predecessor, so they nest only inside other elements, which are counted.
_CLOSED_BY_NEXT = ("li", "dt", "dd", "tr", "td", "th", "option", "optgroup", "p", "rt", "rp", "thead", "tbody", "a")
_UNCOUNTED = frozenset({*_VOID, *_CLOSED_BY_NEXT})
_FORMATTING = frozenset({"b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"})
_MAX_ALIKE = 3
"""The parser repeats at most three formatting elements that are alike. Source: HTML Standard, 13.2.4.3."""


def refuse_bomb(text: str, *, url: str) -> None:
    """Raise ExtractError (too_complex) for markup whose cost grows with the square of its length.

    HTML's rules search the open elements at nearly every tag: 1 MB of `<div>` costs minutes. And they repeat
    unclosed formatting elements in every later paragraph: 20 KB can become a gigabyte. Small pages are passed
    by one count.
    """
    if text.count("<") <= _UNSUSPICIOUS_TAGS:
        return
    census = _Census()
    for closing, name, attributes in _TAG.findall(text):
        census.add(name.lower(), attributes, is_end=bool(closing))
    if census.tags * census.deepest > _MAX_SEARCHES or census.tags * census.most_formatting > _MAX_COPIES:
        detail = f"{census.tags} tags, up to {census.deepest} deep, with {census.most_formatting} unclosed formats"
        raise ExtractError(url, Reason.TOO_COMPLEX, detail)


class _Census:
    """How many tags there are, and how many elements are open at the same time at most."""

    def __init__(self) -> None:
        self.tags = self.deepest = self.most_formatting = 0
        self._depth = self._formatting = 0
        self._open: dict[str, int] = {}
        self._formats: dict[str, list[str]] = {}

    def add(self, tag: str, attributes: str, *, is_end: bool) -> None:
        self.tags += 1
        if tag in _UNCOUNTED:
            return
        if tag in _FORMATTING:
            self._add_format(tag, attributes, is_end=is_end)
        count = self._open.get(tag, 0)
        if not is_end:
            self._open[tag] = count + 1
            self._depth += 1
            self.deepest = max(self.deepest, self._depth)
        elif count:
            self._open[tag] = count - 1
            self._depth -= 1

    def _add_format(self, tag: str, attributes: str, *, is_end: bool) -> None:
        opened = self._formats.setdefault(tag, [])
        if is_end:
            if opened:
                opened.pop()
                self._formatting -= 1
            return
        # A tag whose end was guessed wrongly is like no other: hostile markup must not look alike on purpose.
        is_certain = _WHOLE_ATTRIBUTES.fullmatch(attributes) is not None
        if is_certain and opened[-_MAX_ALIKE:].count(attributes) == _MAX_ALIKE:
            return
        opened.append(attributes if is_certain else f"unlike {self.tags}")
        self._formatting += 1
        self.most_formatting = max(self.most_formatting, self._formatting)
