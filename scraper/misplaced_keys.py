"""Keys of a source that stand among its fields: TOML takes whatever is below `[source.fields]` for a field."""

import re
from collections.abc import Sequence
from typing import Any

from scraper.rows.content_kinds import Format
from scraper.source_models import Source

_OFTEN_FIELDS = {"name", "key", "format", "pages"}  # the pages of a book
_RANGE = re.compile(r"\s*\d+\s*-\s*\d")
_TABLES = {"gate", "follow", "csv", "headers"}


def keys_among_fields(source: Source) -> list[str]:
    """The fields that are most likely meant as keys of the source, in their order.

    One that has more than its place, such as a type, is meant as a field.
    """
    return [
        name
        for name, rule in source.fields.items()
        if rule.model_fields_set == {rule.found_by} and _is_hardly_a_field(name, rule.place)
    ]


def misplaced_key(location: Sequence[str], kind: str, value: Any) -> str | None:
    """What to say of a fault (`kind` as pydantic calls it) of a field that is a key of the source; None of others."""
    if len(location) < 2 or location[0] != "fields" or location[1] not in Source.model_fields.keys() - {"name"}:
        return None
    key, *below = location[1:]
    is_no_field = not below and kind == "model_type"
    is_other_table = key in _TABLES and kind == "extra_forbidden"
    is_bad_place = kind == "value_error" and below in (["css"], ["path"]) and _is_hardly_a_field(key, str(value))
    if not (is_no_field or is_other_table or is_bad_place):
        return None
    own_table = f", or under [source.{key}]" if key in _TABLES else ""
    return f"{key!r} is a key of the source; write it above [source.fields]{own_table}"


def _is_hardly_a_field(name: str, place: str) -> bool:
    if name == "format":
        return place in list(Format)
    if name == "pages":
        return _RANGE.match(place) is not None
    return name in Source.model_fields.keys() - _OFTEN_FIELDS
