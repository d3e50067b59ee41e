"""Many entities of one partition, written in transactions that the service accepts."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from azure.data.tables.aio import TableClient

TRANSACTION_ENTITIES: Final = 100  # the service's limit
TRANSACTION_BYTES: Final = 2_000_000  # the service takes 4 MiB, envelope and escapes included
TRANSACTIONS_IN_FLIGHT: Final = 4  # measured: more does not make Azurite or the SDK faster

Entity = Mapping[str, Any]


async def upsert_all(table: TableClient, entities: Sequence[Entity]) -> None:
    """Write all entities of ONE partition, in transactions of bounded size, a few at a time.

    Not atomic as a whole; each entity is replaced if it is there already, so a repeat changes nothing.
    """
    slots = asyncio.Semaphore(TRANSACTIONS_IN_FLIGHT)

    async def submit(chunk: Sequence[Entity]) -> None:
        async with slots:
            await table.submit_transaction([("upsert", entity, {"mode": "replace"}) for entity in chunk])

    async with asyncio.TaskGroup() as group:
        for chunk in transactions(entities):
            group.create_task(submit(chunk))


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
        entity_size = _size_of(entity)
        if chunk and (len(chunk) == TRANSACTION_ENTITIES or size + entity_size > TRANSACTION_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(entity)
        size += entity_size
    if chunk:
        yield chunk


def _size_of(entity: Entity) -> int:
    """Bytes that an entity may take in a request: JSON escapes a character to 6 bytes at most."""
    return 400 + sum(
        len(key) + (len(value) * 2 if isinstance(value, str | bytes) else 30) for key, value in entity.items()
    )
