"""`GET health`: can this app do its work right now?"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper.app_sources import app_sources
from scraper.run_log import run_logger
from scraper.settings import Settings
from storage.store import open_store
from triggers.operations.purge_timer import last_purge
from triggers.runs.live_runs import live_run, stall_of
from triggers.web.problem import json_response

PATIENCE_S = 5

logger = run_logger(__name__)


async def health(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """200, or 503 that names the checks that failed; for everybody, so it does not say why.

    With a run that is stuck the app is `degraded`, and the answer 200: it can work, and somebody has to look.
    """
    return await _health(client, detailed=False)


async def health_details(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """As `health`, and what each fault is: for holders of a key."""
    return await _health(client, detailed=True)


async def _health(client: df.DurableOrchestrationClient, *, detailed: bool) -> func.HttpResponse:
    found = {
        "settings": await _found(_settings()),
        "storage": await _found(_storage()),
        "hub": await _found(_hub(client)),
    }
    can_look = not (found["storage"].fault or found["hub"].fault)
    found["runs"] = await _found(_runs(client)) if can_look else Finding("unknown")
    failed = [name for name, finding in found.items() if finding.state == "failed"]
    for name in failed:
        logger.error("health check '%s' failed: %s", name, found[name].fault)
    well = "degraded" if found["runs"].state == "stuck" else "ok"
    document: dict[str, Any] = {
        "status": "unhealthy" if failed else well,
        "checks": {name: finding.state for name, finding in found.items()},
    }
    if detailed:
        document["faults"] = {name: finding.fault for name, finding in found.items() if finding.fault}
        document["retentionDays"] = _retention_days()
        document["lastPurge"] = await _last_purge(client)
        document["alerts"] = await _undelivered()
    return json_response(document, HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found: `ok`, `failed`, `stuck` or `unknown`, and why."""

    state: str
    fault: str = ""


OK = Finding("ok")


async def _settings() -> Finding:
    app_sources(Settings())
    return OK


async def _storage() -> Finding:
    await open_store(Settings()).tickets.read(names.DAILY_SCRAPE)
    return OK


async def _hub(client: df.DurableOrchestrationClient) -> Finding:
    await client.get_status("health-probe")
    return OK


async def _runs(client: df.DurableOrchestrationClient) -> Finding:
    store = open_store(Settings())
    live = await live_run(client, store)
    stall = await stall_of(store, live.run) if live is not None else None
    if stall is None:
        return OK
    return Finding(
        "stuck", f"'{stall.run_id}' has made no progress since {stall.since:%Y-%m-%dT%H:%M:%SZ}: {stall.reason}"
    )


def _retention_days() -> int | None:
    """For how long the app keeps things; None if its settings cannot be used, which a check says."""
    with suppress(Exception):
        return Settings().retention_days
    return None


async def _last_purge(client: df.DurableOrchestrationClient) -> dict[str, Any] | None:
    """How the newest purge went; None also if the hub does not tell, which a check says."""
    with suppress(Exception):
        async with asyncio.timeout(PATIENCE_S):
            return await last_purge(client)
    return None


async def _undelivered() -> dict[str, Any] | None:
    """What waits to be sent to the operator's webhook; None if nobody can tell, which a check says."""
    with suppress(Exception):
        settings = Settings()
        async with asyncio.timeout(PATIENCE_S):
            pending = await open_store(settings).alerts.pending()
        return {
            "configured": bool(settings.alert_webhook_url),
            "undelivered": len(pending),
            "oldest": pending[0].at.isoformat() if pending else None,
            "fault": next((alert.fault for alert in pending if alert.fault), ""),
        }
    return None


async def _found(check: Awaitable[Finding]) -> Finding:
    """What a check finds; whatever it raises, or no answer, is its fault."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await check
    except TimeoutError:
        return Finding("failed", f"no answer within {PATIENCE_S} s")
    except Exception as fault:  # noqa: BLE001 - whatever a check meets is its finding
        return Finding("failed", f"{type(fault).__name__}: {fault}")
