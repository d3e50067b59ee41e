"""A month of daily ticks on a virtual clock: runs that are slow, fail, are ended, overlap, are paused or past due.

Every run and every start that did not happen is in the expected lists, and nothing else.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.scheduled_month import ScheduledMonth, scheduled_month

# What goes wrong on which day; on all others a run takes ten minutes.
LASTS = {
    "daily-2026-11-03": timedelta(hours=24, minutes=5),  # meets the tick of the next day
    "by-hand": timedelta(minutes=35),  # begun at 09 05:30, meets the tick of that day
    "daily-2026-11-11": timedelta(days=40),  # hangs until somebody ends it
    "daily-2026-11-23": timedelta(hours=48, minutes=20),  # meets two ticks
}
FAILS = frozenset({"daily-2026-11-06"})


def daily(day: int) -> str:
    return f"daily-2026-11-{day:02}"


def ran(*days: int, outcome: str = "completed") -> list[tuple[str, str, str]]:
    return [(daily(day), "timer", outcome) for day in days]


def skipped(reason: str, *days: int, holder: str = "") -> list[tuple[str, str, str, str]]:
    return [(daily(day), "timer", reason, holder) for day in days]


async def month_of(month: ScheduledMonth) -> tuple[list[Any], list[Any]]:
    """All runs and all skips of the month."""
    month.lasts, month.fails = LASTS, FAILS
    async with month.switched_on("01 00:00") as host:
        await month.until("09 05:30")
        await month.ask("POST", "/api/orchestrators/daily_scrape/by-hand", status=202)
        await month.until("11 20:00")
        await host.terminate(daily(11), "it hangs")
        await month.until("14 00:00")
        await month.ask("PUT", "/api/schedule", {"paused": True})
        await month.until("16 12:00")
        await month.ask("PUT", "/api/schedule", {"paused": False})
        await month.until("18 03:00")
    async with month.switched_on("18 16:00"):  # it was off for a tick, which is caught up
        await month.until("19 03:00")
    async with month.switched_on("22 20:00"):  # it was off for four, the newest too long ago
        await month.until("28 08:00")
        await month.run_timer_by_hand()  # the second tick of a date
        await month.until("30 23:00")
        return await month.runs(), await month.skips()


@pytest.fixture
async def month(
    request: pytest.FixtureRequest,
    azurite: str,
    table_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[ScheduledMonth]:
    async with scheduled_month(azurite, table_prefix, tmp_path, monkeypatch, **request.param) as opened:
        yield opened


def with_settings(**settings: str) -> Any:
    return pytest.mark.parametrize("month", [settings], indirect=True, ids=["-".join(settings.values())])


BY_HAND = ("by-hand", "http", "completed")
PAUSED_AND_PAST_DUE = [*skipped("paused", 14, 15, 16), *skipped("past_due", 19, 20, 21, 22)]
SECOND_TICK = skipped("date_served", 28, holder=daily(28))


@with_settings(OVERLAP_POLICY="skip")
async def test_with_skip_a_tick_that_meets_a_live_run_is_skipped_and_the_others_run(month: ScheduledMonth) -> None:
    runs, skips = await month_of(month)
    assert runs == [
        *ran(1, 2, 3, 5),
        *ran(6, outcome="failed"),
        *ran(7, 8),
        BY_HAND,
        *ran(10),
        *ran(11, outcome="terminated"),
        *ran(12, 13, 17, 18, 23, 26, 27, 28, 29, 30),
    ]
    assert skips == [
        *skipped("held", 4, holder=daily(3)),
        *skipped("held", 9, holder="by-hand"),
        *PAUSED_AND_PAST_DUE,
        *skipped("held", 24, 25, holder=daily(23)),
        *SECOND_TICK,
    ]


@with_settings(OVERLAP_POLICY="buffer_one")
async def test_with_buffer_one_a_tick_that_meets_a_live_run_starts_after_it_and_one_waits_at_most(
    month: ScheduledMonth,
) -> None:
    runs, skips = await month_of(month)
    assert runs == [
        *ran(1, 2, 3, 4, 5),
        *ran(6, outcome="failed"),
        *ran(7, 8),
        BY_HAND,
        *ran(9, 10),
        *ran(11, outcome="terminated"),
        *ran(12, 13, 17, 18, 23, 24, 26, 27, 28, 29, 30),
    ]
    assert skips == [*PAUSED_AND_PAST_DUE, *skipped("one_is_waiting", 25, holder=daily(23)), *SECOND_TICK]


@with_settings(OVERLAP_POLICY="cancel_other")
async def test_with_cancel_other_a_tick_ends_the_live_run_and_takes_its_place(month: ScheduledMonth) -> None:
    runs, skips = await month_of(month)
    assert runs == [
        *ran(1, 2),
        *ran(3, outcome="stopped"),
        *ran(4, 5),
        *ran(6, outcome="failed"),
        *ran(7, 8),
        ("by-hand", "http", "stopped"),
        *ran(9, 10),
        *ran(11, outcome="terminated"),
        *ran(12, 13, 17, 18),
        *ran(23, outcome="stopped"),
        *ran(24, 25, 26, 27, 28, 29, 30),
    ]
    assert skips == [*PAUSED_AND_PAST_DUE, *SECOND_TICK]
