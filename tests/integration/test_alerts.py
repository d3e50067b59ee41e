"""The whole app on a virtual clock, real tables and a real webhook: who has to know is told, once, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scraper.settings import Settings
from storage.data.publications import Publication
from storage.store import open_store
from tests.helpers.alert_receiver import Receiver, receiver
from tests.helpers.scheduled_month import COUNTS, ScheduledMonth, moment, scheduled_month
from triggers.alerts import webhook
from triggers.schedule import timer


@dataclass
class World:
    """The app, switched off, and whoever gets its alerts."""

    month: ScheduledMonth
    hook: Receiver

    def outcomes(self, **of_runs: str) -> None:
        """What becomes of the source of a run, by its ID with underscores; published, if nothing is said."""

        def publish(source: dict[str, Any]) -> dict[str, Any]:
            outcome = of_runs.get(source["run_id"].replace("-", "_"), "published")
            return {"source": source["source"], "outcome": outcome, "reason": "as the test wants", **COUNTS}

        self.month.activities = {"publish_source": publish}

    async def alerts(self) -> dict[str, Any]:
        """What `health/details` says of them."""
        told: dict[str, Any] = (await self.month.ask("GET", "/api/health/details"))["alerts"]
        return told


@pytest.fixture
async def world(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.2)
    async with receiver() as hook:
        settings = {"ALERT_WEBHOOK_URL": hook.url, "AzureWebJobs.watchdog.Disabled": "false"}
        async with scheduled_month(azurite, table_prefix, tmp_path, monkeypatch, **settings) as month:
            yield World(month, hook)


@pytest.fixture
def fails_until(monkeypatch: pytest.MonkeyPatch) -> Callable[[ScheduledMonth, str], None]:
    """The timer function raises whenever it is called before a time."""
    decide = timer.decide

    def fail(month: ScheduledMonth, text: str) -> None:
        def deciding(facts: Any) -> Any:
            if month.now() < moment(text):
                raise RuntimeError("the timer is broken")
            return decide(facts)

        monkeypatch.setattr(timer, "decide", deciding)

    return fail


async def test_each_kind_of_alert_is_received_once(
    world: World, fails_until: Callable[[ScheduledMonth, str], None], caplog: pytest.LogCaptureFixture
) -> None:
    month = world.month
    world.outcomes(daily_2026_11_01="refused", daily_2026_11_02="failed")
    async with month.switched_on("01 05:55"):
        await month.until("01 06:30")
    async with month.switched_on("02 05:55"):
        await month.until("02 06:30")
    month.lasts = {"by-hand": timedelta(minutes=75)}
    async with month.switched_on("03 05:25"):
        await month.until("03 05:30")
        await month.ask("POST", "/api/orchestrators/daily_scrape/by-hand", status=202)
        await month.until("03 07:00")
    async with month.switched_on("04 20:00"):  # twelve hours is the longest that a tick may come late
        await month.until("04 20:10")
    async with month.switched_on("05 05:55"):
        fails_until(month, "05 07:00")
        await month.until("05 07:30")
        assert await world.alerts() == {"configured": True, "undelivered": 0, "oldest": None, "fault": ""}
        runs = await month.runs()
    assert world.hook.ids == [
        "refused:daily-2026-11-01:1",
        "failed:daily-2026-11-02:2",
        "skipped:daily-2026-11-03:20261103T060000000000",
        "stuck:by-hand:3:20261103T053000000000",
        "missed:daily-2026-11-04:20261104T060000000000",
        "missed:daily-2026-11-05:20261105T060000000000",
    ]
    assert world.hook.seen == world.hook.ids
    assert world.hook.taken[0]["text"].endswith("; nothing of it is published.")  # it was the first run of all
    assert runs[-1] == ("daily-2026-11-05", "timer", "completed")  # late, since the timer is called until it succeeds
    assert "token=secret" not in caplog.text
    missed = [record for record in caplog.records if record.name == "triggers.alerts.look"]
    assert [record.levelno for record in missed] == [logging.ERROR, logging.ERROR]


async def test_the_alert_of_a_refused_run_that_somebody_has_published_says_so(world: World) -> None:
    month = world.month
    world.outcomes(daily_2026_11_01="refused")
    async with month.switched_on("01 05:56"):
        await month.until("01 06:09")
        store = open_store(Settings())
        await store.datasets.raise_fence("books", 1)
        by_hand = Publication(
            "daily-2026-11-01", 1, month.now(), 3, 1, 2, by="an operator", overridden="max_failed_percent"
        )
        await store.datasets.publish_by_hand("books", by_hand, instead_of="", fence=2)
        await month.until("01 06:30")
    (told,) = world.hook.taken
    assert told["text"].endswith("; somebody has published it against the gate since.")


async def test_a_webhook_that_is_down_for_an_hour_delays_no_run_and_gets_each_alert_once(world: World) -> None:
    month, hook = world.month, world.hook
    world.outcomes(daily_2026_11_01="refused")
    hook.status = 0  # it never answers
    async with month.switched_on("01 05:56"):
        await month.until("01 06:05")
        hook.status = 500
        await month.until("01 06:40")
        run = (await month.ask("GET", "/api/runs/daily-2026-11-01"))["finishedAt"]
        assert run == "2026-11-01T06:10:00+00:00"
        told = await world.alerts()
        assert (told["undelivered"], told["fault"]) == (1, "the receiver answered 500")
        hook.status = 307  # is not followed
        await month.until("01 07:10")
        assert hook.taken == []
        hook.status = 200
        await month.until("01 08:20")
        assert hook.kinds == ["refused"]
        assert set(hook.seen) == {"refused:daily-2026-11-01:1"}
        assert (await world.alerts())["undelivered"] == 0


async def test_nothing_is_missed_while_the_schedule_is_paused_or_its_timer_is_off(world: World) -> None:
    month = world.month
    async with month.switched_on("01 05:55"):
        await month.ask("PUT", "/api/schedule", {"paused": True})
        await month.until("01 06:45")
        await month.ask("PUT", "/api/schedule", {"paused": False})
        await month.until("01 07:00")
    month.settings = {**month.settings, "AzureWebJobs_daily_timer_Disabled": "true"}  # as on Linux in Azure
    async with month.switched_on("02 05:55"):
        await month.until("02 06:40")
    assert world.hook.seen == []


async def test_without_a_webhook_alerts_are_kept_and_are_not_sent_when_there_is_one(world: World) -> None:
    month = world.month
    world.outcomes(daily_2026_11_01="failed")
    with_webhook = month.settings
    month.settings = {**with_webhook, "ALERT_WEBHOOK_URL": ""}
    async with month.switched_on("01 05:55"):
        await month.until("01 06:20")
        (kept,) = await open_store(Settings()).alerts.all()
        assert (kept.alert_id, kept.state.value) == ("failed:daily-2026-11-01:1", "unwanted")
    month.settings = with_webhook
    async with month.switched_on("01 06:25"):
        await month.until("01 06:45")
    assert world.hook.seen == []


async def test_with_a_wrong_address_runs_go_on_and_alerts_are_sent_once_it_is_right(world: World) -> None:
    month = world.month
    world.outcomes(daily_2026_11_01="failed")
    right = month.settings
    month.settings = {**right, "ALERT_WEBHOOK_URL": f"{world.hook.url} pasted"}
    async with month.switched_on("01 05:55"):
        await month.until("01 06:20")
        told = await world.alerts()
        assert [run[2] for run in await month.runs()] == ["failed"]
    assert (told["configured"], told["undelivered"]) == (True, 1)
    assert told["fault"].startswith("ALERT_WEBHOOK_URL: it must be")
    assert "token=secret" not in told["fault"]
    assert world.hook.seen == []
    month.settings = right
    async with month.switched_on("01 06:25"):
        await month.until("01 06:35")
    assert world.hook.taken[0]["id"] == "failed:daily-2026-11-01:1"
    assert len(world.hook.seen) == 1
