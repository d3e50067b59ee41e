"""A field's texts, as they were found, as its value."""

from collections.abc import Iterable

from scraper.errors import shown
from scraper.models import Scalar, Value
from scraper.rows.field_rules import FieldRule
from scraper.rows.transforms import apply_transform
from scraper.rows.typed_values import check_list_fits, parse_value


def scalar_of(rule: FieldRule, text: str, *, base: str) -> Scalar | None:
    """The value of a field that is no list; None if there is none. "" is a text that was not found.

    Raises ValueError for a text that is not of the field's type, or that does not match its pattern and is required.
    """
    value = _value(rule, text, base)
    if value is None and text and rule.is_required and rule.pattern and not rule.pattern.search(text):
        raise ValueError(f"{shown(text)} does not match '{rule.regex}'")
    return value


def list_of(rule: FieldRule, texts: Iterable[str], *, base: str) -> Value | None:
    """The values of a list, in page order; None if there are none.

    Texts that are empty, or do not match the field's pattern, are left out. Raises ValueError as `scalar_of`.
    """
    values: list[Scalar] = []
    for number, text in enumerate(texts, start=1):
        try:
            value = _value(rule, text, base)
        except ValueError as error:
            raise ValueError(f"item {number}: {error}") from error
        if value is not None:
            values.append(value)
    check_list_fits(values)
    return values or None


def _value(rule: FieldRule, text: str, base: str) -> Scalar | None:
    if text and rule.pattern is not None:
        match = rule.pattern.search(text)
        text = "" if match is None else (match[1] if rule.pattern.groups else match[0]) or ""
        text = text.strip()
    for transform in rule.transform:
        text = apply_transform(transform, text, base=base) if text else ""
    return parse_value(text, rule.scalar_type, rule.clockwork) if text else None
