"""Rows of host/4: the test vectors of schedules, and timers of a running host."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from devhost.timers.ncrontab import ScheduleError, parse_schedule
from tests.conformance.http_app_client import HttpApp

row = pytest.mark.row
BASE = datetime(2026, 11, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("0 0 10 * * *", "2026-11-04 10:00:00", marks=row("host/4.2/daily-at-ten")),
        pytest.param("*/15 * * * * *", "2026-11-03 10:00:15", marks=row("host/4.2/every-15-seconds")),
        pytest.param("0 */5 * * * *", "2026-11-03 10:05:00", marks=row("host/4.2/every-5-minutes")),
        pytest.param("*/5 * * * *", "2026-11-03 10:05:00", marks=row("host/4.2/five-fields", "host/4.1/six-fields")),
        pytest.param("0 5/20 * * * *", "2026-11-03 10:05:00", marks=row("host/4.2/from-5-every-20")),
        pytest.param("0 30 9 * * Mon-Fri", "2026-11-04 09:30:00", marks=row("host/4.2/working-days")),
        pytest.param("0 0 0 13 * Fri", "2026-11-13 00:00:00", marks=row("host/4.2/friday-13th")),
        pytest.param("0 0 22-2 * * *", "2026-11-03 11:00:00", marks=row("host/4.2/swapped-hours")),
        pytest.param("0 0 0 29 feb *", "2028-02-29 00:00:00", marks=row("host/4.2/leap-day")),
    ],
)
def test_the_next_tick_is(expression: str, expected: str) -> None:
    assert parse_schedule(expression).next_after(BASE) == datetime.fromisoformat(f"{expected}+00:00")


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("0 0 0 * * 7", marks=row("host/4.2/weekday-7")),
        pytest.param("0 0 0 ? * *", marks=row("host/4.2/question-mark")),
        pytest.param("60 * * * * *", marks=row("host/4.2/second-60")),
    ],
)
def test_a_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(expression)


@row("host/4.3/utc")
def test_a_schedule_is_in_utc_whatever_the_zone_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert parse_schedule("0 30 9 * * *").next_after(BASE) == datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


@row("host/4.4/run-on-startup", "host/4.5/past-due", "host/4.5/adjust-for-dst")
def test_a_run_at_the_start_is_not_past_due_and_sees_schedule_and_status(http: HttpApp) -> None:
    past_due, schedule, status = json.loads(http.noted("at_start")[0])
    assert (past_due, schedule, status) == (False, {"AdjustForDST": True}, ["Last", "LastUpdated", "Next"])


@row("host/4.5/payload", "host/4.1/setting", "host/1.3/raw-text")
def test_a_timer_as_text_gets_the_whole_payload(http: HttpApp) -> None:
    payload = json.loads(http.noted("as_text")[0])
    assert (payload["Schedule"], payload["IsPastDue"]) == ({"AdjustForDST": True}, False)
    assert payload["ScheduleStatus"]["Last"] == "0001-01-01T00:00:00+00:00"
    assert datetime.fromisoformat(payload["ScheduleStatus"]["Next"]).replace(year=1) == datetime(1, 1, 1, tzinfo=UTC)


@row("host/4.4/monitor-off", "host/4.5/no-monitor", "host/4.6/no-blob")
def test_a_timer_that_ticks_more_than_once_a_minute_has_no_status(http: HttpApp) -> None:
    assert http.noted("every_second")[0] == "{}"


@row("host/1.7/retry-timer")
def test_a_timer_with_a_policy_is_tried_again(http: HttpApp) -> None:
    assert http.noted("retried_timer", lines=2) == ["attempt"] * 2
