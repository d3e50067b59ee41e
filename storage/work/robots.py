"""The robots.txt files that a run has met, in the table `batches`: one entity per site, inserted once.

So each site is asked once per run, and all workers go by the same text, however the site changes it meanwhile.
"""

import zlib
from typing import Any, Final

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty

from scraper.manners.robots import RobotsFile
from storage.account.tables import Tables
from storage.keys import key_text, robots_partition

PROPERTY_BYTES: Final = 60_000  # a binary property takes 64 KiB


class RobotsShelf:
    """The files of the run with this epoch."""

    def __init__(self, tables: Tables, epoch: int) -> None:
        self._tables, self._partition = tables, robots_partition(epoch)

    async def find(self, origin: str) -> RobotsFile | None:
        """The file of a site, or None if this run has not asked for it yet."""
        table = await self._tables.table("batches")
        async with self._tables.faults():
            try:
                return _file(await table.get_entity(self._partition, key_text(origin)))
            except ResourceNotFoundError:
                return None

    async def keep(self, origin: str, file: RobotsFile) -> RobotsFile:
        """Keep the file unless there is one already; returns the one that is kept."""
        table = await self._tables.table("batches")
        entity = {"PartitionKey": self._partition, "RowKey": key_text(origin), **_columns(file)}
        async with self._tables.faults():
            try:
                await table.create_entity(entity)
            except ResourceExistsError:
                return _file(await table.get_entity(self._partition, key_text(origin)))
        return file


def _columns(file: RobotsFile) -> dict[str, Any]:
    text = zlib.compress(file.text.encode())
    parts = [text[start : start + PROPERTY_BYTES] for start in range(0, len(text), PROPERTY_BYTES)]
    packed = {f"text{number}": EntityProperty(part, EdmType.BINARY) for number, part in enumerate(parts)}
    return {"state": file.state, "detail": file.detail, "parts": len(parts), **packed}


def _file(entity: Any) -> RobotsFile:
    text = zlib.decompress(b"".join(entity[f"text{number}"] for number in range(entity["parts"]))).decode()
    return RobotsFile(entity["state"], text, entity["detail"])
