"""How what was seen is compared with what a documentation promises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def difference(wanted: Any, found: Any, *, at: str = "") -> str | None:
    """The first difference in words, or None.

    A text that begins with `~` is a regular expression to be found in the text; of an object only the named members
    are compared; everything else must be equal.
    """
    where = at or "the answer"
    if isinstance(wanted, str) and wanted.startswith("~"):
        is_found = isinstance(found, str) and re.search(wanted[1:], found) is not None
        return None if is_found else f"{where} is {found!r}, wanted something like {wanted[1:]!r}"
    if isinstance(wanted, Mapping):
        return _difference_of_members(wanted, found, where)
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return next(filter(None, (difference(one, two, at=f"{where}[{n}]") for n, (one, two) in pairs)), None)
    is_equal = wanted == found and isinstance(wanted, bool) == isinstance(found, bool)
    return None if is_equal else f"{where} is {found!r}, wanted {wanted!r}"


def _difference_of_members(wanted: Mapping[str, Any], found: Any, where: str) -> str | None:
    if not isinstance(found, Mapping):
        return f"{where} is {found!r}, wanted an object with {', '.join(wanted)}"
    for name, value in wanted.items():
        if name not in found:
            return f"{where} has no {name}, only {', '.join(found) or 'nothing'}"
        if (text := difference(value, found[name], at=f"{where}.{name}")) is not None:
            return text
    return None


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """The value with `{word}` replaced in every text of it."""
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(f"{{{word}}}", text)
        return value
    if isinstance(value, Mapping):
        return {name: filled(one, words) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, words) for one in value]
    return value
