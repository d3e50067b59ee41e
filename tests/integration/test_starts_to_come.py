"""The list of starts that are still to come, and the cancelling of one of them, whatever it would start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scraper.settings import Settings
from starts.later import cancel_scheduled
from storage.store import open_store
from storage.ticket import Ticket, TicketState
from tests.helpers.scheduled_month import ScheduledMonth, scheduled_month

API = "http://localhost:7071/api"
NOON = "2026-11-01T12:00:00Z"
SCRAPE = "/api/orchestrators/daily_scrape"
WELCOME = "/api/orchestrators/welcome"
HUB = "/runtime/webhooks/durabletask/orchestrators"


@pytest.fixture
async def month(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ScheduledMonth]:
    settings = {"SCRAPE_SCHEDULE": "0 0 6 * * *", "OVERLAP_POLICY": "buffer_one"}
    async with scheduled_month(azurite, table_prefix, tmp_path, monkeypatch, **settings) as opened:
        yield opened


async def starts(month: ScheduledMonth) -> list[dict[str, Any]]:
    """Those that the list has, which is a whole one."""
    listed = await month.ask("GET", "/api/starts")
    assert listed["isWhole"] is True
    found: list[dict[str, Any]] = listed["starts"]
    return found


async def ids(month: ScheduledMonth) -> list[str]:
    return [one["startId"] for one in await starts(month)]


async def test_the_list_has_the_starts_of_any_orchestrator_the_soonest_first(month: ScheduledMonth) -> None:
    async with month.switched_on("01 07:00"):
        await month.ask("POST", f"{WELCOME}/hello?startAt=2026-11-05T06:00:00Z", {"to": "all"}, status=202)
        run = await month.ask("POST", "/api/runs", {"sources": ["books"], "startAt": NOON}, status=202)
        await month.ask("POST", f"{SCRAPE}/a~1?startAt=2026-11-01T11:00:00Z", status=202)
        first, second, last = await starts(month)
    assert [one["instanceId"] for one in (first, second, last)] == ["a~1", run["runId"], "hello"]
    assert (first["sources"], second["sources"], last["sources"]) == (None, ["books"], None)
    assert first == {
        "startId": "later:a~1",
        "orchestrator": "daily_scrape",
        "instanceId": "a~1",
        "runId": "a~1",
        "startAt": "2026-11-01T11:00:00+00:00",
        "triggeredBy": "startAt",
        "isDue": False,
        "holder": None,
        "sources": None,
        "links": {"run": f"{API}/runs/a~1", "cancel": f"{API}/starts/later%3Aa~1/cancel"},
    }
    assert (last["orchestrator"], last["runId"]) == ("welcome", None)
    assert last["links"] == {"cancel": f"{API}/starts/later%3Ahello/cancel"}


async def test_what_has_begun_or_was_cancelled_or_ended_is_not_to_come(month: ScheduledMonth) -> None:
    async with month.switched_on("01 07:00") as host:
        for run_id in ("begun", "stopped", "terminated", "to-come"):
            when = NOON if run_id == "begun" else "2026-11-01T13:00:00Z"
            await month.ask("POST", f"{SCRAPE}/{run_id}?startAt={when}", status=202)
        await month.ask("POST", "/api/runs/stopped/stop", status=202)
        await host.terminate("later:terminated", "enough")
        await month.until("01 12:05")
        assert await ids(month) == ["later:to-come"]
        await month.until("01 14:00")
        assert await ids(month) == []


async def test_a_tick_that_waits_is_due_and_names_the_run_that_it_waits_for(month: ScheduledMonth) -> None:
    month.lasts = {"daily-2026-11-01": timedelta(hours=24, minutes=20)}
    async with month.switched_on("01 00:00"):
        await month.until("02 06:10")
        (waiting,) = await starts(month)
        assert (waiting["runId"], waiting["triggeredBy"]) == ("daily-2026-11-02", "timer")
        assert (waiting["isDue"], waiting["holder"]) == (True, "daily-2026-11-01")
        assert waiting["startAt"] == "2026-11-02T06:00:00+00:00"
        assert await month.ask("POST", waiting["links"]["cancel"]) == {**waiting, "holder": None}
        await month.until("02 12:00")
        assert await month.runs() == [("daily-2026-11-01", "timer", "completed")]


async def test_a_start_of_any_orchestrator_is_cancelled_and_never_happens(month: ScheduledMonth) -> None:
    async with month.switched_on("01 07:00") as host:
        for path in (f"{WELCOME}/hello", f"{SCRAPE}/a"):
            await month.ask("POST", f"{path}?startAt={NOON}", status=202)
        listed = await starts(month)
        for one in listed:
            assert await month.ask("POST", one["links"]["cancel"]) == one
            again = await month.ask("POST", one["links"]["cancel"], status=409)
            told = f"The start of '{one['instanceId']}' is not to come any more: cancelled."
            assert (again["outcome"], again["detail"]) == ("cancelled", told)
            assert again["links"] == one["links"]
        assert await ids(month) == []
        await month.until("01 14:00")
        assert (await month.runs(), await month.skips()) == ([], [])
        assert (await host.request("GET", f"{HUB.rpartition('/')[0]}/instances/hello")).status == 404
        assert (await month.ask("GET", "/api/runs/a"))["outcome"] == "stopped"


async def test_what_is_begun_by_the_start_before_it_could_be_cancelled_goes_on(
    month: ScheduledMonth, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with month.switched_on("01 07:00") as host:
        await month.ask("POST", f"{SCRAPE}/a?startAt={NOON}", status=202)

        async def too_late(*given: Any, **named: Any) -> None:
            await host.clock.sleep(5 * 3600 + 60)  # before the word is written, the start is due and happens
            await cancel_scheduled(*given, **named)

        monkeypatch.setattr("triggers.runs.starts_to_come.cancel_scheduled", too_late)
        late = await month.ask("POST", "/api/starts/later:a/cancel", status=409)
        assert (late["outcome"], late["links"]["run"]) == ("started", f"{API}/runs/a")
        await month.until("01 13:00")
        assert await month.runs() == [("a", "startAt", "completed")]
        again = await month.ask("POST", "/api/starts/later:a/cancel", status=409)
        assert again["outcome"] == "started"


async def test_a_start_that_takes_its_ticket_in_this_moment_is_not_said_to_be_cancelled_until_it_is(
    month: ScheduledMonth,
) -> None:
    async with month.switched_on("01 07:00") as host:
        await month.ask("POST", f"{WELCOME}/hello?startAt={NOON}", status=202)
        claim = (await host.status("later:hello")).input["claim"]
        taken = Ticket("welcome:hello", "hello", TicketState.STARTING, month.now(), "startAt", claim, epoch=1)
        store = open_store(Settings())
        taken = await store.tickets.insert(taken)
        for _ in range(2):
            late = await month.ask("POST", "/api/starts/later:hello/cancel", status=409)
            assert late["outcome"] == "starting"
            assert "is being started in this moment" in late["detail"]
        await store.tickets.replace(replace(taken, state=TicketState.FREE))  # it has asked, and was told
        late = await month.ask("POST", "/api/starts/later:hello/cancel", status=409)
        assert late["outcome"] == "cancelled"


async def test_a_start_that_there_is_not_cannot_be_cancelled(month: ScheduledMonth) -> None:
    async with month.switched_on("01 07:00"):
        await month.ask("POST", f"{SCRAPE}/a", status=202)
        for start_id in ("later:nobody", "a", "a%3Fb", "-", "x" * 300):
            unknown = await month.ask("POST", f"/api/starts/{start_id}/cancel", status=404)
            assert unknown["detail"].startswith("There is no start '")


async def test_ids_that_only_look_like_those_of_starts_are_none(month: ScheduledMonth) -> None:
    month.lasts = {"later:run": timedelta(hours=1)}
    sound = {"orchestrator": "welcome", "payload": None, "started_by": "x", "due": NOON, "claim": "c"}
    async with month.switched_on("01 07:00") as host:
        await month.ask("POST", f"{SCRAPE}/later:run", status=202)  # its parts begin like that, too
        await month.on.advance(minutes=1)
        await host.start("watch_source", {}, instance_id="buffered:daily_scrape")
        half = {**sound, "instance_id": "half \ud800 of a pair"}
        for number, nonsense in enumerate(({"due": NOON}, "text", {**sound, "instance_id": 5}, half, None)):
            url = f"{HUB}/start_later/later:{number}"
            assert (await host.request("POST", url, json=nonsense)).status == 202
        assert await starts(month) == []
        await month.ask("POST", f"{SCRAPE}/later:run?startAt={NOON}", status=202)
        assert await ids(month) == ["later:later:run"]
        await month.ask("POST", "/api/starts/later:run/cancel", status=404)
        assert (await month.ask("GET", "/api/runs/later:run"))["state"] == "running"
