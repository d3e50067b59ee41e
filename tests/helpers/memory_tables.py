"""The app's tables in memory, for the real classes of `storage`; give the turn away before every call.

Held to the contract of the real ones by tests/integration/test_storage_snapshots.py.
"""

import re
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty, TableEntity

from storage.account.tables import TABLE_NAMES
from tests.helpers.interleaving import Pause

_CONDITION = re.compile(r"(\w+) (eq|ne|ge|gt|lt) (?:datetime)?('(?:[^']|'')*'|[0-9]+)")
_HOLDS = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "ge": lambda one, other: one >= other,
    "gt": lambda one, other: one > other,
    "lt": lambda one, other: one < other,
}
NOT_FOUND: Any = SimpleNamespace(status_code=404, reason="Not Found", headers={}, text=lambda: "")
Key = tuple[str, str]


class MemoryTable:
    """The calls of a TableClient that `storage` makes."""

    def __init__(self, *, gives_turn: bool) -> None:
        self.entities: dict[Key, Mapping[str, Any]] = {}
        self.on_write: Callable[[Mapping[str, Any]], None] = lambda _entity: None
        self.on_delete: Callable[[Key], None] = lambda _key: None
        self._etags: dict[Key, str] = {}
        self._gives_turn = gives_turn
        self._version = 0

    async def _turn(self) -> None:
        if self._gives_turn:
            await Pause()

    async def get_entity(self, partition_key: str, row_key: str) -> TableEntity:
        await self._turn()
        return self._read((partition_key, row_key))

    async def create_entity(self, entity: Mapping[str, Any]) -> dict[str, Any]:
        await self._turn()
        if _key(entity) in self.entities:
            raise ResourceExistsError("it exists")
        return self._write(entity)

    async def upsert_entity(self, entity: Mapping[str, Any], **_how: Any) -> dict[str, Any]:
        await self._turn()
        return self._write(entity)

    async def update_entity(self, entity: Mapping[str, Any], *, etag: str, **_how: Any) -> dict[str, Any]:
        await self._turn()
        if _key(entity) not in self.entities:
            raise ResourceNotFoundError("there is none")
        if self._etags[_key(entity)] != etag:
            raise ResourceModifiedError("it has been changed")
        return self._write(entity)

    async def submit_transaction(self, operations: Iterable[tuple[Any, ...]]) -> None:
        await self._turn()
        operations = list(operations)
        for what, entity, *_ in operations:
            if what == "delete" and _key(entity) not in self.entities:
                raise ResourceNotFoundError("one of them does not exist", response=NOT_FOUND)  # and none is deleted
        for what, entity, *_ in operations:
            if what == "delete":
                self._delete(_key(entity))
            else:
                self._write(entity)

    async def delete_entity(self, partition_key: str, row_key: str, *, etag: str | None = None, **_how: Any) -> None:
        await self._turn()
        key = (partition_key, row_key)
        if key not in self.entities:
            return
        if etag is not None and self._etags[key] != etag:
            raise ResourceModifiedError("it has been changed")
        self._delete(key)

    async def query_entities(self, query_filter: str, **_how: Any) -> AsyncIterator[TableEntity]:
        await self._turn()
        conditions = _CONDITION.findall(query_filter)
        found = [key for key in sorted(self.entities) if _fulfils(self.entities[key], conditions)]
        for key in found:
            if key in self.entities:
                yield self._read(key)

    def _read(self, key: Key) -> TableEntity:
        if key not in self.entities:
            raise ResourceNotFoundError("there is none")
        entity = TableEntity({name: _as_read(value) for name, value in self.entities[key].items()})
        entity._metadata = {"etag": self._etags[key]}
        return entity

    def _delete(self, key: Key) -> None:
        self.on_delete(key)
        del self.entities[key], self._etags[key]

    def _write(self, entity: Mapping[str, Any]) -> dict[str, Any]:
        self._version += 1
        self.on_write(entity)
        self.entities[_key(entity)] = dict(entity)
        self._etags[_key(entity)] = f'W/"{self._version}"'
        return {"etag": self._etags[_key(entity)]}


class MemoryTables:
    """Stands for `storage.account.tables.Tables`; only calls to the tables `in_turns` give the turn away."""

    def __init__(self, *, in_turns: Collection[str] = TABLE_NAMES) -> None:
        self.tables = {name: MemoryTable(gives_turn=name in in_turns) for name in TABLE_NAMES}

    async def table(self, name: str) -> MemoryTable:
        return self.tables[name]

    @asynccontextmanager
    async def faults(self) -> AsyncIterator[None]:
        yield

    async def close(self) -> None:
        """Nothing is open."""


def _fulfils(entity: Mapping[str, Any], conditions: Iterable[tuple[str, str, str]]) -> bool:
    """As the service: what has no such column fulfils no condition on it."""
    return all(name in entity and _HOLDS[how](*_comparable(entity[name], text)) for name, how, text in conditions)


def _comparable(value: Any, text: str) -> tuple[Any, Any]:
    if isinstance(value, datetime):
        return value, datetime.fromisoformat(text.strip("'"))
    if isinstance(value, int):
        return value, int(text)
    return value, text[1:-1].replace("''", "'")


def _key(entity: Mapping[str, Any]) -> Key:
    return str(entity["PartitionKey"]), str(entity["RowKey"])


def _as_read(value: Any) -> Any:
    """As the service gives a value back: only large integers stay wrapped."""
    if isinstance(value, EntityProperty) and value.edm_type is not EdmType.INT64:
        return value.value
    return value
