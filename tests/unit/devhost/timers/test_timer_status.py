import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devhost.timers.ncrontab import parse_schedule
from devhost.timers.timer_status import (
    NO_TIME,
    RunCause,
    StartDecision,
    TimerStatus,
    TimerStatusError,
    TimerStatusStore,
    decide_start,
    status_after_run,
)

HOURLY = parse_schedule("0 0 * * * *")
DAILY_AT_6 = parse_schedule("0 0 6 * * *")
EVERY_10_MINUTES = parse_schedule("00:10:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=UTC)


def status(last: datetime, next_: datetime, last_updated: datetime | None = None) -> TimerStatus:
    return TimerStatus(last, next_, last if last_updated is None else last_updated)


def test_a_first_start_records_the_next_tick_and_runs_nothing() -> None:
    assert decide_start(HOURLY, None, at("03T10:30"), run_on_startup=False) == StartDecision(
        status(NO_TIME, at("03T11:00"), at("03T10:30")), is_changed=True, run_at_once=None
    )


@pytest.mark.row("host/4.4/first-start")
def test_a_first_start_runs_at_once_if_asked_to() -> None:
    decision = decide_start(HOURLY, None, at("03T10:30"), run_on_startup=True)
    assert decision.run_at_once is RunCause.STARTUP


def test_a_start_in_time_changes_nothing() -> None:
    recorded = status(at("03T10:00"), at("03T11:00"))
    assert decide_start(HOURLY, recorded, at("03T10:30"), run_on_startup=False) == StartDecision(
        recorded, is_changed=False, run_at_once=None
    )


def test_a_start_in_time_runs_at_once_if_asked_to() -> None:
    recorded = status(at("03T10:00"), at("03T11:00"))
    assert decide_start(HOURLY, recorded, at("03T10:30"), run_on_startup=True).run_at_once is RunCause.STARTUP


def test_a_missed_tick_is_past_due() -> None:
    recorded = status(at("03T10:00"), at("03T11:00"))
    decision = decide_start(HOURLY, recorded, at("03T11:00:01"), run_on_startup=False)
    assert decision == StartDecision(recorded, is_changed=False, run_at_once=RunCause.PAST_DUE)


@pytest.mark.row("host/4.4/past-due")
def test_a_past_due_run_replaces_the_run_on_startup() -> None:
    recorded = status(at("03T10:00"), at("03T11:00"))
    assert decide_start(HOURLY, recorded, at("05T00:00"), run_on_startup=True).run_at_once is RunCause.PAST_DUE


def test_a_start_at_the_very_tick_is_not_past_due() -> None:
    recorded = status(at("03T10:00"), at("03T11:00"))
    assert decide_start(HOURLY, recorded, at("03T11:00"), run_on_startup=False).run_at_once is None


def test_a_tick_missed_before_the_first_run_is_past_due() -> None:
    recorded = status(NO_TIME, at("03T11:00"), at("03T10:30"))
    assert decide_start(HOURLY, recorded, at("03T12:00"), run_on_startup=False).run_at_once is RunCause.PAST_DUE


def test_a_missed_interval_is_past_due() -> None:
    recorded = status(at("03T10:00:07"), at("03T10:10:07"))
    decision = decide_start(EVERY_10_MINUTES, recorded, at("03T10:10:08"), run_on_startup=False)
    assert decision.run_at_once is RunCause.PAST_DUE


@pytest.mark.row("host/4.4/changed-schedule")
def test_a_changed_schedule_is_rebased_on_the_last_run() -> None:
    recorded = status(at("03T10:00"), at("03T11:00"))
    assert decide_start(DAILY_AT_6, recorded, at("03T12:00"), run_on_startup=False) == StartDecision(
        status(NO_TIME, at("04T06:00"), at("03T10:00")), is_changed=True, run_at_once=None
    )


def test_a_changed_schedule_whose_tick_has_passed_owes_nothing() -> None:
    recorded = status(at("03T10:00"), at("03T11:00"))
    assert decide_start(DAILY_AT_6, recorded, at("06T12:00"), run_on_startup=False) == StartDecision(
        status(NO_TIME, at("07T06:00"), at("06T12:00")), is_changed=True, run_at_once=None
    )


def test_a_schedule_changed_before_the_first_run_is_rebased_on_the_first_start() -> None:
    recorded = status(NO_TIME, at("03T11:00"), at("03T10:30"))
    assert decide_start(DAILY_AT_6, recorded, at("03T12:00"), run_on_startup=False).status == status(
        NO_TIME, at("04T06:00"), at("03T10:30")
    )


def test_a_status_without_any_time_is_rebased_on_now() -> None:
    recorded = status(NO_TIME, at("03T11:00"), NO_TIME)
    assert decide_start(HOURLY, recorded, at("03T12:30"), run_on_startup=False).status == status(
        NO_TIME, at("03T13:00"), at("03T12:30")
    )


def test_a_run_in_time_advances_to_the_next_tick() -> None:
    before = status(at("03T10:00"), at("03T11:00"))
    after = status_after_run(HOURLY, before, invoked_at=at("03T11:00:00.25"), cause=RunCause.SCHEDULE)
    assert after == status(at("03T11:00:00.25"), at("03T12:00"))


@pytest.mark.row("host/4.4/normal-tick")
def test_a_run_that_began_early_counts_as_begun_on_time() -> None:
    before = status(at("03T10:00"), at("03T11:00"))
    after = status_after_run(HOURLY, before, invoked_at=at("03T10:59:59.9"), cause=RunCause.SCHEDULE)
    assert after == status(at("03T11:00"), at("03T12:00"))


def test_a_run_on_startup_does_not_skip_the_tick_ahead() -> None:
    before = status(at("03T10:00"), at("03T11:00"))
    after = status_after_run(HOURLY, before, invoked_at=at("03T10:30"), cause=RunCause.STARTUP)
    assert after == status(at("03T10:30"), at("03T11:00"))


def test_a_past_due_run_skips_all_missed_ticks() -> None:
    before = status(at("03T10:00"), at("03T11:00"))
    after = status_after_run(HOURLY, before, invoked_at=at("03T15:30"), cause=RunCause.PAST_DUE)
    assert after == status(at("03T15:30"), at("03T16:00"))


@pytest.mark.row("host/4.5/status")
def test_the_json_form_is_that_of_the_real_host() -> None:
    assert status(NO_TIME, at("03T11:00"), at("03T10:30:00.001234")).as_json() == {
        "Last": "0001-01-01T00:00:00+00:00",
        "Next": "2026-11-03T11:00:00+00:00",
        "LastUpdated": "2026-11-03T10:30:00.001234+00:00",
    }


def test_a_missing_file_holds_no_status(tmp_path: Path) -> None:
    assert TimerStatusStore(tmp_path / "timers.json").get("Nightly") is None


def test_a_status_survives_a_new_start(tmp_path: Path) -> None:
    path = tmp_path / "state" / "timers.json"
    never_run = status(NO_TIME, at("03T11:00"), at("03T10:30:00.001234"))
    has_run = status(at("03T10:00"), at("04T10:00"))
    store = TimerStatusStore(path)
    store.put("A", never_run)
    store.put("B", has_run)
    reopened = TimerStatusStore(path)
    assert (reopened.get("A"), reopened.get("B")) == (never_run, has_run)


def test_a_half_written_new_file_is_ignored_and_replaced(tmp_path: Path) -> None:
    """What a host killed while writing leaves behind."""
    path = tmp_path / "timers.json"
    kept = status(at("03T10:00"), at("04T10:00"))
    TimerStatusStore(path).put("A", kept)
    (tmp_path / "timers.json.new").write_text('{"timers": {"A": {"La')
    store = TimerStatusStore(path)
    assert store.get("A") == kept
    store.put("B", kept)
    assert [file.name for file in tmp_path.iterdir()] == ["timers.json"]
    assert TimerStatusStore(path).get("B") == kept


def test_a_failed_write_leaves_the_old_status(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    kept = status(at("03T10:00"), at("04T10:00"))
    store = TimerStatusStore(path)
    store.put("A", kept)
    (tmp_path / "timers.json.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        store.put("A", status(at("04T10:00"), at("05T10:00")))
    assert store.get("A") == kept
    assert TimerStatusStore(path).get("A") == kept


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"timers": {"A": {}}}', '{"timers": {"A": {"Last": "x", "Next": "x", "LastUpdated": "x"}}}',
     json.dumps({"timers": {"A": dict.fromkeys(("Last", "Next", "LastUpdated"), "2026-11-03T10:00:00")}})],
)  # fmt: skip
def test_a_file_of_another_kind_is_refused_with_the_cure(tmp_path: Path, text: str) -> None:
    path = tmp_path / "timers.json"
    path.write_text(text)
    with pytest.raises(TimerStatusError, match=r"timers\.json: .*Delete the file"):
        TimerStatusStore(path)
