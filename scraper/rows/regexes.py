"""Regular expressions of a sources file. They meet the texts of strangers, and Python's search knows no time limit."""

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from scraper.errors import shown

# The standard library's own parser of patterns, which has no public name.
_parser: Any = import_module("re._parser")
_REPEATS = frozenset({_parser.MAX_REPEAT, _parser.MIN_REPEAT})
_GROUPS = frozenset({_parser.SUBPATTERN, _parser.BRANCH})
_MANY = 20
"""A repeat of so many is as bad as one without end: each doubles the ways to match."""


def check_regex(regex: str) -> None:
    """Raise ValueError for what is no regular expression, or repeats a repeat, as in `(a+)+`.

    Such a pattern matches a text in two ways for each of its characters: thirty that do not match in the end take
    minutes. Others that are slow, such as `(a|a)*`, are not recognized.
    """
    try:
        re.compile(regex)
        parsed = _parser.parse(regex)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if any(_is_ambiguous(repeated) for repeated in _repeated(parsed)):
        raise ValueError(
            f"{shown(regex)} repeats a repeat, which takes for ever on some texts; "
            r"write (?:a+,)+ with something between, or the inner one without a way back: (?:a++)+"
        )


def _repeated(items: Any) -> Iterator[Any]:
    """What is repeated many times, wherever in the pattern."""
    for operation, told in items:
        if operation in _REPEATS and told[1] >= _MANY:
            yield told[2]
        for inner in _inside(operation, told):
            yield from _repeated(inner)


def _is_ambiguous(items: Any) -> bool:
    """Whether one of `items` alone can stand for one turn of the repeat around them, and for several."""
    for place, (operation, told) in enumerate(items):
        if any(_least_width(items, other) for other in range(len(items)) if other != place):
            continue
        if operation in _REPEATS and told[1] >= _MANY and told[0] != told[1]:
            return True
        if operation in _REPEATS | _GROUPS and any(_is_ambiguous(inner) for inner in _inside(operation, told)):
            return True
    return False


def _least_width(items: Any, place: int) -> int:
    width: int = items[place : place + 1].getwidth()[0]
    return width


def _inside(operation: Any, told: Any) -> Sequence[Any]:
    """The patterns inside of one item of a pattern."""
    if operation in _GROUPS:
        return told[1] if operation is _parser.BRANCH else [told[3]]
    if operation in _REPEATS or operation is _parser.POSSESSIVE_REPEAT:
        return [told[2]]
    if operation in {_parser.ASSERT, _parser.ASSERT_NOT}:
        return [told[1]]
    return [told] if operation is _parser.ATOMIC_GROUP else []
