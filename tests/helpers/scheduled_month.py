"""This repository's app on a virtual clock and real tables, with runs that take as long as a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.testing import CrashPoint, Host
from scraper import clock
from scraper.settings import Settings
from storage.store import open_store
from tests.helpers.scrape_host import REPOSITORY, SHARE

SOURCES = """
[[source]]
name = "books"
urls = ["http://127.0.0.1:1/a"]
allow_private_hosts = ["127.0.0.1"]
fields = { title = "h1::text" }
"""
COUNTS = {"batches": 1, "pages": 1, "loaded": 1, "failed": 0, "rows": 1}


def moment(text: str) -> datetime:
    """`03 06:00` of November 2026, in UTC."""
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


@dataclass
class ScheduledMonth:
    """November 2026. `lasts` says how long the run with an ID takes (else ten minutes); `fails` whose gate refuses."""

    state_dir: Path
    settings: Mapping[str, str]
    lasts: Mapping[str, timedelta] = field(default_factory=dict)
    fails: frozenset[str] = frozenset()
    activities: Mapping[str, Any] = field(default_factory=dict)
    """Further activities that are not the app's own."""
    host: Host | None = None

    def open_host(self, at: str, *, crash: CrashPoint | None = None, after: Host | None = None) -> Host:
        """A host that is switched on at this time, with the state of the one before it."""
        activities = {"plan_source": self._plan, "scrape_batch": self._scrape, "publish_source": self._publish}
        activities |= self.activities
        self.host = Host(
            REPOSITORY,
            settings=self.settings,
            state_dir=self.state_dir,
            start=moment(at),
            activities=activities,
            crash=crash,
            after=after,
        )
        return self.host

    @asynccontextmanager
    async def switched_on(self, at: str, *, after: Host | None = None) -> AsyncIterator[Host]:
        """As `open_host`, open already."""
        async with self.open_host(at, after=after) as host:
            yield host

    async def until(self, text: str) -> None:
        """Let the clock reach this time."""
        await self.on.advance(seconds=(moment(text) - self.on.clock.now()).total_seconds())

    async def run_timer_by_hand(self) -> None:
        """As the host's admin route does."""
        await self.on.run_timer("daily_timer")

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The document that the app answers."""
        reply = await self.on.request(method, path, json=body)
        assert reply.status == status, reply.text
        return reply.json()

    async def runs(self) -> list[tuple[str, str, str]]:
        """Every run, oldest first: ID, what started it, outcome."""
        listed = (await self.ask("GET", "/api/runs?limit=200"))["runs"]
        return [(one["runId"], one["triggeredBy"], one["outcome"]) for one in reversed(listed)]

    async def skips(self) -> list[tuple[str, str, str, str]]:
        """Every start that did not happen, oldest first: run ID, trigger, reason, holder."""
        listed = (await self.ask("GET", "/api/skips?limit=200"))["skips"]
        return [(one["runId"], one["trigger"], one["reason"], one["holder"]) for one in reversed(listed)]

    @property
    def on(self) -> Host:
        """The host that is on."""
        assert self.host is not None
        return self.host

    def now(self) -> datetime:
        """The app's clock: the one of the host that is on."""
        return self.on.clock.now()

    def _plan(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"code": "planned", "attempt": "p1", "batches": 1, "window": 1, "share": SHARE}

    async def _scrape(self, batch: dict[str, Any]) -> dict[str, Any]:
        await self.on.clock.sleep(self.lasts.get(batch["run_id"], timedelta(minutes=10)).total_seconds())
        return {"code": "scraped"}

    def _publish(self, source: dict[str, Any]) -> dict[str, Any]:
        refused = source["run_id"] in self.fails
        outcome = ("refused", "0 rows") if refused else ("published", "")
        return {"source": source["source"], "outcome": outcome[0], "reason": outcome[1], **COUNTS}


@asynccontextmanager
async def scheduled_month(
    azurite: str, table_prefix: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[ScheduledMonth]:
    """The app with these settings, switched off; its clock is the host's."""
    sources = folder / "sources.toml"
    sources.write_text(SOURCES)
    month = ScheduledMonth(
        folder / "state",
        {
            "AzureWebJobsStorage": azurite,
            "TABLE_PREFIX": table_prefix,
            "SOURCES_FILE": str(sources),
            "AzureWebJobs.watchdog.Disabled": "true",  # every five minutes of a month, and nobody is stuck
            **settings,
        },
    )
    monkeypatch.setattr(clock, "utc_now", month.now)
    try:
        yield month
    finally:
        await open_store(Settings(storage_connection=azurite, table_prefix=table_prefix)).tables.close()
