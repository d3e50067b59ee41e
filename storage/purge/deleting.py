"""Deleting entities by a query, in bounded pieces."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from time import monotonic
from typing import Final

from azure.core.exceptions import HttpResponseError
from azure.data.tables.aio import TableClient

from storage.account.entity_groups import Key, delete_all
from storage.account.tables import Tables
from storage.account.writes import TRANSACTION_ENTITIES, TRANSACTIONS_IN_FLIGHT

CALLS_OF_A_SLICE: Final = 500
SECONDS_OF_A_SLICE: Final = 60.0
FOUND_AT_ONCE: Final = 1000
"""As many as the service gives in one answer."""


@dataclass(slots=True)
class Budget:
    """What one slice may still do: calls of storage or hub, and until when. It is asked after each step.

    So a slice always does one step, and ends within one after its budget is spent.
    """

    calls: int = CALLS_OF_A_SLICE
    until: float = field(default_factory=lambda: monotonic() + SECONDS_OF_A_SLICE)

    def spend(self, calls: int = 1) -> None:
        """So many calls were made."""
        self.calls -= calls

    @property
    def is_spent(self) -> bool:
        """True once the slice has to end."""
        return self.calls <= 0 or monotonic() >= self.until


async def delete_found(tables: Tables, name: str, query: str, budget: Budget) -> tuple[int, bool]:
    """Delete what `query` finds in a table; how many were found, and whether nothing is left of them.

    Others may delete the same meanwhile.
    """
    deleted = 0
    table = await tables.table(name)
    while True:
        async with tables.faults():
            found = await _keys(table, query)
            budget.spend()
            await _delete(table, found, budget)
        deleted += len(found)
        if len(found) < FOUND_AT_ONCE:
            return deleted, True
        if budget.is_spent:
            return deleted, False


async def _keys(table: TableClient, query: str) -> list[Key]:
    found: list[Key] = []
    entities = table.query_entities(query, select=["PartitionKey", "RowKey"], results_per_page=FOUND_AT_ONCE)
    async for entity in entities:
        found.append((entity["PartitionKey"], entity["RowKey"]))
        if len(found) == FOUND_AT_ONCE:
            break
    return found


async def _delete(table: TableClient, keys: Sequence[Key], budget: Budget) -> None:
    slots = asyncio.Semaphore(TRANSACTIONS_IN_FLIGHT)

    async def submit(chunk: Sequence[Key]) -> None:
        async with slots:
            await _delete_together(table, chunk)

    chunks = [
        of_partition[start : start + TRANSACTION_ENTITIES]
        for of_partition in (list(group) for _, group in groupby(keys, key=itemgetter(0)))
        for start in range(0, len(of_partition), TRANSACTION_ENTITIES)
    ]
    budget.spend(len(chunks))
    await asyncio.gather(*map(submit, chunks))


async def _delete_together(table: TableClient, keys: Sequence[Key]) -> None:
    """One transaction; one by one if that fails since somebody else has deleted some of them already."""
    try:
        await delete_all(table, keys)
    except HttpResponseError as fault:
        if fault.status_code != 404:
            raise
        for partition, row in keys:
            await table.delete_entity(partition, row)
