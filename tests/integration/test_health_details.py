"""`GET health/details`: what a holder of a key is told beside the checks."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from scraper.settings import Settings
from storage.ledger.runs import Runs
from telemetry import switch
from tests.helpers.activity_runs import ActivityRuns
from triggers.operations import health
from triggers.operations.health import health_details

REQUEST = func.HttpRequest("GET", "http://localhost/api/health/details", body=b"")
SIX = datetime(2026, 11, 21, 6, tzinfo=UTC)


async def details(runs: ActivityRuns) -> dict[str, Any]:
    answer = await health_details(REQUEST, runs.hub)
    told: dict[str, Any] = json.loads(answer.get_body())
    return told


async def test_an_app_that_has_just_been_deployed_has_no_past(runs: ActivityRuns) -> None:
    told = await details(runs)
    assert (told["status"], told["sources"], told["telemetry"]) == ("ok", 2, "off")
    assert (told["lastRun"], told["watchdog"]) == (None, None)


@pytest.mark.parametrize("handler", [health.health, health_details])
async def test_a_parameter_that_a_probe_adds_is_ignored(runs: ActivityRuns, handler: Any) -> None:
    answer = await handler(func.HttpRequest("GET", f"{REQUEST.url}?x=1", params={"x": "1"}, body=b""), runs.hub)
    assert answer.status_code == 200


async def test_the_newest_run_is_told_while_it_lasts_and_with_its_outcome(runs: ActivityRuns) -> None:
    run_id = await runs.start("daily-2026-11-21", sources=["news"])
    await runs.claim(run_id)
    during = (await details(runs))["lastRun"]
    await runs.finish(run_id)
    after = (await details(runs))["lastRun"]
    assert (during["runId"], during["outcome"], during["finishedAt"]) == (run_id, None, None)
    assert (after["runId"], after["outcome"], after["startedAt"]) == (run_id, "failed", during["startedAt"])
    assert after["finishedAt"] > after["startedAt"]


async def test_when_the_watchdog_looked_last_is_told(runs: ActivityRuns) -> None:
    await runs.store.stalls.look(SIX)
    assert (await details(runs))["watchdog"] == {"lookedAt": "2026-11-21T06:00:00+00:00"}


async def test_each_check_tells_how_long_it_took(runs: ActivityRuns) -> None:
    latency = (await details(runs))["latencyMs"]
    assert latency.keys() == {"settings", "storage", "hub", "runs"}
    assert all(isinstance(took, int) and took >= 0 for took in latency.values())


async def test_a_check_that_was_not_made_took_no_time(runs: ActivityRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_client: Any) -> Any:
        raise ConnectionError("the hub is away")

    monkeypatch.setattr(health, "_hub", away)
    told = await details(runs)
    assert (told["checks"]["runs"], told["latencyMs"]["runs"]) == ("unknown", None)


async def test_telemetry_that_could_not_be_switched_on_is_off_and_says_why(
    runs: ActivityRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_ENABLE_OPENTELEMETRY", "true")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "nope:Nope")
    switch.switch_on(Settings())
    told = await details(runs)
    switch.switch_off()
    fault = "ModuleNotFoundError: No module named 'nope'"
    assert (told["status"], told["telemetry"], told["telemetryFault"]) == ("ok", "off", fault)


async def test_a_fact_that_cannot_be_had_leaves_the_others(runs: ActivityRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_arguments: Any, **_named: Any) -> Any:
        raise ConnectionError("this table is away")

    monkeypatch.setattr(Runs, "newest", broken)
    told = await details(runs)
    assert (told["lastRun"], told["sources"], told["retentionDays"]) == (None, 2, 30)


async def test_no_check_waits_for_another(runs: ActivityRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the storage hangs, the answer would come too late for whoever wants to know why."""
    others = asyncio.Barrier(3)

    async def meet(*_: object) -> Any:
        await others.wait()
        return health.OK

    async def last_facts(_: object) -> dict[str, Any]:
        await meet()
        return {}

    monkeypatch.setattr(health, "PATIENCE_S", 1)
    monkeypatch.setattr(health, "_storage", meet)
    monkeypatch.setattr(health, "_hub", meet)
    monkeypatch.setattr(health, "facts", last_facts)
    assert (await details(runs))["status"] == "ok"
