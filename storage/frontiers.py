"""Which pages a crawl knows: kept in storage for what is inherited, and in memory from one level to the next."""

import json
from base64 import b64decode, b64encode
from typing import Final
from weakref import WeakKeyDictionary

from scraper.finding.frontier import Frontier
from storage.batches import Batches, Plan
from storage.errors import MissingRecord
from storage.page_lists import PageList
from storage.pieces import read_pieces, write_pieces
from storage.tables import Tables

REMEMBERED: Final = 8
"""Crawls that this process remembers the pages of; others are read anew."""

_remembered: WeakKeyDictionary[Tables, dict[str, tuple[int, Frontier]]] = WeakKeyDictionary()


class Frontiers:
    """The pages that the crawls of snapshots know."""

    def __init__(self, tables: Tables, batches: Batches) -> None:
        self._tables, self._batches = tables, batches

    async def bequeath(self, snapshot: str, plan_attempt: str, frontier: Frontier) -> None:
        """Write what a planning attempt knows of earlier runs."""
        text = json.dumps({name: b64encode(keys).decode() for name, keys in frontier.packed().items()})
        await write_pieces(self._tables, "batches", snapshot, _prefix(plan_attempt), text.encode())

    async def at_level(self, snapshot: str, level: int, lists: list[PageList]) -> Frontier:
        """All pages that are planned up to `level`, whose page lists are `lists`. Not to be changed."""
        known = _remembered.setdefault(self._tables, {})
        until, frontier = known.pop(snapshot, (-1, Frontier()))
        if until < level - 1:
            frontier, lists = await self._read(snapshot, level)
        if until < level:
            know_all(frontier, lists)
        while len(known) >= REMEMBERED:
            del known[next(iter(known))]
        known[snapshot] = (max(until, level), frontier)
        return frontier

    async def _read(self, snapshot: str, level: int) -> tuple[Frontier, list[PageList]]:
        plans = (await self._batches.plans(snapshot))[: level + 1]
        return await self.inherited(snapshot, plans[0]), await self._batches.page_lists_of(snapshot, plans)

    async def inherited(self, snapshot: str, first: Plan) -> Frontier:
        """What the crawl knows of earlier runs, by its plan of level 0. Raises MissingRecord if it is not there."""
        if not first.inherits:
            return Frontier()
        content = await read_pieces(self._tables, "batches", snapshot, _prefix(first.attempt))
        if content is None:
            raise MissingRecord(f"snapshot {snapshot} has lost the pages that it knows of earlier runs")
        return Frontier.unpacked({name: b64decode(keys) for name, keys in json.loads(content).items()})


def know_all(frontier: Frontier, lists: list[PageList]) -> None:
    """Let `frontier` know the pages of these lists."""
    for one in lists:
        for url, purpose in zip(one.urls, one.purposes, strict=True):
            frontier.know(url, purpose)


def _prefix(plan_attempt: str) -> str:
    return f"known-{plan_attempt}-"
