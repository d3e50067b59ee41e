"""Many entities of one partition, written in transactions that the service accepts."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring_ascii
from types import TracebackType
from typing import Any, Final, Self

from azure.data.tables import EntityProperty
from azure.data.tables.aio import TableClient

from storage.account.entity_groups import replace_all
from storage.account.tables import storage_faults

TRANSACTION_ENTITIES: Final = 100  # the service's limit
TRANSACTION_BYTES: Final = 900_000  # the service takes 4 MiB; the HTTP client warns of bodies over 1 MiB
ENTITY_BYTES: Final = 1_000_000  # the service takes 1 MiB, and so does the emulator, which counts otherwise
TRANSACTIONS_IN_FLIGHT: Final = 4  # measured: more does not make Azurite or the SDK faster

Entity = Mapping[str, Any]


class Writer:
    """Writes the entities of ONE partition in the background, while the caller makes more of them.

    Use as an async context manager; leaving it waits until everything is written, and raises what went wrong.
    Not atomic as a whole; each entity is replaced if it is there already, so a repeat changes nothing.
    """

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._pending: list[Entity] = []
        self._slots = asyncio.Semaphore(TRANSACTIONS_IN_FLIGHT)
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        try:
            await self._group.__aexit__(kind, error, trace)
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from None  # one fault says it all, and callers know its type

    def add(self, entities: Iterable[Entity]) -> None:
        """Take entities; they go off as soon as a transaction is full."""
        self._pending.extend(entities)
        if len(self._pending) >= TRANSACTION_ENTITIES:
            self._flush()

    def _flush(self) -> None:
        for chunk in transactions(self._pending):
            self._group.create_task(self._submit(chunk))
        self._pending = []

    async def _submit(self, chunk: Sequence[Entity]) -> None:
        async with self._slots, storage_faults():
            await replace_all(self._table, chunk)


async def upsert_all(table: TableClient, entities: Iterable[Entity]) -> None:
    """Write all entities of one partition; see Writer."""
    async with Writer(table) as writer:
        writer.add(entities)


def transactions(entities: Iterable[Entity]) -> Iterator[list[Entity]]:
    """Cut entities of one partition into lists that fit into one transaction each.

    Raises ValueError for entities of two partitions: the service would refuse the whole transaction.
    """
    chunk: list[Entity] = []
    size = 0
    partition: str | None = None
    for entity in entities:
        if partition is not None and entity["PartitionKey"] != partition:
            raise ValueError(f"entities of partitions '{partition}' and '{entity['PartitionKey']}' in one write")
        partition = entity["PartitionKey"]
        entity_size = size_of(entity)
        if chunk and (len(chunk) == TRANSACTION_ENTITIES or size + entity_size > TRANSACTION_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(entity)
        size += entity_size
    if chunk:
        yield chunk


def refused_size(entity: Entity) -> int:
    """The bytes of an entity that the service or the emulator would refuse; 0 if they would take it."""
    size = size_of(entity)
    if 2 * size > ENTITY_BYTES:  # else its text has no more units of UTF-16 than that
        size = max(size, _kept_size(entity))
    return size if size > ENTITY_BYTES else 0


def size_of(entity: Entity) -> int:
    """Bytes of an entity as JSON: so it is sent, and so the emulator counts."""
    return sum(len(key) + _value_size(value) for key, value in entity.items())


def _kept_size(entity: Entity) -> int:
    """Bytes of an entity as the service counts: two for each unit of UTF-16, so plain text takes twice its JSON."""
    texts = (*entity, *(value for value in entity.values() if isinstance(value, str)))
    return sum(len(text.encode("utf-16-le", "surrogatepass")) for text in texts) + 28 * len(entity)


def _value_size(value: Any) -> int:
    if isinstance(value, str):
        return len(encode_basestring_ascii(value)) + 10
    if isinstance(value, EntityProperty) and isinstance(value.value, bytes):
        return len(value.value) * 4 // 3 + 50  # sent as Base64
    return 80
