"""The ledger of starts that did not happen, on the real table."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scraper.settings import Settings
from storage.ledger.skips import Skip, Skips
from storage.store import open_store

SIX = datetime(2026, 11, 21, 6, tzinfo=UTC)
HELD = Skip(SIX, "daily-2026-11-21", "timer", "held", holder="by-hand", detail="it is alive", scheduled_for=SIX)


@pytest.fixture
async def skips(azurite: str, table_prefix: str) -> AsyncIterator[Skips]:
    store = open_store(Settings(storage_connection=azurite, table_prefix=table_prefix))
    yield store.skips
    await store.tables.close()


async def all_of(skips: Skips) -> list[Skip]:
    page, continuation = await skips.newest(limit=100)
    assert continuation is None
    return page


async def test_a_skip_is_kept_with_all_that_is_known_of_it(skips: Skips) -> None:
    await skips.record(HELD)
    assert await all_of(skips) == [HELD]


async def test_a_start_that_nobody_had_scheduled_has_no_scheduled_time(skips: Skips) -> None:
    by_watch = Skip(SIX, "watch-1", "watch", "held", holder="by-hand")
    await skips.record(by_watch)
    assert await all_of(skips) == [by_watch]


async def test_a_tick_that_is_skipped_twice_for_one_reason_stands_once_with_its_first_time(skips: Skips) -> None:
    await skips.record(HELD)
    again = await skips.record(replace(HELD, at=SIX + timedelta(minutes=5), holder="another"))
    assert again == HELD
    assert await all_of(skips) == [HELD]


async def test_a_record_that_was_cut_between_its_two_writes_is_completed_by_the_next(
    skips: Skips, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> dict[str, object]:
        raise OSError("the worker died")

    with monkeypatch.context() as patched:
        patched.setattr("storage.ledger.skips._to_entity", cut)
        with pytest.raises(OSError, match="the worker died"):
            await skips.record(HELD)
    await skips.record(replace(HELD, at=SIX + timedelta(minutes=5)))
    assert await all_of(skips) == [HELD]


@pytest.mark.parametrize(
    "other",
    [
        replace(HELD, run_id="daily-2026-11-22"),
        replace(HELD, trigger="startAt"),
        replace(HELD, reason="paused"),
        replace(HELD, scheduled_for=SIX + timedelta(microseconds=1)),
    ],
)
async def test_skips_that_differ_stand_side_by_side(skips: Skips, other: Skip) -> None:
    await skips.record(HELD)
    await skips.record(other)
    assert set(await all_of(skips)) == {HELD, other}


async def test_pages_give_every_skip_once_and_the_newest_first(skips: Skips) -> None:
    for number, hours in enumerate([3, 1, 0, 2, 0]):
        await skips.record(Skip(SIX + timedelta(hours=hours), f"run-{number}", "queue", "held"))
    first, after_first = await skips.newest(limit=2)
    second, after_second = await skips.newest(limit=2, after=after_first)
    third, after_third = await skips.newest(limit=2, after=after_second)
    ids = [one.run_id for one in [*first, *second, *third]]
    assert (ids[:3], set(ids[3:]), len(ids)) == (["run-0", "run-3", "run-1"], {"run-2", "run-4"}, 5)
    assert after_third is None
