"""Alerts are sent until they are taken, with the same ID. Tables are in memory, and the clock is the test's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from scraper import clock
from storage.ledger.alerts import Alert, Alerts, AlertState
from tests.helpers.memory_tables import MemoryTables
from triggers.alerts.delivering import deliver_by, pause_after
from triggers.alerts.webhook import Answer

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTES_5 = timedelta(minutes=5)
TAKEN, BROKEN, SILENT = Answer(), Answer("the receiver answered 500"), Answer("no answer: X", is_there=False)


class Killed(BaseException):
    """The process is gone."""


@dataclass
class World:
    """The table, the clock, and a receiver that answers by the time and the ID."""

    alerts: Alerts
    now: datetime = START
    answer: Callable[[datetime, str], Answer] = lambda _now, _id: TAKEN
    seen: list[tuple[int, str]] = field(default_factory=list)

    async def send(self, alert: Alert) -> Answer:
        self.seen.append(((self.now - START) // timedelta(minutes=1), alert.alert_id))
        return self.answer(self.now, alert.alert_id)

    async def look(self) -> None:
        await deliver_by(self.alerts, self.send)

    async def looks(self, *, minutes: int) -> None:
        """As often as the watchdog does."""
        end = self.now + timedelta(minutes=minutes)
        while self.now <= end:
            await self.look()
            self.now += MINUTES_5

    async def states(self) -> dict[str, str]:
        return {alert.alert_id: alert.state.value for alert in await self.alerts.all()}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(Alerts(MemoryTables(in_turns=())))  # type: ignore[arg-type]
    monkeypatch.setattr(clock, "utc_now", lambda: made.now)
    return made


async def written(world: World, *names: str) -> None:
    for number, name in enumerate(names):
        at = START - timedelta(minutes=len(names) - number)
        assert await world.alerts.record(Alert(name, "failed", at, "text", noticed_at=START, next_attempt_at=START))


async def test_an_alert_is_written_down_once(world: World) -> None:
    await written(world, "a")
    assert not await world.alerts.record(Alert("a", "failed", START, "the same again"))


async def test_what_is_taken_is_sent_once_the_oldest_first(world: World) -> None:
    await written(world, "b", "a")
    await world.looks(minutes=60)
    assert world.seen == [(0, "b"), (0, "a")]
    assert await world.states() == {"a": "sent", "b": "sent"}


async def test_many_skipped_starts_keep_no_graver_alert_back(world: World) -> None:
    for number in range(30):
        alert = Alert(f"skip-{number:02}", "skipped", START, "text", noticed_at=START, next_attempt_at=START)
        await world.alerts.record(alert)
    world.now += MINUTES_5
    await world.alerts.record(Alert("late", "failed", world.now, "text", noticed_at=world.now))
    await world.look()
    assert [alert_id for _, alert_id in world.seen] == ["late", *(f"skip-{number:02}" for number in range(19))]
    await world.look()
    assert [alert_id for _, alert_id in world.seen[20:]] == [f"skip-{number:02}" for number in range(19, 30)]


async def test_after_an_hour_without_receiver_it_is_sent_once_by_the_next_attempt(world: World) -> None:
    world.answer = lambda now, _id: SILENT if now < START + timedelta(hours=1) else TAKEN
    await written(world, "a")
    await world.looks(minutes=240)
    assert [minute for minute, _ in world.seen] == [0, 5, 15, 35, 70]
    assert await world.states() == {"a": "sent"}


async def test_a_receiver_that_does_not_answer_is_asked_once_a_look(world: World) -> None:
    world.answer = lambda _now, _id: SILENT
    await written(world, "a", "b", "c")
    await world.look()
    assert world.seen == [(0, "a")]


async def test_one_that_the_receiver_refuses_keeps_no_other_back(world: World) -> None:
    world.answer = lambda _now, alert_id: BROKEN if alert_id == "a" else TAKEN
    await written(world, "a", "b")
    await world.look()
    assert await world.states() == {"a": "pending", "b": "sent"}
    assert [alert.fault for alert in await world.alerts.pending()] == ["the receiver answered 500"]


async def test_a_receiver_may_ask_for_a_longer_pause(world: World) -> None:
    world.answer = lambda _now, _id: replace(BROKEN, retry_after_s=3000) if len(world.seen) == 1 else TAKEN
    await written(world, "a")
    await world.looks(minutes=120)
    assert [minute for minute, _ in world.seen] == [0, 50]


async def test_whoever_is_killed_before_it_is_recorded_leads_to_one_more_with_the_same_id(world: World) -> None:
    def taken_then_killed(_now: datetime, _id: str) -> Answer:
        if len(world.seen) == 1:
            raise Killed
        return TAKEN

    world.answer = taken_then_killed
    await written(world, "a")
    with pytest.raises(Killed):
        await world.look()
    await world.looks(minutes=60)
    assert world.seen == [(0, "a"), (5, "a")]
    assert await world.states() == {"a": "sent"}


async def test_two_that_look_at_the_same_time_send_once(world: World) -> None:
    other: list[str] = []

    async def meanwhile(alert: Alert) -> Answer:
        await world.look()
        other.append(alert.alert_id)
        return TAKEN

    await written(world, "a")
    await deliver_by(world.alerts, meanwhile)
    assert (world.seen, other) == ([], ["a"])


async def test_after_three_days_it_is_given_up(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.answer = lambda _now, _id: BROKEN
    await written(world, "a")
    await world.looks(minutes=4 * 24 * 60)
    assert await world.states() == {"a": AlertState.GIVEN_UP.value}
    assert 70 < len(world.seen) < 80
    assert "alert 'a' is given up after" in caplog.text


def test_pauses_double_up_to_an_hour() -> None:
    pauses = [pause_after(attempts) // timedelta(minutes=1) for attempts in (1, 2, 3, 4, 5, 6, 500)]
    assert pauses == [4, 8, 16, 32, 60, 60, 60]
