"""Which pages a crawl knows: kept in storage for what is inherited, and in memory from one level to the next."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from scraper.finding.frontier import Frontier
from storage.batches import Batches, Plan, failing
from storage.errors import MissingRecord
from storage.page_lists import PageList
from storage.pieces import read_pieces, write_pieces
from storage.rows import Rows
from storage.tables import Tables

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
        else:
            frontier, attempts = before.frontier, [plan.attempt] if plan.not_found > before.not_found else []
        if before.level < plan.level:
            know_all(frontier, lists)
            failures = self._rows.failures(snapshot, [], plan_attempts=attempts)
            frontier.refused.update([failure.url async for _, failure in failures])
        while len(known) >= REMEMBERED:
            del known[next(iter(known))]
        known[snapshot] = _Remembered(max(before.level, plan.level), max(before.not_found, plan.not_found), frontier)
        return frontier

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
