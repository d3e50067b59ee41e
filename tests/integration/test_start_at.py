"""Starts in the future: accepted, shown, cancelled, and what becomes of them at their time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.testing import CrashPoint, HostCrashed
from starts.later import cancel_scheduled
from starts.singleton import start_singleton
from storage.ledger.locks import TableTickets
from storage.ledger.schedule import Schedules
from storage.ticket import Ticket
from tests.helpers.scheduled_month import ScheduledMonth, scheduled_month

NOON = "2026-11-01T12:00:00Z"
SCRAPE = "/api/orchestrators/daily_scrape"


@pytest.fixture
async def month(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ScheduledMonth]:
    settings = {"SCRAPE_SCHEDULE": "0 0 6 * * *", "AzureWebJobs.daily_timer.Disabled": "true"}
    async with scheduled_month(azurite, table_prefix, tmp_path, monkeypatch, **settings) as opened:
        yield opened


async def start_at(month: ScheduledMonth, run_id: str, when: str = NOON, *, status: int = 202) -> Any:
    return await month.ask("POST", f"{SCRAPE}/{run_id}?startAt={when}", status=status)


async def state(month: ScheduledMonth, run_id: str) -> tuple[str, str | None]:
    run = await month.ask("GET", f"/api/runs/{run_id}")
    return run["state"], run["outcome"]


async def test_a_run_is_shown_as_scheduled_until_its_time_and_then_runs(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        accepted = await month.ask("POST", "/api/runs", {"sources": ["books"], "startAt": NOON}, status=202)
        assert accepted["startAt"] == "2026-11-01T12:00:00+00:00"
        await month.until("01 11:59")
        shown = await month.ask("GET", f"/api/runs/{accepted['runId']}")
        assert (shown["state"], shown["startAt"], shown["outcome"]) == ("scheduled", accepted["startAt"], None)
        assert await month.runs() == []
        await month.until("01 12:00")
        assert await state(month, accepted["runId"]) == ("running", None)
        await month.until("01 13:00")
        assert await month.runs() == [(accepted["runId"], "startAt", "completed")]
        assert await state(month, accepted["runId"]) == ("finished", "completed")


async def test_a_start_thirty_days_ahead_happens_in_its_minute(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        await start_at(month, "far", "2026-12-01T00:00:00Z")
        await month.until("30 23:59")
        assert await state(month, "far") == ("scheduled", None)
        await month.on.advance(minutes=1)
        assert await state(month, "far") == ("running", None)


async def test_the_management_urls_of_a_start_are_those_of_the_instance_that_waits(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00") as host:
        urls = await start_at(month, "later-today")
        assert urls["id"] == "later:later-today"
        assert (await host.request("GET", urls["statusQueryGetUri"])).status == 202
        await month.until("01 12:30")
        ended = (await host.request("GET", urls["statusQueryGetUri"])).json()
        assert ended["output"] == {"code": "started", "reason": "", "holder": ""}


async def test_any_orchestrator_can_be_started_at_a_time(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00") as host:
        host.replace_activity("say_welcome", lambda guest: f"Welcome {guest['name']}")
        await month.ask("POST", f"/api/orchestrators/welcome/hello?startAt={NOON}", status=202)
        await month.until("01 12:30")
        assert (await host.status("hello")).output == "Welcome One Welcome Two Welcome Three"


async def test_a_second_start_of_an_id_that_is_scheduled_is_refused(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        await start_at(month, "a")
        again = await start_at(month, "a", "2026-11-01T13:00:00Z", status=409)
        at_once = await month.ask("POST", f"{SCRAPE}/a", status=409)
    assert again["detail"] == at_once["detail"] == "A start of 'a' is scheduled already."
    assert at_once["startAt"] == "2026-11-01T12:00:00+00:00"


async def test_a_start_that_meets_a_live_run_is_a_skip_and_shown_as_such(month: ScheduledMonth) -> None:
    month.lasts = {"long": timedelta(hours=2)}
    async with month.switched_on("01 00:00"):
        await start_at(month, "a")
        await month.until("01 11:00")
        await month.ask("POST", f"{SCRAPE}/long", status=202)
        await month.until("01 14:00")
        assert await month.runs() == [("long", "http", "completed")]
        assert await month.skips() == [("a", "startAt", "held", "long")]
        assert await state(month, "a") == ("finished", "skipped")
        late = await month.ask("POST", "/api/runs/a/stop", status=409)
    assert late["outcome"] == "skipped"


@pytest.mark.parametrize("mode", ["drain", "now"])
async def test_a_run_that_is_stopped_before_its_time_never_runs(month: ScheduledMonth, mode: str) -> None:
    async with month.switched_on("01 00:00"):
        await start_at(month, "a")
        stopped = await month.ask("POST", f"/api/runs/a/stop?mode={mode}", status=202)
        assert stopped["mode"] == mode
        assert await state(month, "a") == ("finished", "stopped")
        assert (await month.ask("POST", "/api/runs/a/stop", status=409))["outcome"] == "stopped"
        await month.until("01 14:00")
        assert (await month.runs(), await month.skips()) == ([], [])


async def test_a_run_that_is_to_come_has_no_failures_and_cannot_be_retried(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        await start_at(month, "a")
        links = (await month.ask("GET", "/api/runs/a"))["links"]
        assert await month.ask("GET", links["failures"]) == {"failures": [], "continuation": None, "notKept": []}
        refused = await month.ask("POST", "/api/runs/a/retry", status=409)
        assert (refused["detail"], refused["links"]) == ("The run 'a' is still to come.", links)
        await month.ask("POST", "/api/runs/a/stop", status=202)
        assert await month.ask("GET", links["failures"]) == {"failures": [], "continuation": None, "notKept": []}
        refused = await month.ask("POST", "/api/runs/a/retry", status=409)
        assert refused["detail"] == "The run 'a' never started, so it has nothing to retry."


async def test_a_run_that_begins_while_it_is_looked_up_is_not_overlooked(
    month: ScheduledMonth, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = TableTickets.read
    async with month.switched_on("01 00:00") as host:
        await start_at(month, "a")

        async def read_too_early(tickets: TableTickets, key: str) -> Ticket | None:
            ticket = await read(tickets, key)
            monkeypatch.setattr(TableTickets, "read", read)
            await host.clock.sleep(12 * 3600 + 60)  # before the next look, the start is due and happens
            return ticket

        monkeypatch.setattr(TableTickets, "read", read_too_early)
        assert await state(month, "a") == ("scheduled", None)
        assert await state(month, "a") == ("running", None)


async def test_an_id_whose_start_was_cancelled_can_be_started(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        await start_at(month, "a")
        await month.ask("POST", "/api/runs/a/stop", status=202)
        await start_at(month, "a", "2026-11-01T10:00:00Z")
        await month.until("01 11:00")
        assert await month.runs() == [("a", "startAt", "completed")]


async def test_a_start_that_is_cancelled_while_it_takes_the_ticket_does_not_run(
    month: ScheduledMonth, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_cancelled, asked = Schedules.is_start_cancelled, []

    async def cancelled_just_before(schedules: Schedules, claim: str) -> bool:
        asked.append(claim)
        if len(asked) == 1:
            await schedules.cancel_start(claim, at=month.now(), by="http", instance_id="later:a")
        return await is_cancelled(schedules, claim)

    async with month.switched_on("01 00:00") as host:
        await start_at(month, "a")
        monkeypatch.setattr(Schedules, "is_start_cancelled", cancelled_just_before)
        await month.until("01 14:00")
        assert asked
        assert (await host.status("later:a")).output["code"] == "cancelled"
        assert await month.runs() == []
        await month.ask("POST", f"{SCRAPE}/b", status=202)  # the singleton is free again


async def test_a_run_that_begins_while_its_start_is_being_cancelled_is_stopped(
    month: ScheduledMonth, monkeypatch: pytest.MonkeyPatch
) -> None:
    month.lasts = {"a": timedelta(hours=2)}
    async with month.switched_on("01 00:00") as host:
        await start_at(month, "a")

        async def too_late(*given: Any, **named: Any) -> None:
            await host.clock.sleep(12 * 3600 + 60)  # before the word is written, the start is due and happens
            await cancel_scheduled(*given, **named)

        monkeypatch.setattr("triggers.runs.scheduled_starts.cancel_scheduled", too_late)
        stopped = await month.ask("POST", "/api/runs/a/stop?mode=now", status=202)
        assert stopped["mode"] == "now"
        assert await month.runs() == [("a", "startAt", "stopped")]


@pytest.mark.parametrize("write", range(2, 8))
async def test_a_start_at_its_time_survives_a_crash_of_the_host_at_each_of_its_writes(
    month: ScheduledMonth, write: int
) -> None:
    async with month.switched_on("01 00:00"):
        await start_at(month, "a")
    crashed = month.open_host("01 11:00", crash=CrashPoint(write))
    async with crashed:
        with pytest.raises(HostCrashed):
            await crashed.advance(hours=2)
    async with month.switched_on("01 12:00", after=crashed):
        await month.until("01 16:00")
        assert await month.runs() == [("a", "startAt", "completed")]
        assert await month.skips() == []


@pytest.mark.parametrize("hours", [0.5, 2], ids=["ended", "live"])
async def test_a_start_that_is_repeated_after_its_run_and_another_starts_no_second_one(
    month: ScheduledMonth, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    """The activity has done its work, but the worker dies before anybody hears of it."""
    answers_lost: list[str] = []

    async def lost_answer(*given: Any, **named: Any) -> Any:
        ticket = await start_singleton(*given, **named)
        if not answers_lost:
            answers_lost.append(ticket.instance_id)
            await month.on.clock.sleep(3600)  # the run has come and gone
            raise OSError("the worker died")
        return ticket

    monkeypatch.setattr("activities.starting.start_singleton", lost_answer)
    async with month.switched_on("01 00:00"):
        await start_at(month, "a")
        await month.until("01 12:20")
        month.lasts = {"b": timedelta(hours=hours)}
        await month.ask("POST", f"{SCRAPE}/b", status=202)
        await month.until("01 16:00")
        assert answers_lost == ["a"]
        assert await month.runs() == [("a", "startAt", "completed"), ("b", "http", "completed")]
        assert await month.skips() == []


async def test_an_id_whose_start_was_cancelled_is_shown_as_the_run_that_it_got_since(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        await start_at(month, "a")
        await month.ask("POST", "/api/runs/a/stop", status=202)
        await month.on.advance(minutes=1)
        await month.ask("POST", f"{SCRAPE}/a", status=202)
        assert await state(month, "a") == ("running", None)
        await month.until("01 01:00")
        assert await state(month, "a") == ("finished", "completed")


@pytest.mark.parametrize("reason", ["enough", "{text}"])  # the second one is in the URL until it is replaced
async def test_a_start_that_was_ended_through_the_hub_says_so(month: ScheduledMonth, reason: str) -> None:
    async with month.switched_on("01 00:00") as host:
        await start_at(month, "a")
        await host.terminate("later:a", reason)
        run = await month.ask("GET", "/api/runs/a")
    assert (run["outcome"], run["reason"]) == ("terminated", f"the instance 'later:a' was terminated: {reason}")


async def test_a_run_that_waits_for_the_one_before_it_is_shown_and_can_be_cancelled(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        scheduled_month(azurite, table_prefix, tmp_path, monkeypatch, OVERLAP_POLICY="buffer_one") as month,
        month.switched_on("01 00:00"),
    ):
        month.lasts = {"daily-2026-11-01": timedelta(hours=24, minutes=20)}
        await month.until("02 06:10")
        shown = await month.ask("GET", "/api/runs/daily-2026-11-02")
        assert (shown["state"], shown["startAt"]) == ("scheduled", "2026-11-02T06:00:00+00:00")
        await month.ask("POST", "/api/runs/daily-2026-11-02/stop", status=202)
        await month.until("02 12:00")
        assert await month.runs() == [("daily-2026-11-01", "timer", "completed")]


async def test_put_with_a_time_schedules_once_and_waits_for_the_result(month: ScheduledMonth) -> None:
    url = f"{SCRAPE}/polled?startAt={NOON}"
    async with month.switched_on("01 00:00"):
        for _ in range(2):
            assert (await month.ask("PUT", url, status=202))["id"] == "later:polled"
        await month.ask("PUT", f"{SCRAPE}/polled", status=202)  # without the time: it is scheduled all the same
        await month.until("01 12:05")
        assert (await month.ask("PUT", url, status=202))["id"] == "polled"
        await month.until("01 13:00")
        assert (await month.ask("PUT", url))["runtimeStatus"] == "Completed"
        assert await month.runs() == [("polled", "startAt", "completed")]


async def test_put_tells_what_became_of_a_start_that_met_a_live_run_however_often_it_is_sent(
    month: ScheduledMonth,
) -> None:
    month.lasts = {"long": timedelta(hours=2)}
    url = f"{SCRAPE}/polled?startAt={NOON}"
    async with month.switched_on("01 11:00"):
        await month.ask("PUT", url, status=202)
        await month.ask("POST", f"{SCRAPE}/long", status=202)
        for moment in ("01 12:01", "01 12:05", "01 14:00"):
            await month.until(moment)
            told = await month.ask("PUT", url)
            assert (told["id"], told["runtimeStatus"]) == ("later:polled", "Completed")
            assert (told["output"]["code"], told["output"]["holder"]) == ("held", "long")
        assert await month.skips() == [("polled", "startAt", "held", "long")]
        assert await month.runs() == [("long", "http", "completed")]


async def test_put_does_not_schedule_again_what_somebody_has_cancelled(month: ScheduledMonth) -> None:
    url = f"{SCRAPE}/polled?startAt={NOON}"
    async with month.switched_on("01 11:00"):
        await month.ask("PUT", url, status=202)
        await month.ask("POST", "/api/runs/polled/stop", status=202)
        await month.until("01 11:01")
        told = await month.ask("PUT", url)
        assert (told["id"], told["runtimeStatus"], told["reason"]) == (
            "later:polled",
            "Terminated",
            "cancelled by http",
        )
        await month.until("01 13:00")
        assert await month.runs() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "detail"),
    [
        ("POST", "/api/runs", {"startAt": "noon"}, "'startAt' must be a time like"),
        ("POST", "/api/runs", {"startAt": 7}, "'startAt' must be a text, not a number."),
        ("POST", "/api/runs", {"startsAt": NOON}, "Unknown field 'startsAt' in the body; known: sources, startAt."),
        ("POST", f"{SCRAPE}/a?startAt=2026-11-01T12:00:00", None, "'startAt' has no offset"),
        ("POST", f"{SCRAPE}/a?startAt=", None, "'startAt' must be a time like"),
        ("PUT", f"{SCRAPE}/a?startat", None, "'startAt' must be a time like"),
        ("POST", f"{SCRAPE}/a?startAt={NOON}&STARTAT={NOON}", None, "'startAt' must be a time like"),
        ("POST", "/api/runs?startAt=noon", {"sources": ["books"]}, "'startAt' must be a time like"),
        ("POST", "/api/runs?startAt=noon", {"startAt": NOON}, "'startAt' must be a time like"),
        ("POST", f"{SCRAPE}/a", {"startAt": NOON}, "Unknown field 'startAt' in the body; known: sources."),
        ("PUT", f"{SCRAPE}/a?startAt=2026-10-31T12:00:00Z", None, "'startAt' is in the past"),
        ("POST", f"/api/orchestrators/welcome/{'x' * 255}?startAt={NOON}", None, "it has 261 characters"),
    ],
)
async def test_a_time_that_cannot_be_is_refused_by_field(
    month: ScheduledMonth, method: str, path: str, body: Any, detail: str
) -> None:
    async with month.switched_on("01 00:00"):
        assert detail in (await month.ask(method, path, body, status=400))["detail"]


@pytest.mark.parametrize("nonsense", [{"due": NOON}, "{no JSON"], ids=["an object", "a text"])
async def test_an_instance_that_was_given_nonsense_past_our_routes_is_no_scheduled_start(
    month: ScheduledMonth, nonsense: Any
) -> None:
    async with month.switched_on("01 00:00") as host:
        url = "/runtime/webhooks/durabletask/orchestrators/start_later/later:odd"
        assert (await host.request("POST", url, json=nonsense)).status == 202
        await month.ask("GET", "/api/runs/odd", status=404)
