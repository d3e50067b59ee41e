"""`GET health`: can this app do its work right now?"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper.app_sources import app_sources
from scraper.run_log import run_logger
from scraper.settings import app_settings
from storage.store import open_store
from triggers.operations.health_facts import PATIENCE_S, facts
from triggers.runs.live_runs import live_run, stall_of
from triggers.web.problem import json_response

logger = run_logger(__name__)


async def health(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """200, or 503 that names the checks that failed; for everybody, so it does not say why.

    With a run that is stuck, or a wrong setting that no run needs, the app is `degraded`, and the answer 200: it can
    work, and somebody has to look.
    """
    return await _health(client, detailed=False)


async def health_details(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """As `health`, and what each fault is: for holders of a key."""
    return await _health(client, detailed=True)


async def _health(client: df.DurableOrchestrationClient, *, detailed: bool) -> func.HttpResponse:
    # Together: where one hangs, so may the others, and whoever asks waits for one time-out only.
    settings, storage, hub, told = await asyncio.gather(
        _found(_settings()), _found(_storage()), _found(_hub(client)), facts(client) if detailed else _nothing()
    )
    found = {"settings": settings, "storage": storage, "hub": hub}
    can_look = not (found["storage"].fault or found["hub"].fault)
    found["runs"] = await _found(_runs(client)) if can_look else Finding("unknown")
    failed = [name for name, finding in found.items() if finding.state == "failed"]
    for name in failed:
        logger.error("health check '%s' failed: %s", name, found[name].fault)
    well = "degraded" if any(finding.state in {"stuck", "degraded"} for finding in found.values()) else "ok"
    document: dict[str, Any] = {
        "status": "unhealthy" if failed else well,
        "checks": {name: finding.state for name, finding in found.items()},
    }
    if detailed:
        document["faults"] = {name: finding.fault for name, finding in found.items() if finding.fault}
        document["latencyMs"] = {name: finding.latency_ms for name, finding in found.items()}
        document |= told
    return json_response(document, HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK)


async def _nothing() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found: `ok`, `degraded`, `failed`, `stuck` or `unknown`, and why.

    A latency of None: it was not made.
    """

    state: str
    fault: str = ""
    latency_ms: int | None = None


OK = Finding("ok")


async def _settings() -> Finding:
    settings = app_settings()
    app_sources(settings)
    return Finding("degraded", "; ".join(settings.soft_faults)) if settings.soft_faults else OK


async def _storage() -> Finding:
    await open_store(app_settings()).tickets.read(names.DAILY_SCRAPE)
    return OK


async def _hub(client: df.DurableOrchestrationClient) -> Finding:
    await client.get_status("health-probe")
    return OK


async def _runs(client: df.DurableOrchestrationClient) -> Finding:
    store = open_store(app_settings())
    live = await live_run(client, store)
    stall = await stall_of(store, live.run) if live is not None else None
    if stall is None:
        return OK
    return Finding(
        "stuck", f"'{stall.run_id}' has made no progress since {stall.since:%Y-%m-%dT%H:%M:%SZ}: {stall.reason}"
    )


async def _found(check: Awaitable[Finding]) -> Finding:
    """What a check finds, and in which time; whatever it raises, or no answer, is its fault."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE_S):
            finding = await check
    except TimeoutError:
        finding = Finding("failed", f"no answer within {PATIENCE_S} s")
    except Exception as fault:  # noqa: BLE001 - whatever a check meets is its finding
        finding = Finding("failed", f"{type(fault).__name__}: {fault}")
    return replace(finding, latency_ms=round((time.perf_counter() - began) * 1000))
