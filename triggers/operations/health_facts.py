"""What a holder of a key is told beside the checks: what to look at first when something is odd."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final

import azure.durable_functions as df

from scraper.app_sources import app_sources
from scraper.settings import app_settings
from storage.store import open_store
from telemetry import switch
from triggers.operations.purge_timer import last_purge
from triggers.runs.views import as_it_is

PATIENCE_S: Final = 5


async def facts(client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """By name; None of what nobody can tell now, which a check says."""
    asked: dict[str, Awaitable[Any]] = {
        "sources": _sources(),
        "lastRun": _last_run(client),
        "watchdog": _watchdog(),
        "retentionDays": _retention_days(),
        "lastPurge": last_purge(client),
        "alerts": _undelivered(),
        "telemetry": _telemetry(),
        "telemetryFault": _telemetry_fault(),
    }
    told = await asyncio.gather(*map(_or_none, asked.values()))
    return dict(zip(asked, told, strict=True))


async def _or_none(fact: Awaitable[Any]) -> Any:
    with suppress(Exception):
        async with asyncio.timeout(PATIENCE_S):
            return await fact
    return None


async def _sources() -> int:
    """How many sources the sources file has."""
    return len(app_sources(app_settings()))


async def _last_run(client: df.DurableOrchestrationClient) -> dict[str, Any] | None:
    """The newest run, whether it has ended or not."""
    store = open_store(app_settings())
    newest, _ = await store.runs.newest(limit=1, before_epoch=None)
    if not newest:
        return None
    run = await as_it_is(client, store, newest[0])
    return {
        "runId": run.run_id,
        "outcome": run.outcome,
        "startedAt": run.started_at.isoformat(),
        "finishedAt": run.finished_at.isoformat() if run.finished_at else None,
    }


async def _watchdog() -> dict[str, Any] | None:
    """When the watchdog looked last: one that does not look sees no run that is stuck."""
    looked_at = await open_store(app_settings()).stalls.looked_at()
    return {"lookedAt": looked_at.isoformat()} if looked_at else None


async def _retention_days() -> int:
    """For how long the app keeps things."""
    return app_settings().retention_days


async def _telemetry() -> str:
    """Where traces and metrics really go, from the process that answers."""
    return switch.state()[0]


async def _telemetry_fault() -> str:
    """Why they go nowhere, though the settings want them to."""
    return switch.state()[1]


async def _undelivered() -> dict[str, Any]:
    """What waits to be sent to the operator's webhook."""
    settings = app_settings()
    pending = await open_store(settings).alerts.pending()
    return {
        "configured": bool(settings.alert_webhook_url),
        "undelivered": len(pending),
        "oldest": pending[0].at.isoformat() if pending else None,
        "fault": settings.alerts_fault or next((alert.fault for alert in pending if alert.fault), ""),
    }
