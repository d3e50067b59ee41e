"""This repository's app in the test kit, with activities that touch nothing."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from devhost.testing import Host
from scraper.settings import Settings
from storage.store import open_store

REPOSITORY = Path(__file__).resolve().parents[2]
SHARE = {"concurrency": 2, "requests_per_second": 1.0}
# These tests have no storage, which the timers would ask for whenever their clocks pass the time.
TIMERS = ("watchdog", "daily_timer", "purge_timer")
WITHOUT_TIMERS = {f"AzureWebJobs.{timer}.Disabled": "true" for timer in TIMERS}
Answer = Callable[[dict[str, Any]], Any]


def summary(source: str, outcome: str) -> dict[str, Any]:
    """What publish_source answers."""
    return {"source": source, "outcome": outcome, "reason": "", "rows": 6}


def scrape_host(sources: Iterable[str], *, batches: int = 3, window: int = 2, **answers: Answer) -> Host:
    """A host whose activities answer as if every step went well; `answers` replaces some of them."""
    activities = {**activities_of(sources, batches=batches, window=window), **answers}
    return Host(REPOSITORY, activities=activities, settings=WITHOUT_TIMERS)


def activities_of(sources: Iterable[str], *, batches: int = 3, window: int = 2) -> dict[str, Answer]:
    """Every activity of a run in which all goes well."""
    plan = {"code": "planned", "attempt": "p1", "batches": batches, "window": window, "share": SHARE}
    return {
        "claim_run": lambda _: {"code": "claimed", "reason": "", "epoch": 7, "sources": list(sources)},
        "plan_source": lambda _: plan,
        "scrape_batch": lambda _: {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2},
        "publish_source": lambda source: summary(source["source"], "published"),
        "finish_run": lambda run: {"outcome": "told", "reason": run["reason"], "sources": run["sources"]},
    }


def app_settings(azurite: str, table_prefix: str) -> dict[str, str]:
    """What the app needs to use real tables, with sources that are never asked."""
    return {
        "AzureWebJobsStorage": azurite,
        "TABLE_PREFIX": table_prefix,
        "SAMPLE_SITE_URL": "http://127.0.0.1:1",
        "SAMPLE_LISTING_PAGES": "1",
        "WELCOME_FAILURE_PERCENT": "0",
    }


@asynccontextmanager
async def host_with_tables(
    settings: Mapping[str, str], activities: Mapping[str, Answer] | None = None
) -> AsyncIterator[Host]:
    """A host on the tables of `settings`; its timers are off, and its connections are closed with it."""
    async with Host(REPOSITORY, settings={**settings, **WITHOUT_TIMERS}, activities=activities) as host:
        try:
            yield host
        finally:
            await open_store(Settings()).tables.close()


def app_queue(name: str) -> str:
    """What the app in this process calls a queue: it is imported once, by the first host, with the settings of that."""
    return str(importlib.import_module("function_app").settings.queue_name(name))


async def run_output(host: Host) -> dict[str, Any]:
    """The output of a whole run with the ID run-1."""
    await host.start("daily_scrape", instance_id="run-1")
    output: dict[str, Any] = (await host.wait_for("run-1")).output
    return output
