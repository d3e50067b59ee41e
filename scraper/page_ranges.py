"""The numbers that a URL template counts through, as they are written in the sources file."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Self

from pydantic import Field, model_validator

from scraper.toml_tables import TomlTable

_SPAN = re.compile(r"(?P<first>\d{1,9})\s*-\s*(?P<last>\d{1,9})(?:\s*/\s*(?P<step>\d{1,9}))?")
_ADVICE = 'write "1-200" or [1, 200]; "0-500/25" counts in steps, "001-200" pads with zeros, a comma joins ranges'


class PageRange(TomlTable):
    """Every `step`th number from `first` to `last`, both included, with zeros in front up to `width` digits."""

    first: int = Field(ge=0)
    last: int = Field(ge=0)
    step: int = Field(default=1, ge=1)
    width: int = Field(default=1, ge=1, le=9)

    @model_validator(mode="after")
    def _is_ascending(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"the last page ({self.last}) is before the first ({self.first})")
        return self

    @property
    def numbers(self) -> range:
        """The numbers in order."""
        return range(self.first, self.last + 1, self.step)

    def texts(self) -> Iterator[str]:
        """The numbers as they stand in URLs."""
        return (f"{number:0{self.width}d}" for number in self.numbers)


def page_ranges(value: Any) -> Any:
    """`"1-200"`, `"001-050, 60-90/10"` and `[1, 200]` as the tables that they are short for; anything else as it is."""
    if isinstance(value, str):
        return [_span(part) for part in value.split(",")]
    if isinstance(value, list | tuple) and all(type(number) is int for number in value):
        if len(value) != 2:
            raise ValueError(f"a range is two numbers; {_ADVICE}")
        return [{"first": value[0], "last": value[1]}]
    if isinstance(value, dict):
        return [value]
    return value


def check_order(ranges: Sequence[PageRange]) -> None:
    """Raise ValueError unless every range begins after the one before it: so no page comes twice."""
    if not ranges:
        raise ValueError(f"there is no range; {_ADVICE}")
    for one, following in pairwise(ranges):
        if following.first <= one.last:
            raise ValueError(f"the range from {following.first} begins before the one to {one.last} has ended")


def _span(text: str) -> dict[str, int]:
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text.strip()!r} is not a range; {_ADVICE}")
    first = match["first"]
    width = len(first) if first.startswith("0") else 1
    return {"first": int(first), "last": int(match["last"]), "step": int(match["step"] or 1), "width": width}
