"""Storage that is away, and hosts that die, in the moment of a start: no day is lost, and none runs twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from devhost.testing import CrashPoint, HostCrashed
from storage.account.tables import Tables
from storage.errors import StorageUnreachable
from tests.helpers.scheduled_month import ScheduledMonth, scheduled_month

SCRAPE = "/api/orchestrators/daily_scrape"


@dataclass
class FlakyStorage:
    """The app's tables. `fails_in` counts calls until one fails; is `answers_are_lost`, that one has its effect."""

    is_away: bool = False
    fails_in: int = 0
    answers_are_lost: bool = False
    faults: int = 0

    def called(self, *, is_done: bool) -> None:
        """Before and after each call."""
        if self.fails_in and is_done is self.answers_are_lost:
            self.fails_in -= 1
            if not self.fails_in:
                self._fail()
        if self.is_away:
            self._fail()

    def _fail(self) -> None:
        self.faults += 1
        raise StorageUnreachable("the account is away")


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> FlakyStorage:
    flaky, reliable = FlakyStorage(), Tables.faults

    @asynccontextmanager
    async def faults(tables: Tables) -> AsyncIterator[None]:
        flaky.called(is_done=False)
        async with reliable(tables):
            yield
        flaky.called(is_done=True)

    monkeypatch.setattr(Tables, "faults", faults)
    return flaky


@pytest.fixture
async def month(
    request: pytest.FixtureRequest, azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ScheduledMonth]:
    settings = getattr(request, "param", {})
    async with scheduled_month(azurite, table_prefix, tmp_path, monkeypatch, **settings) as opened:
        yield opened


def with_settings(**settings: str) -> Any:
    return pytest.mark.parametrize("month", [settings], indirect=True, ids=["-".join(settings.values())])


def daily(day: int) -> str:
    return f"daily-2026-11-{day:02}"


def ran(*days: int, outcome: str = "completed") -> list[tuple[str, str, str]]:
    return [(daily(day), "timer", outcome) for day in days]


async def until_its_end(month: ScheduledMonth, storage: FlakyStorage, **outage: float) -> None:
    """An outage that lasts so long, and an hour more."""
    storage.is_away = True
    await month.on.advance(**outage)
    storage.is_away = False
    await month.on.advance(hours=1)


async def faults_at_ticks(month: ScheduledMonth, storage: FlakyStorage, days: Sequence[int]) -> None:
    """On the first of these days the first call of storage from 06:00 on fails, on the next one the second, …"""
    for call, day in enumerate(days, start=1):
        await month.until(f"{day:02} 05:59")
        storage.fails_in = call
        await month.until(f"{day:02} 12:00")
    assert storage.faults == len(days)


async def test_a_day_is_not_lost_to_an_outage_of_half_a_minute(month: ScheduledMonth, storage: FlakyStorage) -> None:
    async with month.switched_on("01 05:59"):
        await until_its_end(month, storage, seconds=90)
        assert await month.runs() == ran(1)
        assert await month.skips() == []


@with_settings(CATCHUP_WINDOW_MINUTES="60")
async def test_an_outage_that_outlasts_the_catchup_window_costs_its_day_visibly_and_no_other(
    month: ScheduledMonth, storage: FlakyStorage
) -> None:
    async with month.switched_on("01 05:59"):
        await until_its_end(month, storage, hours=1.5)
        [skip] = (await month.ask("GET", "/api/skips"))["skips"]
        assert (skip["runId"], skip["reason"]) == (daily(1), "past_due")
        assert skip["detail"].endswith(" min late; the window is 1 h")
        await month.until("02 07:00")
        assert await month.runs() == ran(2)


async def test_a_tick_outlasts_a_lost_answer_to_each_of_its_calls_of_storage(
    month: ScheduledMonth, storage: FlakyStorage
) -> None:
    storage.answers_are_lost = True
    async with month.switched_on("01 00:00"):
        await faults_at_ticks(month, storage, range(1, 8))
        assert await month.runs() == ran(*range(1, 8))
        assert await month.skips() == []


@pytest.mark.parametrize("write", range(3, 6))
async def test_a_tick_survives_a_crash_of_the_host_at_each_of_its_writes_also_within_the_grace_of_its_start(
    month: ScheduledMonth, write: int
) -> None:
    crashed = month.open_host("01 05:59", crash=CrashPoint(write))
    async with crashed:
        with pytest.raises(HostCrashed):
            await crashed.advance(hours=2)
    async with month.switched_on("01 06:00", after=crashed):
        await month.until("01 08:00")
        assert await month.runs() == ran(1)
        assert await month.skips() == []


async def test_a_start_that_is_due_in_an_outage_happens_after_it(month: ScheduledMonth, storage: FlakyStorage) -> None:
    async with month.switched_on("01 11:59"):
        await month.ask("POST", f"{SCRAPE}/a?startAt=2026-11-01T12:00:00Z", status=202)
        await until_its_end(month, storage, minutes=10)
        assert await month.runs() == [("a", "startAt", "completed")]


async def test_a_run_whose_first_step_or_last_step_meets_an_outage_comes_to_its_end_after_it(
    month: ScheduledMonth, storage: FlakyStorage
) -> None:
    async with month.switched_on("01 12:00") as host:
        await host.start("daily_scrape", instance_id="first")
        await until_its_end(month, storage, minutes=15)
        await host.start("daily_scrape", instance_id="last")
        await host.advance(minutes=5)
        await until_its_end(month, storage, minutes=30)
        ended = [("first", "durable API", "completed"), ("last", "durable API", "completed")]
        assert await month.runs() == ended


async def test_a_pause_of_which_the_answer_is_lost_says_where_to_look_and_may_be_sent_again(
    month: ScheduledMonth, storage: FlakyStorage
) -> None:
    async with month.switched_on("01 12:00"):
        storage.answers_are_lost, storage.fails_in = True, 1
        told = await month.ask("PUT", "/api/schedule", {"paused": True}, status=503)
        assert (storage.faults, storage.fails_in) == (1, 0)
        assert told["detail"].endswith("It may have been done all the same: ask GET schedule before you repeat it.")
        assert (await month.ask("GET", "/api/schedule"))["paused"]
        assert (await month.ask("PUT", "/api/schedule", {"paused": True}))["paused"]


policies = [
    pytest.param({"OVERLAP_POLICY": "skip"}, 0, "completed", id="skip"),
    pytest.param({"OVERLAP_POLICY": "buffer_one"}, 24.1, "completed", id="buffer_one"),
    pytest.param({"OVERLAP_POLICY": "cancel_other"}, 30, "stopped", id="cancel_other"),
]


@pytest.mark.long
@pytest.mark.parametrize("answers_are_lost", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("month", "hours", "outcome"), policies, indirect=["month"])
async def test_a_tick_that_meets_a_live_run_outlasts_a_fault_of_each_call_of_storage(
    month: ScheduledMonth, storage: FlakyStorage, answers_are_lost: bool, hours: float, outcome: str
) -> None:
    """Every second run lasts until it meets the next tick; the tick after that then finds nobody."""
    storage.answers_are_lost = answers_are_lost
    month.lasts = {daily(day): timedelta(hours=hours) for day in range(1, 28, 2)}
    async with month.switched_on("01 00:00"):
        await faults_at_ticks(month, storage, range(2, 29, 2))
        every_second = [ran(day, outcome=outcome) + ran(day + 1) for day in range(1, 28, 2)]
        assert await month.runs() == list(chain.from_iterable(every_second))
        assert await month.skips() == []
