"""Markup that would take the parser minutes, or all memory, is refused before it is parsed."""

import re

from scraper.errors import ExtractError
from scraper.models import Reason

_UNSUSPICIOUS_TAGS = 1000
_MAX_SEARCHES = 100_000_000
"""Looks at an open element; about half a second."""
_MAX_COPIES = 500_000
"""Formatting elements that the parser may have to repeat; about 200 MB."""
_MAX_ELEMENTS = 750_000
"""Start tags of a page; each takes the parser and us up to 500 bytes."""
_FEW_ATTRIBUTES = 1000
_MAX_COMPARISONS = 400_000_000
"""Of attributes with those before them in their tag; about a second."""
_FEW_CHARACTERS = 50_000
"""A shorter page may have what attributes it likes."""
_MAX_SCANNED = 30_000_000
"""Characters that are looked through for attributes; about a second, and many times what pages of people need."""
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)([^>]*)")
_START = re.compile(r"<[a-zA-Z]")
# As the parser reads them: a `>` inside of quotes ends no tag.
_ATTRIBUTE = re.compile(
    r"[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'>][^\s>]*+)?+)?+", re.ASCII
)
_ATTRIBUTES = re.compile(f"(?:{_ATTRIBUTE.pattern})*+", re.ASCII)
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

    HTML's rules search the open elements at nearly every tag: 1 MB of `<div>` costs minutes. They repeat
    unclosed formatting elements in every later paragraph: 20 KB can become a gigabyte. And of the attributes of a tag,
    each is compared with all others. Small pages are passed by one count.
    """
    if len(text) > _FEW_CHARACTERS:
        _refuse_endless_tags(text, url)
    if text.count("<") <= _UNSUSPICIOUS_TAGS:
        return
    census = _Census()
    for tag in _TAG.finditer(text):
        census.add(tag[2].lower(), tag[3], is_end=bool(tag[1]))
        if census.elements > _MAX_ELEMENTS:
            raise ExtractError(url, Reason.TOO_COMPLEX, f"more than {_MAX_ELEMENTS} elements")
    if census.tags * census.deepest > _MAX_SEARCHES or census.tags * census.most_formatting > _MAX_COPIES:
        detail = f"{census.tags} tags, up to {census.deepest} deep, with {census.most_formatting} unclosed formats"
        raise ExtractError(url, Reason.TOO_COMPLEX, detail)


def _refuse_endless_tags(text: str, url: str) -> None:
    """Refuse text with tags of very many attributes, wherever tags may begin: also in what looks like a comment."""
    left, comparisons, counted = _MAX_SCANNED, 0, 0
    for start in _START.finditer(text):
        found = _ATTRIBUTES.match(text, start.end())
        end = start.end() if found is None else found.end()
        left -= end - start.end()
        if end - start.end() > 2 * _FEW_ATTRIBUTES and end != counted:  # else it was a part of another one
            attributes = sum(1 for _ in _ATTRIBUTE.finditer(text, start.end(), end))
            comparisons += attributes**2 if attributes > _FEW_ATTRIBUTES else 0
            counted = end
        if left < 0 or comparisons > _MAX_COMPARISONS:
            raise ExtractError(url, Reason.TOO_COMPLEX, "a tag, or what looks like one, has too many attributes")


class _Census:
    """How many tags there are, and how many elements are open at the same time at most."""

    def __init__(self) -> None:
        self.tags = self.elements = self.deepest = self.most_formatting = 0
        self._depth = self._formatting = 0
        self._open: dict[str, int] = {}
        self._formats: dict[str, list[str]] = {}

    def add(self, tag: str, attributes: str, *, is_end: bool) -> None:
        self.tags += 1
        self.elements += not is_end
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
