"""Markup that would take the parser minutes is refused before it is parsed."""

import re

from scraper.errors import ExtractError
from scraper.models import Reason

_UNSUSPICIOUS_TAGS = 5000
_MAX_COST = 100_000_000
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
# A start tag of these ends its predecessor, so they nest only inside other elements, which are counted.
_CLOSED_BY_NEXT = frozenset(
    ["li", "dt", "dd", "tr", "td", "th", "option", "optgroup", "p", "rt", "rp", "thead", "tbody", "tfoot", "a"]
)
_UNCOUNTED = frozenset({*_VOID, *_CLOSED_BY_NEXT})


def refuse_bomb(text: str, *, url: str) -> None:
    """Raise ExtractError (too_complex) for markup whose nesting makes parsing quadratic.

    HTML's rules search the open elements at nearly every tag, so time grows with tags times depth: 1 MB of
    `<div>` costs minutes. Pages of ordinary size are passed by one count.
    """
    if text.count("<") <= _UNSUSPICIOUS_TAGS:
        return
    tags, depth = _tags_and_depth(text)
    if tags * depth > _MAX_COST:
        raise ExtractError(url, Reason.TOO_COMPLEX, f"{tags} tags nested up to {depth} deep")


def _tags_and_depth(text: str) -> tuple[int, int]:
    opened: dict[str, int] = {}
    tags = depth = deepest = 0
    for closing, name in _TAG.findall(text):
        tags += 1
        tag = name.lower()
        if tag in _UNCOUNTED:
            continue
        if not closing:
            opened[tag] = opened.get(tag, 0) + 1
            depth += 1
            deepest = max(deepest, depth)
        elif opened.get(tag, 0) > 0:
            opened[tag] -= 1
            depth -= 1
    return tags, deepest
