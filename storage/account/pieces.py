"""Bytes that are too many for one property, in as many entities as it takes."""

from typing import Any, Final

from azure.data.tables import EdmType, EntityProperty

from storage.account.tables import Tables
from storage.account.writes import upsert_all
from storage.keys import prefix_filter

PIECE_DIGITS: Final = 5
PIECE_BYTES: Final = 60_000  # a property takes 64 KiB


async def write_pieces(tables: Tables, table: str, partition: str, prefix: str, content: bytes) -> None:
    """Write `content` under row keys that begin with `prefix`; at least one entity. A repeat changes nothing."""
    pieces = [content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES)] or [b""]
    entities = (
        {
            "PartitionKey": partition,
            "RowKey": f"{prefix}{number:0{PIECE_DIGITS}d}",
            "pieces": len(pieces),
            "content": EntityProperty(piece, EdmType.BINARY),
        }
        for number, piece in enumerate(pieces)
    )
    await upsert_all(await tables.table(table), entities)


async def read_all_pieces(tables: Tables, table: str, partition: str, prefix: str) -> dict[str, bytes]:
    """All that was written under prefixes that begin with `prefix`, each by its own one; what is not all there is left
    out.
    """
    client = await tables.table(table)
    found: dict[str, list[Any]] = {}
    async with tables.faults():
        async for entity in client.query_entities(prefix_filter(partition, prefix)):
            found.setdefault(entity["RowKey"][:-PIECE_DIGITS], []).append(entity)
    whole = {name: pieces for name, pieces in found.items() if len(pieces) == pieces[0]["pieces"]}
    return {name: b"".join(piece["content"] for piece in pieces) for name, pieces in whole.items()}


async def read_pieces(tables: Tables, table: str, partition: str, prefix: str) -> bytes | None:
    """What was written under `prefix`; None if it is not all there."""
    client = await tables.table(table)
    async with tables.faults():
        found = [entity async for entity in client.query_entities(prefix_filter(partition, prefix))]
    if not found or len(found) != found[0]["pieces"]:
        return None
    return b"".join(entity["content"] for entity in found)
