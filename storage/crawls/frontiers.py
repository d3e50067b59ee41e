"""Which pages a crawl knows: kept in storage for what is inherited, and in memory from one level to the next."""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from scraper.finding.frontier import Frontier
from storage.account.pieces import read_all_pieces, read_pieces, write_pieces
from storage.account.tables import Tables
from storage.data.rows import Rows
from storage.errors import MissingRecord
from storage.work.batches import Batches, Plan, failing
from storage.work.page_lists import PageList

ADDRESSES: Final = "addresses"
REMEMBERED: Final = 8
"""Crawls that this process remembers the pages of; others are read anew."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    """The frontier of a crawl up to a level, whose plan counts so many failures."""

    level: int
    not_found: int
    frontier: Frontier


_remembered: WeakKeyDictionary[Tables, dict[str, _Remembered]] = WeakKeyDictionary()


class Frontiers:
    """The pages that the crawls of snapshots know."""

    def __init__(self, tables: Tables, batches: Batches, rows: Rows) -> None:
        self._tables, self._batches, self._rows = tables, batches, rows

    async def bequeath(self, snapshot: str, plan_attempt: str, frontier: Frontier) -> None:
        """Write what a planning attempt knows of earlier runs."""
        text = json.dumps({name: b64encode(keys).decode() for name, keys in frontier.packed().items()})
        await write_pieces(self._tables, "batches", snapshot, _prefix(plan_attempt), text.encode())

    async def at_level(self, snapshot: str, plan: Plan, lists: list[PageList]) -> Frontier:
        """All that is planned up to the level of `plan`, whose page lists are `lists`. Not to be changed."""
        known = _remembered.setdefault(self._tables, {})
        before = known.pop(snapshot, _Remembered(-2, 0, Frontier()))
        if before.level < plan.level - 1:
            plans = (await self._batches.plans(snapshot))[: plan.level + 1]
            frontier = await self.inherited(snapshot, plans[0])
            lists, attempts = await self._batches.page_lists_of(snapshot, plans), failing(plans)
            told_by = {one.attempt for one in plans}
        else:
            frontier, attempts = before.frontier, [plan.attempt] if plan.not_found > before.not_found else []
            told_by = {plan.attempt}
        if before.level < plan.level:
            know_all(frontier, lists)
            failures = self._rows.failures(snapshot, [], plan_attempts=attempts)
            frontier.refused.update([failure.url async for _, failure in failures])
            frontier.addresses |= await self._addresses(snapshot, told_by)
        while len(known) >= REMEMBERED:
            del known[next(iter(known))]
        known[snapshot] = _Remembered(max(before.level, plan.level), max(before.not_found, plan.not_found), frontier)
        return frontier

    async def keep_addresses(self, snapshot: str, plan_attempt: str, addresses: Mapping[str, str]) -> None:
        """Write which addresses a planning attempt has found pages to name as their own, if any."""
        if addresses:
            packed = zlib.compress(json.dumps(addresses).encode())
            await write_pieces(self._tables, "batches", snapshot, f"{ADDRESSES}-{plan_attempt}-", packed)

    async def _addresses(self, snapshot: str, plan_attempts: Collection[str]) -> dict[str, str]:
        """What these attempts have found."""
        only = f"{next(iter(plan_attempts))}-" if len(plan_attempts) == 1 else ""
        found = await read_all_pieces(self._tables, "batches", snapshot, f"{ADDRESSES}-{only}")
        told: dict[str, str] = {}
        for name, packed in found.items():
            if name.split("-")[1] in plan_attempts:
                told |= json.loads(zlib.decompress(packed))
        return told

    async def inherited(self, snapshot: str, first: Plan) -> Frontier:
        """What the crawl knows of earlier runs, by its plan of level 0. Raises MissingRecord if it is not there."""
        if not first.inherits:
            return Frontier()
        content = await read_pieces(self._tables, "batches", snapshot, _prefix(first.attempt))
        if content is None:
            raise MissingRecord(f"snapshot {snapshot} has lost the pages that it knows of earlier runs")
        return Frontier.unpacked({name: b64decode(keys) for name, keys in json.loads(content).items()})


def know_all(frontier: Frontier, lists: Iterable[PageList]) -> None:
    """Let `frontier` know the pages of these lists."""
    for one in lists:
        for url, purpose in zip(one.urls, one.purposes, strict=True):
            frontier.know(url, purpose)


def _prefix(plan_attempt: str) -> str:
    return f"known-{plan_attempt}-"
