"""What lies in the app's tables: entities, and bytes as the table service counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.data.tables import EntityProperty

from storage.account.tables import TABLE_NAMES, Tables


@dataclass(frozen=True)
class TableSize:
    """How many entities a table has, and how large they are together."""

    entities: int
    size: int

    def __sub__(self, other: TableSize) -> TableSize:
        return TableSize(self.entities - other.entities, self.size - other.size)


async def table_sizes(tables: Tables) -> dict[str, TableSize]:
    """Every table of the app."""
    sizes = {}
    for name in TABLE_NAMES:
        table = await tables.table(name)
        found = [entity_bytes(entity) async for entity in table.list_entities()]
        sizes[name] = TableSize(len(found), sum(found))
    return sizes


def entity_bytes(entity: Mapping[str, Any]) -> int:
    """The formula of Microsoft's "Estimating capacity": names and texts in UTF-16, 8 bytes for each property."""
    keys = 4 + 2 * (len(entity["PartitionKey"]) + len(entity["RowKey"])) + 8  # and the timestamp
    others = (name for name in entity if name not in {"PartitionKey", "RowKey"})
    return keys + sum(8 + 2 * len(name) + _value_bytes(entity[name]) for name in others)


def _value_bytes(value: Any) -> int:
    if isinstance(value, EntityProperty):
        value = value.value
    if isinstance(value, bool):
        return 1
    if isinstance(value, str):
        return 2 * len(value) + 4
    if isinstance(value, bytes):
        return len(value) + 4
    return 4 if isinstance(value, int) and not isinstance(value, datetime) else 8
