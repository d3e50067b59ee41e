import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devhost.errors import FunctionFailed
from devhost.timers.ncrontab import ScheduleError
from devhost.timers.timer_loop import TimerFunction, TimerInfo, TimerLoop, UnknownTimer, time_zone_warnings
from devhost.timers.timer_status import NO_TIME, TimerStatus, TimerStatusStore
from tests.helpers.manual_clock import ManualClock

HOURLY = "0 0 * * * *"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-03T{text}").replace(tzinfo=UTC)


class Runs:
    """Records each call as (time, past due); a run lasts `lasts_s` of the clock, or raises `error`."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.calls: list[tuple[str, bool]] = []
        self.infos: list[TimerInfo] = []
        self.finished = 0
        self.lasts_s = 0.0
        self.error: Exception | None = None

    async def __call__(self, function: TimerFunction, info: TimerInfo) -> None:
        self.calls.append((f"{self.clock.now():%H:%M:%S}", info.is_past_due))
        self.infos.append(info)
        if self.lasts_s:
            await self.clock.sleep(self.lasts_s)
        if self.error is not None:
            raise self.error
        self.finished += 1

    def schedule_status(self, index: int) -> object:
        return json.loads(self.infos[index].payload_json)["ScheduleStatus"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at("10:30:00"))


@pytest.fixture
def runs(clock: ManualClock) -> Runs:
    return Runs(clock)


@pytest.fixture
def status_path(tmp_path: Path) -> Path:
    return tmp_path / "timers.json"


MakeLoop = Callable[..., TimerLoop]


@pytest.fixture
async def make_loop(clock: ManualClock, runs: Runs, status_path: Path) -> AsyncIterator[MakeLoop]:
    loops: list[TimerLoop] = []

    def make(
        schedule: str = HOURLY,
        *,
        run_on_startup: bool = False,
        use_monitor: bool = True,
        is_disabled: bool = False,
    ) -> TimerLoop:
        function = TimerFunction("Nightly", schedule, run_on_startup, use_monitor, is_disabled)
        store = TimerStatusStore(status_path)
        logger = logging.getLogger("devhost.timers")
        loops.append(TimerLoop([function], invoke=runs, status=store, clock=clock, logger=logger))
        return loops[-1]

    yield make
    for loop in loops:
        await loop.stop(grace_s=0)


def stored(path: Path) -> TimerStatus | None:
    return TimerStatusStore(path).get("Nightly")


@pytest.mark.row("host/4.4/first-start")
async def test_a_first_start_writes_a_status_and_runs_nothing(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, status_path: Path
) -> None:
    await make_loop().start()
    await clock.settle()
    assert runs.calls == []
    assert stored(status_path) == TimerStatus(NO_TIME, at("11:00:00"), at("10:30:00"))


async def test_every_tick_runs_once(clock: ManualClock, runs: Runs, make_loop: MakeLoop) -> None:
    await make_loop().start()
    await clock.advance_to(at("13:30:00"))
    assert runs.calls == [("11:00:00", False), ("12:00:00", False), ("13:00:00", False)]


@pytest.mark.row("host/4.4/normal-tick")
async def test_a_tick_advances_the_stored_status(clock: ManualClock, make_loop: MakeLoop, status_path: Path) -> None:
    await make_loop().start()
    await clock.advance_to(at("11:30:00"))
    assert stored(status_path) == TimerStatus(at("11:00:00"), at("12:00:00"), at("11:00:00"))


@pytest.mark.row("host/4.5/schedule-status")
async def test_a_run_sees_the_status_before_it(clock: ManualClock, runs: Runs, make_loop: MakeLoop) -> None:
    await make_loop().start()
    await clock.advance_to(at("12:30:00"))
    assert runs.schedule_status(1) == {
        "Last": "2026-11-03T11:00:00+00:00",
        "Next": "2026-11-03T12:00:00+00:00",
        "LastUpdated": "2026-11-03T11:00:00+00:00",
    }


@pytest.mark.row("host/4.4/run-on-startup")
async def test_run_on_startup_runs_at_once_and_keeps_the_tick_ahead(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop
) -> None:
    await make_loop(run_on_startup=True).start()
    await clock.advance_to(at("11:30:00"))
    assert runs.calls == [("10:30:00", False), ("11:00:00", False)]


@pytest.mark.row("host/4.4/past-due")
async def test_after_downtime_one_past_due_run_stands_for_all_missed_ticks(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, status_path: Path
) -> None:
    TimerStatusStore(status_path).put("Nightly", TimerStatus(at("05:00:00"), at("06:00:00"), at("05:00:00")))
    await make_loop(run_on_startup=True).start()
    await clock.advance_to(at("11:30:00"))
    assert runs.calls == [("10:30:00", True), ("11:00:00", False)]


async def test_a_past_due_run_sees_the_tick_that_it_stands_for(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, status_path: Path
) -> None:
    TimerStatusStore(status_path).put("Nightly", TimerStatus(at("05:00:00"), at("06:00:00"), at("05:00:00")))
    await make_loop().start()
    await clock.settle()
    assert json.loads(runs.infos[0].payload_json) == {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": {
            "Last": "2026-11-03T05:00:00+00:00",
            "Next": "2026-11-03T06:00:00+00:00",
            "LastUpdated": "2026-11-03T05:00:00+00:00",
        },
        "IsPastDue": True,
    }


@pytest.mark.row("host/4.4/changed-schedule")
async def test_a_changed_schedule_is_stored_and_owes_nothing(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, status_path: Path
) -> None:
    TimerStatusStore(status_path).put("Nightly", TimerStatus(at("05:00:00"), at("06:00:00"), at("05:00:00")))
    await make_loop("0 15 * * * *").start()
    await clock.settle()
    assert runs.calls == []
    assert stored(status_path) == TimerStatus(NO_TIME, at("11:15:00"), at("10:30:00"))


@pytest.mark.row("host/4.4/overrun")
async def test_an_overrun_is_followed_by_one_run_at_once_that_is_not_past_due(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop
) -> None:
    runs.lasts_s = 2.5 * 3600
    await make_loop().start()
    await clock.advance_to(at("13:00:00"))
    runs.lasts_s = 0
    await clock.advance_to(at("15:30:00"))
    assert runs.calls == [("11:00:00", False), ("13:30:00", False), ("14:00:00", False), ("15:00:00", False)]


@pytest.mark.row("host/4.4/raises")
async def test_a_failed_run_is_logged_and_the_status_still_advances(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, status_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs.error = FunctionFailed("Nightly", "ValueError", "boom", "")
    await make_loop().start()
    await clock.advance_to(at("12:30:00"))
    assert runs.calls == [("11:00:00", False), ("12:00:00", False)]
    assert stored(status_path) == TimerStatus(at("12:00:00"), at("13:00:00"), at("12:00:00"))
    assert "The timer function 'Nightly' failed: Nightly failed: ValueError: boom" in caplog.messages


async def test_an_unforeseen_error_does_not_end_the_timer(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    runs.error = RuntimeError("worker gone")
    await make_loop().start()
    await clock.advance_to(at("12:30:00"))
    assert len(runs.calls) == 2
    assert "The timer function 'Nightly' could not be run." in caplog.messages


async def test_a_status_that_cannot_be_written_does_not_end_the_timer(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "timers.json.new").mkdir()
    await make_loop().start()
    await clock.advance_to(at("12:30:00"))
    assert len(runs.calls) == 2
    assert "The status of the timer 'Nightly' could not be written." in caplog.messages


@pytest.mark.parametrize(("schedule", "use_monitor"), [(HOURLY, False), ("*/20 * * * * *", True), ("00:00:59", True)])
async def test_without_a_monitor_there_is_no_status(
    clock: ManualClock,
    runs: Runs,
    make_loop: MakeLoop,
    status_path: Path,
    *,
    schedule: str,
    use_monitor: bool,
) -> None:
    await make_loop(schedule, use_monitor=use_monitor).start()
    await clock.advance_to(at("11:00:00"))
    assert runs.schedule_status(0) is None
    assert not status_path.exists()


@pytest.mark.row("host/4.4/without-monitor")
async def test_without_a_monitor_a_recorded_status_owes_nothing(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, status_path: Path
) -> None:
    TimerStatusStore(status_path).put("Nightly", TimerStatus(at("05:00:00"), at("06:00:00"), at("05:00:00")))
    await make_loop(use_monitor=False).start()
    await clock.settle()
    assert runs.calls == []


async def test_an_interval_counts_from_the_start_of_the_last_run(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop
) -> None:
    runs.lasts_s = 60
    await make_loop("00:10:00").start()
    await clock.advance_to(at("10:55:00"))
    assert runs.calls == [("10:40:00", False), ("10:50:00", False)]


async def test_an_interval_does_not_adjust_for_daylight_saving(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop
) -> None:
    await make_loop("00:10:00").start()
    await clock.advance_to(at("10:40:00"))
    assert json.loads(runs.infos[0].payload_json)["Schedule"] == {"AdjustForDST": False}


async def test_a_clock_set_back_does_not_repeat_a_tick(clock: ManualClock, runs: Runs, make_loop: MakeLoop) -> None:
    await make_loop().start()
    await clock.advance_to(at("11:00:00"))
    clock.jump_to(at("10:58:00"))
    await clock.advance_to(at("11:30:00"))
    assert runs.calls == [("11:00:00", False)]


async def test_a_machine_that_slept_over_several_ticks_runs_once(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop
) -> None:
    await make_loop().start()
    await clock.settle()
    clock.jump_to(at("14:20:00"))
    await clock.advance(61)
    assert runs.calls == [("14:20:00", False)]


async def test_a_date_that_never_comes_never_runs(clock: ManualClock, runs: Runs, make_loop: MakeLoop) -> None:
    await make_loop("0 0 0 31 6 *").start()
    await clock.advance(3600)
    assert runs.calls == []


@pytest.mark.row("host/6/run-timer")
async def test_run_now_runs_at_once_and_leaves_the_schedule(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, status_path: Path
) -> None:
    loop = make_loop()
    await loop.start()
    before = stored(status_path)
    await loop.run_now("nightly")
    assert runs.calls == [("10:30:00", False)]
    assert runs.schedule_status(0) == {
        "Last": "0001-01-01T00:00:00+00:00",
        "Next": "2026-11-03T11:00:00+00:00",
        "LastUpdated": "2026-11-03T10:30:00+00:00",
    }
    assert stored(status_path) == before
    await clock.advance_to(at("11:00:00"))
    assert runs.calls[1:] == [("11:00:00", False)]


async def test_run_now_logs_a_failure_and_does_not_raise(
    runs: Runs, make_loop: MakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    loop = make_loop()
    await loop.start()
    runs.error = FunctionFailed("Nightly", "ValueError", "boom", "")
    await loop.run_now("Nightly")
    assert "The timer function 'Nightly' failed: Nightly failed: ValueError: boom" in caplog.messages


async def test_run_now_of_an_unknown_timer_is_refused(make_loop: MakeLoop) -> None:
    with pytest.raises(UnknownTimer, match="no timer function 'Daily'"):
        await make_loop().run_now("Daily")


async def test_a_disabled_timer_runs_only_through_run_now(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, status_path: Path
) -> None:
    TimerStatusStore(status_path).put("Nightly", TimerStatus(at("05:00:00"), at("06:00:00"), at("05:00:00")))
    loop = make_loop(run_on_startup=True, is_disabled=True)
    await loop.start()
    await clock.advance_to(at("12:30:00"))
    assert runs.calls == []
    await loop.run_now("Nightly")
    assert runs.calls == [("12:30:00", False)]


async def test_a_disabled_timer_leaves_no_status(clock: ManualClock, make_loop: MakeLoop, status_path: Path) -> None:
    loop = make_loop(is_disabled=True)
    await loop.start()
    await loop.run_now("Nightly")
    await clock.advance_to(at("12:30:00"))
    assert not status_path.exists()


async def test_run_now_before_the_start_leaves_the_status(runs: Runs, make_loop: MakeLoop, status_path: Path) -> None:
    recorded = TimerStatus(at("05:00:00"), at("06:00:00"), at("05:00:00"))
    TimerStatusStore(status_path).put("Nightly", recorded)
    await make_loop("0 15 * * * *").run_now("Nightly")
    assert (len(runs.calls), stored(status_path)) == (1, recorded)


@pytest.mark.row("host/1.6/reason")
async def test_the_reason_tells_the_cause(clock: ManualClock, runs: Runs, make_loop: MakeLoop) -> None:
    loop = make_loop()
    await loop.start()
    await loop.run_now("Nightly")
    await clock.advance_to(at("11:00:00"))
    assert [info.reason for info in runs.infos] == [
        "Called through the host API.",
        "Timer fired at 2026-11-03T11:00:00+00:00",
    ]


async def test_after_stop_nothing_runs(clock: ManualClock, runs: Runs, make_loop: MakeLoop) -> None:
    loop = make_loop()
    await loop.start()
    await clock.settle()
    await loop.stop()
    await clock.advance_to(at("12:30:00"))
    assert runs.calls == []


def live_timers() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("timer ")]


@pytest.mark.parametrize("run_on_startup", [True, False])
async def test_a_stop_right_after_the_start_is_not_lost(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, *, run_on_startup: bool
) -> None:
    loop = make_loop(run_on_startup=run_on_startup)
    await loop.start()
    assert live_timers() == ["timer Nightly"]
    await loop.stop()
    assert (live_timers(), clock.sleeper_count) == ([], 0)
    await clock.advance_to(at("12:30:00"))
    assert runs.calls == []


class StoppedClock(ManualClock):
    """Ends whatever waits for it."""

    async def sleep_until(self, moment: datetime) -> None:
        raise OSError("no clock")


async def test_a_second_stop_does_nothing(runs: Runs, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loop = TimerLoop(
        [TimerFunction("Nightly", HOURLY)],
        invoke=runs,
        status=TimerStatusStore(tmp_path / "timers.json"),
        clock=StoppedClock(at("10:30:00")),
        logger=logging.getLogger("devhost.timers"),
    )
    await loop.start()
    await asyncio.sleep(0)
    await loop.stop()
    assert caplog.messages == ["A timer had stopped by itself."]
    await loop.stop()
    assert caplog.messages == ["A timer had stopped by itself."]


async def test_a_loop_that_was_stopped_may_start_again(clock: ManualClock, runs: Runs, make_loop: MakeLoop) -> None:
    loop = make_loop()
    await loop.start()
    await loop.stop()
    await loop.stop()
    await loop.start()
    await clock.advance_to(at("11:30:00"))
    assert runs.calls == [("11:00:00", False)]


async def test_stop_lets_a_run_under_way_end(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop, status_path: Path
) -> None:
    runs.lasts_s = 5
    loop = make_loop()
    await loop.start()
    await clock.advance_to(at("11:00:01"))
    stopping = asyncio.create_task(loop.stop(grace_s=60))
    await clock.advance_to(at("12:30:00"))
    await stopping
    assert (runs.finished, len(runs.calls)) == (1, 1)
    assert stored(status_path) == TimerStatus(at("11:00:00"), at("12:00:00"), at("11:00:00"))


async def test_a_run_cut_by_the_stop_is_past_due_at_the_next_start(
    clock: ManualClock, runs: Runs, make_loop: MakeLoop
) -> None:
    runs.lasts_s = 5
    loop = make_loop()
    await loop.start()
    await clock.advance_to(at("11:00:01"))
    await loop.stop(grace_s=0)
    await make_loop().start()
    await clock.advance_to(at("11:00:30"))
    assert runs.calls == [("11:00:00", False), ("11:00:01", True)]


async def test_timers_do_not_wait_for_each_other(clock: ManualClock, runs: Runs, tmp_path: Path) -> None:
    runs.lasts_s = 3600
    timers = [TimerFunction("A", HOURLY), TimerFunction("B", "0 5 * * * *")]
    store = TimerStatusStore(tmp_path / "timers.json")
    loop = TimerLoop(timers, invoke=runs, status=store, clock=clock, logger=logging.getLogger("devhost.timers"))
    await loop.start()
    await clock.advance_to(at("11:10:00"))
    await loop.stop(grace_s=0)
    assert runs.calls == [("11:00:00", False), ("11:05:00", False)]


@pytest.mark.row("host/1.6/verbose-ticks")
async def test_a_start_logs_the_next_five_ticks(make_loop: MakeLoop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "devhost.timers")
    await make_loop("0 0 6 1 * *").start()
    assert caplog.messages == [
        (
            "The next 5 occurrences of 'Nightly' (0 0 6 1 * *, UTC):\n2026-12-01 06:00:00Z\n2027-01-01 06:00:00Z\n"
            "2027-02-01 06:00:00Z\n2027-03-01 06:00:00Z\n2027-04-01 06:00:00Z"
        )
    ]


def test_a_bad_schedule_is_refused_when_the_loop_is_made(make_loop: MakeLoop) -> None:
    with pytest.raises(ScheduleError, match="has 2 fields"):
        make_loop("every day")


@pytest.mark.row("host/4.3/warning")
def test_a_time_zone_is_warned_about() -> None:
    assert time_zone_warnings({"TZ": "Europe/Berlin"}) == (
        "TZ=Europe/Berlin is ignored: schedules are in UTC here, as on plans without time zone support.",
    )


@pytest.mark.row("host/4.3/warning")
def test_both_time_zone_variables_are_warned_about() -> None:
    assert len(time_zone_warnings({"TZ": "Asia/Tokyo", "WEBSITE_TIME_ZONE": "Tokyo Standard Time"})) == 2


@pytest.mark.parametrize("environ", [{}, {"TZ": ""}, {"TZ": "UTC"}, {"TZ": ":Etc/UTC"}])
def test_utc_needs_no_warning(environ: dict[str, str]) -> None:
    assert time_zone_warnings(environ) == ()
