"""`GET health`: can this app do its work right now?"""

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper.app_sources import app_sources
from scraper.run_log import run_logger
from scraper.settings import Settings
from storage.store import open_store
from triggers.problem import json_response

PATIENCE_S = 5

logger = run_logger(__name__)


async def health(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """200, or 503 that names the checks that failed; for everybody, so it does not say why."""
    return await _health(client, detailed=False)


async def health_details(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """As `health`, and what each fault is: for holders of a key."""
    return await _health(client, detailed=True)


async def _health(client: df.DurableOrchestrationClient, *, detailed: bool) -> func.HttpResponse:
    faults = {
        "settings": await _fault(_settings()),
        "storage": await _fault(_storage()),
        "hub": await _fault(client.get_status("health-probe")),
    }
    failed = [name for name, fault in faults.items() if fault]
    for name in failed:
        logger.error("health check '%s' failed: %s", name, faults[name])
    document: dict[str, Any] = {
        "status": "unhealthy" if failed else "ok",
        "checks": {name: "failed" if fault else "ok" for name, fault in faults.items()},
    }
    if detailed:
        document["faults"] = {name: faults[name] for name in failed}
    return json_response(document, HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK)


async def _settings() -> None:
    app_sources(Settings())


async def _storage() -> None:
    await open_store(Settings()).tickets.read(names.DAILY_SCRAPE)


async def _fault(check: Awaitable[Any]) -> str:
    """What is wrong, or an empty text."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await check
    except TimeoutError:
        return f"no answer within {PATIENCE_S} s"
    except Exception as fault:  # noqa: BLE001 - whatever a check meets is its finding
        return f"{type(fault).__name__}: {fault}"
    return ""
