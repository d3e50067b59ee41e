"""Rows of a table, from and to JSON.

Source: azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.Tables/TablesExtensionConfigProvider.cs and
TableEntityWriter.cs.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from devhost.storage_bindings.errors import BadOutputValue
from devhost.storage_bindings.output_values import JsonValue, OutputValue

BATCH_SIZE = 100
"""Rows that one transaction takes, at most."""

_INT64 = range(-(2**63), 2**63)
_FORBIDDEN_IN_KEYS = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")


@dataclass(frozen=True, slots=True)
class Int64:
    """A whole number; the host stores all of them with 64 bits."""

    value: int


Row = dict[str, Any]
"""PartitionKey, RowKey and properties: str, bool, Int64, float, datetime."""


def row_of(value: OutputValue, *, partition_key: str | None, row_key: str | None) -> Row:
    """One row; keys in the object (in any case) come before those of the binding. Raises BadOutputValue."""
    if not isinstance(value, JsonValue) or not isinstance(value.value, dict):
        raise BadOutputValue("a table takes a JSON object, or an array of objects, as a str.")
    names = {name.lower(): name for name in value.value}
    keys = {
        "PartitionKey": value.value.get(names.get("partitionkey", ""), partition_key),
        "RowKey": value.value.get(names.get("rowkey", ""), row_key),
    }
    row: Row = {name: _key(name, key) for name, key in keys.items()}
    for name, content in value.value.items():
        if name.lower() not in ("partitionkey", "rowkey") and content is not None:
            row[name] = _property(name, content, has_dates=value.has_dates)
    return row


def transactions(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows in batches that one transaction takes each: one partition, no key twice, at most BATCH_SIZE."""
    done: list[list[Row]] = []
    open_batches: dict[str, dict[str, Row]] = {}
    for row in rows:
        batch = open_batches.setdefault(row["PartitionKey"], {})
        if row["RowKey"] in batch or len(batch) == BATCH_SIZE:
            done.append(list(batch.values()))
            batch.clear()
        batch[row["RowKey"]] = row
    return [*done, *(list(batch.values()) for batch in open_batches.values() if batch)]


def query_filter(partition_key: str, written: str) -> str:
    """The OData filter for the rows that an input binding names; empty for all of them."""
    quoted = partition_key.replace("'", "''")
    parts = [f"PartitionKey eq '{quoted}'" if quoted else "", written]
    return " and ".join(part for part in parts if part)


def rows_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """The JSON array that a function receives for several rows, as read by the client library."""
    return json.dumps([{name: _json_value(value) for name, value in row.items()} for row in rows], ensure_ascii=False)


def _key(name: str, value: object) -> str:
    if value is None or isinstance(value, (dict, list)):
        raise BadOutputValue(f"a row has no {name}; put it into the object or into the binding.")
    text = str(value)
    if _FORBIDDEN_IN_KEYS.search(text):
        raise BadOutputValue(rf"the {name} {text!r} holds one of / \ # ? or a control character; remove or encode it.")
    return text


def _property(name: str, value: object, *, has_dates: bool) -> Any:
    match value:
        case bool():
            return value
        case int() if value in _INT64:
            return Int64(value)
        case float():
            return value
        case str() if has_dates and _ISO_DATE.fullmatch(value):
            return _moment(value)
        case str():
            return value
    raise BadOutputValue(
        f"the property '{name}' is {type(value).__name__}; a row takes text, numbers and true or false."
    )


def _moment(text: str) -> datetime | str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _json_value(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case UUID():
            return str(value)
        case tuple():
            # The library's pair of value and type, for 64-bit numbers.
            return value[0]
    return value
