"""What the pages of a batch lead to, as each attempt at it found out.

Packed into few entities per attempt, in the `batches` table beside the batch's result; they belong to the attempt as
the rows do: only those of the recorded attempt count.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from scraper.models import Link, PageLinks, Purpose
from storage.account.pieces import read_pieces, write_pieces
from storage.account.tables import Tables
from storage.errors import MissingRecord

LinksByPlace = Mapping[int, PageLinks]
"""The links of pages by their places in the batch."""


class BatchLinks:
    """The links of batches whose source follows them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def stage(self, snapshot: str, batch: int, attempt: str, links: LinksByPlace) -> None:
        """Write what one attempt has found; also that it has found nothing."""
        packed = zlib.compress(_as_text(links).encode())
        await write_pieces(self._tables, "batches", snapshot, _prefix(batch, attempt), packed)

    async def of_attempt(self, snapshot: str, batch: int, attempt: str) -> dict[int, PageLinks]:
        """What one attempt has found, in page order. Raises MissingRecord if that is not all there."""
        packed = await read_pieces(self._tables, "batches", snapshot, _prefix(batch, attempt))
        if packed is None:
            raise MissingRecord(f"snapshot {snapshot} has not all links of batch {batch} any more")
        return dict(_from_text(zlib.decompress(packed).decode()))


def _prefix(batch: int, attempt: str) -> str:
    return f"links-{batch:06d}-{attempt}-"


def _as_text(links: LinksByPlace) -> str:
    """Pages of one batch lead to the same places mostly, so each URL is named once."""
    urls: dict[str, int] = {}
    pages = [
        [
            place,
            int(page.purpose),
            [[urls.setdefault(link.url, len(urls)), int(link.purpose)] for link in page.links],
            page.unusable,
            page.address,
        ]
        for place, page in sorted(links.items())
    ]
    return json.dumps([list(urls), pages], separators=(",", ":"))


def _from_text(text: str) -> Iterator[tuple[int, PageLinks]]:
    urls: list[str]
    pages: list[list[Any]]
    urls, pages = json.loads(text)
    for place, purpose, numbers, unusable, address in pages:
        links = tuple(Link(urls[number], Purpose(wanted)) for number, wanted in numbers)
        yield place, PageLinks(Purpose(purpose), links, tuple((one, problem) for one, problem in unusable), address)
