"""The values of a row as properties of its entity, and back."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from azure.data.tables import EdmType, EntityProperty

from scraper.models import Scalar, Value, value_as_json

StoredScalar = str | int | float | bool
StoredValue = StoredScalar | list[StoredScalar]
"""Decimals, dates and datetimes come back as text."""

INT32: Final = range(-(2**31), 2**31)
_LISTS: Final = "_lists"
"""The property with the names of the fields that are lists; tables have no such type, so they are kept as JSON."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def stored_values(values: Mapping[str, Value | None]) -> dict[str, Any]:
    """Properties for all values but None."""
    lists = [name for name, value in values.items() if isinstance(value, list)]
    marks = {_LISTS: ",".join(lists)} if lists else {}
    return {**marks, **{name: _storable(value) for name, value in values.items() if value is not None}}


def read_values(entity: Mapping[str, Any]) -> dict[str, StoredValue]:
    """The values that `stored_values` made these properties of."""
    values = {
        name: value.value if isinstance(value, EntityProperty) else value
        for name, value in entity.items()
        if not name.startswith("_") and name not in {"PartitionKey", "RowKey"}
    }
    for name in filter(None, str(entity.get(_LISTS, "")).split(",")):
        values[name] = json.loads(values[name])
    return values


def _storable(value: Value) -> Any:
    return _encode(value_as_json(value)) if isinstance(value, list) else _storable_scalar(value)


def _storable_scalar(value: Scalar) -> Any:
    """`value` as a table property: native where the service has the type, else its exact text."""
    if isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return value if value in INT32 else EntityProperty(value, EdmType.INT64)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    raise TypeError(f"a row value of type {type(value).__name__} cannot be stored")
