"""The schedule in the test kit: ticks that come twice, pauses, faults, and what an operator sees of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.state_dir import StateDir
from tests.helpers.scheduled_month import ScheduledMonth, scheduled_month

FIRST = "daily-2026-11-01"
SECOND = "daily-2026-11-02"


@pytest.fixture
async def month(
    request: pytest.FixtureRequest, azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ScheduledMonth]:
    settings = getattr(request, "param", {})
    async with scheduled_month(azurite, table_prefix, tmp_path, monkeypatch, **settings) as opened:
        yield opened


buffer_one = pytest.mark.parametrize("month", [{"OVERLAP_POLICY": "buffer_one"}], indirect=True)
cancel_other = pytest.mark.parametrize("month", [{"OVERLAP_POLICY": "cancel_other"}], indirect=True)


def owe_again(month: ScheduledMonth, *, last: str, owed: str) -> None:
    """As if the host had died after the tick's call and before it noted that: the next one repeats it."""
    status = {"Last": last, "Next": owed, "LastUpdated": last}
    StateDir(month.state_dir).timer_status.write_text(json.dumps({"timers": {"daily_timer": status}}))


async def test_a_tick_that_fires_twice_starts_one_run_and_is_no_skip(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        await month.until("01 06:30")
    owe_again(month, last="2026-10-31T06:00:00+00:00", owed="2026-11-01T06:00:00+00:00")
    async with month.switched_on("01 07:00"):
        await month.until("01 09:00")
        assert await month.runs() == [(FIRST, "timer", "completed")]
        assert await month.skips() == []


@buffer_one
async def test_a_tick_that_fires_again_while_its_start_waits_lets_it_wait(month: ScheduledMonth) -> None:
    month.lasts = {FIRST: timedelta(hours=26)}
    async with month.switched_on("01 00:00"):
        await month.until("02 06:30")
    owe_again(month, last="2026-11-01T06:00:00+00:00", owed="2026-11-02T06:00:00+00:00")
    month.lasts = {FIRST: timedelta(hours=1)}  # from now on: the host begins again what it had not finished
    async with month.switched_on("02 07:00"):
        await month.until("02 12:00")
        assert await month.skips() == []
        assert [run_id for run_id, _, _ in await month.runs()] == [FIRST, SECOND]


@buffer_one
async def test_a_start_that_waits_while_the_schedule_is_paused_does_not_happen(month: ScheduledMonth) -> None:
    month.lasts = {FIRST: timedelta(hours=24, minutes=20)}
    async with month.switched_on("01 00:00"):
        await month.until("02 06:10")
        await month.ask("PUT", "/api/schedule", {"paused": True})
        await month.until("02 12:00")
        assert await month.skips() == [(SECOND, "timer", "paused", "")]
        assert await month.runs() == [(FIRST, "timer", "completed")]


@cancel_other
async def test_a_run_that_was_replaced_does_nothing_more_and_says_for_whom(month: ScheduledMonth) -> None:
    month.lasts = {FIRST: timedelta(hours=30)}
    async with month.switched_on("01 00:00") as host:
        await month.until("02 20:00")
        run = await month.ask("GET", f"/api/runs/{FIRST}")
        published = [call["run_id"] for call in host.calls.inputs("publish_source")]
    assert (run["outcome"], f"for '{SECOND}'" in run["reason"]) == ("stopped", True)
    assert published == [SECOND]


async def test_a_run_that_was_started_past_our_routes_and_is_held_stands_in_the_ledger(month: ScheduledMonth) -> None:
    month.lasts = {FIRST: timedelta(hours=2)}
    async with month.switched_on("01 00:00") as host:
        await month.until("01 06:30")
        await host.start("daily_scrape", {"triggered_by": "watch"}, instance_id="watched")
        assert await month.skips() == [("watched", "watch", "held", FIRST)]


async def test_the_schedule_is_shown_with_what_decides_about_its_ticks(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        answer = await month.ask("GET", "/api/schedule")
        ticks = answer.pop("lastTicks")
        assert (len(ticks), ticks[-1]) == (30, "2026-10-31T06:00:00+00:00")
        assert answer == {
            "schedule": "0 0 6 * * *",
            "timeZone": "UTC",
            "paused": False,
            "overlapPolicy": "skip",
            "catchupWindowMinutes": 720,
            "changedAt": None,
            "nextTick": "2026-11-01T06:00:00+00:00",
        }


async def test_a_pause_is_kept_and_says_since_when(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        answer = await month.ask("PUT", "/api/schedule", {"paused": True})
        assert (answer["paused"], answer["changedAt"]) == (True, "2026-11-01T00:00:00+00:00")
        assert await month.ask("GET", "/api/schedule") == answer


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (None, "'paused' is missing: send true or false."),
        ({}, "'paused' is missing: send true or false."),
        ({"paused": "yes"}, "'paused' must be true or false, not a string."),
        ({"paused": 1}, "'paused' must be true or false, not a number."),
        ({"paused": None}, "'paused' must be true or false, not null."),
        ({"paused": {}}, "'paused' must be true or false, not an object."),
        ({"paused": True, "overlapPolicy": "skip"}, "Unknown field 'overlapPolicy' in the body; known: paused."),
        ([True], "The body must be a JSON object, not an array."),
    ],
)
async def test_a_body_that_is_no_pause_is_refused_by_field(month: ScheduledMonth, body: Any, detail: str) -> None:
    async with month.switched_on("01 00:00"):
        assert (await month.ask("PUT", "/api/schedule", body, status=400))["detail"] == detail


async def test_a_skip_is_shown_with_all_that_is_known_and_pages_follow_each_other(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00"):
        await month.ask("PUT", "/api/schedule", {"paused": True})
        await month.until("03 12:00")
        first = await month.ask("GET", "/api/skips?limit=2")
        rest = await month.ask("GET", f"/api/skips?limit=2&continuation={first['continuation']}")
    assert first["skips"][0] == {
        "at": "2026-11-03T06:00:00+00:00",
        "scheduledFor": "2026-11-03T06:00:00+00:00",
        "runId": "daily-2026-11-03",
        "trigger": "timer",
        "reason": "paused",
        "holder": "",
        "detail": "the schedule is paused",
    }
    assert [one["runId"] for one in [*first["skips"], *rest["skips"]]] == ["daily-2026-11-03", SECOND, FIRST]
    assert rest["continuation"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "continuation=x", "continuation=' or 1 eq 1"])
async def test_a_page_that_cannot_be_is_refused_by_name(month: ScheduledMonth, query: str) -> None:
    async with month.switched_on("01 00:00"):
        detail = (await month.ask("GET", f"/api/skips?{query}", status=400))["detail"]
    assert detail.startswith(f"'{query.partition('=')[0]}' must be ")
