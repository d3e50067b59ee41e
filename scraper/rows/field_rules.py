"""How one field of a row is found: selector, attribute, pattern and type, checked when it is written."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

_PART = re.compile(r"^(?P<css>.*?)(?:::(?P<text>text)|::attr\(\s*(?P<attribute>[^\s()]+)\s*\))?$", re.DOTALL)


class FieldType(StrEnum):
    """What a field's text is read as."""

    STR = "str"
    INT = "int"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOL = "bool"
    DATE = "date"
    DATETIME = "datetime"


@dataclass(frozen=True, slots=True)
class Target:
    """The element at `css` ("" is the row itself) and its `attribute` (None is its text)."""

    css: str
    attribute: str | None


class FieldRule(BaseModel):
    """One field. Without `required = false`, a page that lacks the field is a failed page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    css: str
    type: FieldType = FieldType.STR
    required: bool = True
    regex: str | None = None

    @field_validator("css")
    @classmethod
    def _css_is_usable(cls, css: str) -> str:
        target = parse_target(css)
        if target.css:
            check_selector(target.css)
        return css

    @field_validator("regex")
    @classmethod
    def _regex_compiles(cls, regex: str | None) -> str | None:
        if regex is not None:
            try:
                re.compile(regex)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return regex

    @cached_property
    def target(self) -> Target:
        """Where the field's text is."""
        return parse_target(self.css)

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """`regex`, compiled; its group 1, or the whole match, is the value."""
        return None if self.regex is None else re.compile(self.regex)


def field_rule_from_short_form(value: Any) -> Any:
    """`"css::text"` as the table that it is short for; anything else as it is."""
    return {"css": value} if isinstance(value, str) else value


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
    return Target(css=selector, attribute=attribute.lower() if attribute else None)


@cache
def _probe() -> LexborHTMLParser:
    return LexborHTMLParser("<p></p>")


def check_selector(css: str) -> None:
    """Raise ValueError if `css` is not a CSS selector that the parser knows."""
    try:
        _probe().css(css)
    except SelectolaxError as error:
        raise ValueError(f"{css!r} is not a CSS selector that the parser knows") from error
