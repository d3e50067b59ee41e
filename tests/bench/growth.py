"""`make growth`: what a run leaves in storage and asks of it, per page and per day; the figures of docs/cost.md."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.pipeline.transport import AioHttpTransport

from activities.wiring import open_fetcher
from devhost.testing import Host
from scraper import clock
from scraper.settings import Settings
from scripts.azurite import start_azurite
from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from storage.account.tables import TABLE_NAMES
from storage.store import open_store
from tests.helpers.scrape_host import REPOSITORY
from tests.helpers.shop_source import shop_source
from tests.helpers.table_sizes import TableSize, table_sizes

PREFIX = "growth"


@dataclass
class Day:
    """What one day has added: entities and bytes by table, requests to the table service, calls of activities."""

    name: str
    tables: dict[str, TableSize]
    requests: Counter[str]
    activities: Counter[str]
    events: int
    seconds: float


@contextmanager
def counted_requests() -> Iterator[Counter[str]]:
    """Requests to tables: by table, and as a whole."""
    counts: Counter[str] = Counter()
    send = AioHttpTransport.send

    async def counting(self: Any, request: Any, **options: Any) -> Any:
        path = request.url.split("/devstoreaccount1/")[-1]
        counts["all"] += 1
        found = next((name for name in TABLE_NAMES if path.startswith(f"{PREFIX}{name}")), "transactions")
        counts[found] += 1
        return await send(self, request, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AioHttpTransport, "send", counting)
        yield counts


async def measure(pages: int, folder: Path, connection: str, site_settings: dict[str, str]) -> list[Day]:
    """A day with a first run, one with a run over unchanged pages, and one on which nothing runs."""
    (folder / "sources.toml").write_text(shop_source(max_pages=pages + 100))
    settings = {
        **site_settings,
        "AzureWebJobsStorage": connection,
        "TABLE_PREFIX": PREFIX,
        "SOURCES_FILE": str(folder / "sources.toml"),
        "AzureWebJobs.daily_timer.Disabled": "true",
    }
    days: list[Day] = []
    host = Host(REPOSITORY, settings=settings, state_dir=folder / "hub", patience_s=600)
    with pytest.MonkeyPatch.context() as patch, counted_requests() as requests:
        patch.setattr(clock, "utc_now", host.clock.now)
        async with host:
            store = open_store(Settings())
            before = await table_sizes(store.tables)
            for name in ("first run", "unchanged", "no run"):
                requests.clear()
                calls, events, began = len(host.calls), hub_events(folder), time.monotonic()
                if name != "no run":
                    await host.start("daily_scrape", instance_id=name.replace(" ", "-"))
                    ended = await host.wait_for(name.replace(" ", "-"))
                    assert ended.output["outcome"].startswith("completed"), ended.output
                seconds = time.monotonic() - began
                await host.advance(days=1)
                counted, activities = Counter(requests), Counter(call.name for call in list(host.calls)[calls:])
                after = await table_sizes(store.tables)
                grown = {table: after[table] - before[table] for table in TABLE_NAMES}
                days.append(Day(name, grown, counted, activities, hub_events(folder) - events, seconds))
                before = after
                host.clock.move_to(host.clock.now() + timedelta(seconds=1))
            await open_fetcher(Settings()).close()
            await store.tables.close()
    return days


def hub_events(folder: Path) -> int:
    """History events in the task hub: in Azure each is an entity."""
    found = list((folder / "hub").glob("*.sqlite"))
    if not found:
        return 0
    with closing(sqlite3.connect(found[0])) as db:
        select = (
            "SELECT coalesce(sum((length(events) - length(replace(events, '\"EventType\"', ''))) / 11), 0) FROM history"
        )
        return int(db.execute(select).fetchone()[0])


def main(words: Sequence[str] = ()) -> int:
    """Print the figures of one source of `--pages`."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--pages", type=int, default=1000, help="pages of the one source (1000)")
    pages = parser.parse_args(words or None).pages
    with tempfile.TemporaryDirectory() as name, Supervisor(Path(name) / "logs") as supervisor:
        site = start_sample_site(supervisor, books=pages, fault_percent=0)
        azurite = start_azurite(supervisor, location=None)
        days = asyncio.run(measure(pages, Path(name), azurite.connection_string, site.settings))
    for day in days:
        show(day, pages)
    return 0


def show(day: Day, pages: int) -> None:
    """One day's figures."""
    total = TableSize(sum(one.entities for one in day.tables.values()), sum(one.size for one in day.tables.values()))
    print(f"\n{day.name}: {pages} pages, {day.seconds:.1f} s of run")
    print(f"  {'table':10} {'entities':>9} {'kB':>9} {'bytes a page':>13} {'requests':>9}")
    for table, one in {**day.tables, "all": total}.items():
        bytes_a_page = one.size / pages
        print(f"  {table:10} {one.entities:9} {one.size / 1000:9.1f} {bytes_a_page:13.1f} {day.requests[table]:9}")
    print(f"  transactions of many entities: {day.requests['transactions']}; history events in the hub: {day.events}")
    print(f"  activities: {', '.join(f'{what} {count}' for what, count in sorted(day.activities.items())) or 'none'}")


if __name__ == "__main__":
    raise SystemExit(main())
