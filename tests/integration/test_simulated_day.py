"""The whole app for a day of a virtual clock: nothing breaks that is not made to, the data is true.

Memory does not grow, and storage as docs/cost.md says, entity by entity.
"""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import pytest

from tests.helpers.alert_receiver import receiver
from tests.helpers.simulated_day import SimulatedDay, simulated_day
from tests.helpers.storage_account import StorageAccount, overlooked


async def live_through(day: SimulatedDay, *, hours: float) -> None:
    await day.disturbed(hours)
    await day.settled()
    overlaps = await day.overlaps()
    account = await day.account()
    print_figures(day, account, hours)
    assert day.errors.unexpected == []
    assert overlaps == []
    assert await day.wrong_rows() == []
    assert account.wrong == []
    kept = {alert.alert_id: alert.state.value for alert in await day.store.alerts.all()}
    assert set(kept.values()) <= {"sent"}
    assert set(kept) == set(day.hook.ids)
    # One more only if its answer, or what was written of it, was lost.
    assert len(day.hook.ids) - len(kept) <= day.storage.faults + day.happened["host crashed"]


def print_figures(day: SimulatedDay, account: StorageAccount, hours: float) -> None:
    print(f"\n{hours:g} simulated hours")
    if len(day.kinds) > 1:
        grown = (day.kinds[-1] - day.kinds[0]).most_common(8)
        print("  more objects than after hour 1: " + ", ".join(f"{kind} {count}" for kind, count in grown))
    print(
        f"  storage: {day.storage.calls} calls, {day.storage.faults} faults; site: {day.sites.requests} requests,",
        end=" ",
    )
    print(
        f"{day.sites.faults} faults; alerts: {len(day.hook.taken)}; errors explained by faults: {day.errors.expected}"
    )
    held = ", ".join(f"{table} {count}" for table, count in account.entities.items())
    left = ", ".join(f"{table} {count}" for table, count in account.left.items()) or "none"
    print(f"  entities: {held}; of attempts that were cut off: {left}, after {day.book.cut.total()} such calls")
    for counted in (day.happened, day.activities):
        print("  " + ", ".join(f"{what} {count}" for what, count in sorted(counted.items())))


async def test_half_a_simulated_hour_with_faults_crashes_and_an_operator_at_random(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        receiver() as hook,
        simulated_day(azurite, table_prefix, tmp_path, monkeypatch, hook, seed=1, sources=3) as day,
    ):
        day.fault_chance, day.writes_of_a_life = 0.005, (20, 120)
        await live_through(day, hours=0.5)
        assert day.happened["host crashed"] > 0
        assert day.storage.faults > 0
        last = await day.store.runs.find("last")
        assert last is not None
        assert await overlooked(await day.account(), last.epoch) == []


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_simulated_day_with_faults_crashes_and_an_operator_at_random(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed, hours = int(os.environ.get("SEED") or 1), float(os.environ.get("HOURS") or 24)
    async with receiver() as hook, simulated_day(azurite, table_prefix, tmp_path, monkeypatch, hook, seed=seed) as day:
        await live_through(day, hours=hours)
        if hours < 8:
            return  # too short to say anything of memory
        quarter = len(day.hours) // 4
        early = statistics.median(hour.rss_mb for hour in day.hours[quarter : 2 * quarter])
        late = statistics.median(hour.rss_mb for hour in day.hours[-quarter:])
        assert late < early * 1.05 + 2, f"{early:.0f} MB became {late:.0f} MB"
