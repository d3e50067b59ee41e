"""When a live run counts as stuck."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from storage.ledger.runs import RunRecord
from storage.ledger.stalls import Stall
from triggers.operations.watchdog import stall_in
from triggers.runs.live_runs import LiveRun

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUN = RunRecord("daily-2026-11-21", 17, "c", NOW - 6 * HOUR, "timer", ("books",))


def stall(
    *,
    progress: timedelta,
    awake: timedelta = timedelta(days=9),
    status: Any = Status.Running,
    patience: timedelta = HOUR,
) -> Stall | None:
    """The finding of now, where the last progress and the waking up of the app are so long ago."""
    live = LiveRun(RUN, status)
    return stall_in(live, NOW - progress, awake_since=NOW - awake, now=NOW, patience=patience)


def test_a_run_without_progress_for_longer_than_the_limit_is_stuck_since_its_last_progress() -> None:
    found = stall(progress=timedelta(minutes=61))
    assert found is not None
    assert (found.epoch, found.run_id, found.reported_at) == (17, "daily-2026-11-21", NOW)
    assert found.since == NOW - timedelta(minutes=61)


def test_the_limit_itself_is_too_long() -> None:
    assert stall(progress=HOUR) is not None
    assert stall(progress=HOUR - timedelta(microseconds=1)) is None


def test_a_slow_run_that_records_a_batch_every_twenty_minutes_is_not_stuck() -> None:
    assert stall(progress=timedelta(minutes=20)) is None


def test_hours_in_which_the_app_was_down_do_not_count() -> None:
    assert stall(progress=6 * HOUR, awake=timedelta(minutes=59)) is None


def test_a_run_that_still_does_nothing_an_hour_after_the_app_came_back_is_stuck_since_before() -> None:
    found = stall(progress=6 * HOUR, awake=HOUR)
    assert found is not None
    assert found.since == NOW - 6 * HOUR


def test_progress_of_a_clock_that_is_ahead_of_ours_is_no_stall() -> None:
    assert stall(progress=timedelta(minutes=-3)) is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.Suspended, "its orchestration is suspended: resume it, or stop the run"),
        (Status.Pending, "its orchestration has not begun"),
        (Status.Running, "no step of it has ended"),
        (Status.ContinuedAsNew, "no step of it has ended"),
    ],
)
def test_the_reason_says_what_the_orchestration_does(status: Any, words: str) -> None:
    found = stall(progress=2 * HOUR, status=status)
    assert found is not None
    assert words in found.reason
