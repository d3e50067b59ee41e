"""Somebody who clicks at random: every answer must be one that the API may give, and every row that they read true."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from devhost.durable.errors import InstanceNotFound
from devhost.testing import Host
from tests.helpers.changing_sites import ChangingSites
from tests.helpers.flaky_storage import FlakyStorage

ALLOWED = frozenset({200, 202, 404, 409, 410})
WORKFLOWS, WELCOMES = 4, 3  # instances of each that may be asked for


class OperatorAtRandom:
    """`happened` counts what was done, and how it was answered."""

    def __init__(
        self, dice: random.Random, sites: ChangingSites, storage: FlakyStorage, happened: Counter[str]
    ) -> None:
        self._dice, self._sites, self._storage, self._happened = dice, sites, storage, happened
        self._suspended = ""
        self._actions: list[tuple[int, Callable[[Host], Awaitable[None]]]] = [
            (8, self._start),
            (3, self._start_some),
            (2, self._start_later),
            (3, self._stop),
            (4, self._retry),
            (3, self._pause),
            (3, self._publish),
            (2, self._watch),
            (2, self._workflow),
            (1, self._suspend),
            (1, self._welcome),
            (6, self._read_rows),
            (10, self._look),
        ]

    async def act(self, host: Host) -> None:
        """Do one thing; what was suspended is resumed first, most of the time."""
        if self._suspended and self._dice.random() < 0.3:
            await self._resume(host)
        weights = [weight for weight, _ in self._actions]
        ((_, action),) = self._dice.choices(self._actions, weights)
        self._happened[action.__name__.strip("_").replace("_", " ")] += 1
        await action(host)

    async def _ask(self, host: Host, method: str, path: str, body: Any = None) -> Any:
        faults = self._storage.faults
        reply = await host.request(method, path, json=body)
        is_excused = reply.status == 503 and self._storage.faults > faults
        assert reply.status in ALLOWED or is_excused, f"{method} {path}: {reply.status} {reply.text[:500]}"
        self._happened[f"answer {reply.status}"] += 1
        return reply.json() if reply.status < 300 and reply.body[:1] in b"{[" else None

    async def _newest(self, host: Host, limit: int = 8) -> list[str]:
        listed = await self._ask(host, "GET", f"/api/runs?limit={limit}")
        return [run["runId"] for run in listed["runs"]] if listed else []

    async def _any_run(self, host: Host) -> str:
        return self._dice.choice(await self._newest(host) or ["nobody"])

    def _source(self) -> str:
        return self._dice.choice(self._sites.sources)

    async def _start(self, host: Host) -> None:
        await self._ask(host, "POST", "/api/runs")

    async def _start_some(self, host: Host) -> None:
        await self._ask(host, "POST", "/api/runs", {"sources": self._dice.sample(self._sites.sources, 3)})

    async def _start_later(self, host: Host) -> None:
        at: datetime = host.clock.now() + timedelta(minutes=self._dice.randint(1, 90))
        await self._ask(host, "POST", "/api/runs", {"startAt": at.isoformat()})

    async def _stop(self, host: Host) -> None:
        run = (await self._newest(host, 1) or ["nobody"])[0]
        await self._ask(host, "POST", f"/api/runs/{run}/stop?mode={self._dice.choice(['drain', 'now'])}")

    async def _retry(self, host: Host) -> None:
        await self._ask(host, "POST", f"/api/runs/{await self._any_run(host)}/retry")

    async def _pause(self, host: Host) -> None:
        await self._ask(host, "PUT", "/api/schedule", {"paused": self._dice.random() < 0.3})

    async def _publish(self, host: Host) -> None:
        force = self._dice.choice(["", "&force=true"])
        await self._ask(host, "POST", f"/api/datasets/{self._source()}/publish?run={await self._any_run(host)}{force}")

    async def _watch(self, host: Host) -> None:
        source = self._source()
        instance = f"watch:{source}"
        if self._dice.random() < 0.5:
            body = {"source": source, "intervalMinutes": 45}
            await self._ask(host, "POST", f"/api/orchestrators/watch_source/{instance}", body)
        else:
            try:
                is_live = not (await host.status(instance)).is_ended
            except InstanceNotFound:
                return
            if is_live:
                await host.raise_event(instance, "stop", {})

    async def _workflow(self, host: Host) -> None:
        key = f"k{self._dice.randrange(WORKFLOWS)}"
        method, verb = self._dice.choice([("POST", "start"), ("GET", "check"), ("POST", "stop")])
        await self._ask(host, method, f"/api/{verb}/{key}")

    async def _suspend(self, host: Host) -> None:
        for run in await self._newest(host, 1):
            try:
                status = await host.status(run)
            except InstanceNotFound:
                return
            if status.runtime_status == "Running":
                await host.suspend(run, "at random")
                self._suspended = run

    async def _resume(self, host: Host) -> None:
        run, self._suspended = self._suspended, ""
        if (await host.status(run)).runtime_status == "Suspended":
            await host.resume(run)

    async def _welcome(self, host: Host) -> None:
        await self._ask(host, "PUT", f"/api/orchestrators/welcome/w{self._dice.randrange(WELCOMES)}")

    async def _look(self, host: Host) -> None:
        run, source = await self._any_run(host), self._source()
        paths = (
            f"/api/runs/{run}",
            f"/api/runs/{run}/failures",
            "/api/skips",
            "/api/schedule",
            "/api/datasets",
            f"/api/datasets/{source}",
            f"/api/datasets/{source}/diff",
            f"/api/datasets/{source}/diff?to={run}",
            "/api/health",
            "/api/health/details",
        )
        await self._ask(host, "GET", self._dice.choice(paths))

    async def _read_rows(self, host: Host) -> None:
        """Whatever is published is what the site had when it was fetched, each page once and whole."""
        source = self._source()
        told = await self._ask(host, "GET", f"/api/datasets/{source}/rows?limit=1000")
        if told is None:
            return
        pages: dict[str, list[tuple[str, str]]] = {}
        fetched: dict[str, datetime] = {}
        for row in told["rows"]:
            pages.setdefault(row["_url"], []).append((row["name"], row["value"]))
            fetched[row["_url"]] = datetime.fromisoformat(row["_fetched_at"])
        for url, rows in pages.items():
            truth = self._sites.truth(url, fetched[url])
            assert rows == truth, f"{url} at {fetched[url]}: {rows} instead of {truth}"
        self._happened["pages read and true"] += len(pages)
