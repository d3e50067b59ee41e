"""What the attempts at a batch remember of the pages that they loaded, so that later runs need not load them again.

One packed entity per attempt, in the `batches` table beside the batch's result; more of them if there are very many
rows. It belongs to the attempt as the rows do: only that of a recorded attempt is ever looked for.
"""

import json
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from azure.data.tables import EdmType, EntityProperty

from scraper.page_version import PageVersion, Validators
from storage.account.tables import Tables
from storage.keys import prefix_filter

PIECE_BYTES: Final = 60_000  # a property takes 64 KiB
PIECES_PER_ENTITY: Final = 12  # an entity takes 1 MiB, and the HTTP client warns of bodies that are larger
_PAGES: Final = [f"pages{number:02d}" for number in range(PIECES_PER_ENTITY)]
_HASHES: Final = [f"hashes{number:02d}" for number in range(PIECES_PER_ENTITY)]
HASHES_OF_A_ROW: Final = 16


@dataclass(frozen=True, slots=True)
class RememberedPage:
    """A loaded page: its `place` in the batch, which version it was, and how many rows it gave.

    `checked_at` is when its site was asked last whether that is the version. `hashes` has 16 bytes for each row, in
    order: see `scraper.rows.row_hashes`; it is empty where hashes were not asked for.
    """

    place: int
    url: str
    version: PageVersion
    rows: int
    checked_at: datetime
    hashes: bytes = b""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The pages that one attempt has loaded, by the rules of extraction with this `fingerprint`.

    `columns` names the fields that its rows can have; it is empty where that was not asked for.
    """

    fingerprint: str
    pages: Sequence[RememberedPage]
    columns: Sequence[str] = ()


class PageMemory:
    """Written once by each attempt, read by planning, by later attempts at the same pages and by comparisons."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def remember(self, snapshot: str, batch: int, attempt: str, remembered: Remembered) -> None:
        """Write what an attempt has loaded; nothing if it has loaded nothing."""
        table = await self._tables.table("batches")
        pages = sorted(remembered.pages, key=lambda page: page.place)
        for number, columns in enumerate(_entities(pages) if pages else ()):
            key = {"PartitionKey": snapshot, "RowKey": f"{_prefix(batch, attempt)}{number:02d}"}
            async with self._tables.faults():
                facts = {"fingerprint": remembered.fingerprint, "columns": ",".join(remembered.columns)}
                await table.upsert_entity({**key, **facts, **columns})

    async def columns(self, snapshot: str) -> dict[tuple[int, str], tuple[str, ...]]:
        """By batch and attempt, the fields that rows can have: of every attempt of a snapshot, recorded or not."""
        table = await self._tables.table("batches")
        found: dict[tuple[int, str], tuple[str, ...]] = {}
        async with self._tables.faults():
            async for entity in table.query_entities(prefix_filter(snapshot, "memory-"), select=["RowKey", "columns"]):
                _, batch, attempt, _ = entity["RowKey"].split("-")
                found[int(batch), attempt] = tuple(filter(None, entity.get("columns", "").split(",")))
        return found

    async def of_attempt(self, snapshot: str, batch: int, attempt: str) -> Remembered:
        """What one attempt has loaded, with hashes; without any page if nothing is kept of it."""
        found = self._read(snapshot, _prefix(batch, attempt), [*_PAGES, *_HASHES])
        return await anext((remembered async for _, _, remembered in found), Remembered("", ()))

    async def of_attempts(
        self, snapshot: str, *, with_hashes: bool = False
    ) -> AsyncIterator[tuple[int, str, Remembered]]:
        """Batch, attempt and what it has loaded: of every attempt of a snapshot, recorded or not."""
        async for one in self._read(snapshot, "memory-", [*_PAGES, *_HASHES] if with_hashes else _PAGES):
            yield one

    async def _read(
        self, snapshot: str, prefix: str, columns: Sequence[str]
    ) -> AsyncIterator[tuple[int, str, Remembered]]:
        table = await self._tables.table("batches")
        select = ["RowKey", "fingerprint", *columns]
        packed = _Packed("", "")
        async with self._tables.faults():
            async for entity in table.query_entities(prefix_filter(snapshot, prefix), select=select):
                if entity["RowKey"][:-2] != packed.key:
                    if packed.key:
                        yield packed.unpacked()
                    packed = _Packed(entity["RowKey"][:-2], entity["fingerprint"])
                packed.take(entity, columns)
        if packed.key:
            yield packed.unpacked()


@dataclass(slots=True)
class _Packed:
    """The entities of one attempt, as they come."""

    key: str
    fingerprint: str
    pages: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)

    def take(self, entity: Mapping[str, Any], columns: Sequence[str]) -> None:
        for name in columns:
            piece = entity.get(name)
            if piece is not None:
                (self.pages if name in _PAGES else self.hashes).append(piece)

    def unpacked(self) -> tuple[int, str, Remembered]:
        _, batch, attempt = self.key.removesuffix("-").split("-", 2)
        hashes = b"".join(self.hashes)
        pages, start = [], 0
        for place, url, digest, rows, checked_at, *told in json.loads(zlib.decompress(b"".join(self.pages))):
            end = start + rows * HASHES_OF_A_ROW
            version = PageVersion(bytes.fromhex(digest), _validators(url, *told))
            checked = datetime.fromtimestamp(checked_at, UTC)
            pages.append(RememberedPage(place, url, version, rows, checked, hashes[start:end]))
            start = end
        return int(batch), attempt, Remembered(self.fingerprint, pages)


def _prefix(batch: int, attempt: str) -> str:
    return f"memory-{batch:06d}-{attempt}-"


def _entities(pages: Sequence[RememberedPage]) -> Iterator[dict[str, Any]]:
    """The columns of one entity after the other."""
    packed = zlib.compress(json.dumps([_as_json(page) for page in pages], separators=(",", ":")).encode())
    hashes = b"".join(page.hashes for page in pages)
    pieces = iter([("pages", one) for one in _pieces(packed)] + [("hashes", one) for one in _pieces(hashes)])
    while chunk := list(islice(pieces, PIECES_PER_ENTITY)):
        yield {f"{name}{place:02d}": EntityProperty(one, EdmType.BINARY) for place, (name, one) in enumerate(chunk)}


def _pieces(packed: bytes) -> list[bytes]:
    return [packed[start : start + PIECE_BYTES] for start in range(0, len(packed), PIECE_BYTES)]


def _as_json(page: RememberedPage) -> list[Any]:
    columns = [page.place, page.url, page.version.digest.hex(), page.rows, int(page.checked_at.timestamp())]
    told = page.version.validators
    if told is None:
        return columns
    # Redirects are rare: mostly the version is where the page was asked for.
    return [*columns, told.etag, told.last_modified, *([told.url] if told.url != page.url else [])]


def _validators(
    page: str, etag: str | None = None, last_modified: str | None = None, url: str | None = None
) -> Validators | None:
    return Validators(etag, last_modified, url or page) if etag or last_modified else None
