"""The payload goes through the converter of the installed azure.functions, as the worker does it."""

from datetime import UTC, datetime

import pytest
from azure.functions import TimerRequest
from azure.functions.meta import Datum
from azure.functions.timer import TimerRequestConverter

from devhost.timers.ncrontab import parse_schedule
from devhost.timers.timer_loop import timer_payload
from devhost.timers.timer_status import NO_TIME, TimerStatus

STATUS = TimerStatus(NO_TIME, datetime(2026, 11, 3, 11, tzinfo=UTC), datetime(2026, 11, 3, 10, 30, 0, 1234, tzinfo=UTC))


def decoded(schedule: str, status: TimerStatus | None, *, is_past_due: bool) -> TimerRequest:
    payload = timer_payload(parse_schedule(schedule), status, is_past_due=is_past_due)
    return TimerRequestConverter.decode(Datum(payload, "json"), trigger_metadata=None)


@pytest.mark.row("host/4.5/past-due")
def test_a_function_sees_past_due() -> None:
    assert decoded("0 0 * * * *", STATUS, is_past_due=True).past_due is True


@pytest.mark.row("host/4.5/past-due")
def test_a_function_sees_that_it_is_not_past_due() -> None:
    assert decoded("0 0 * * * *", STATUS, is_past_due=False).past_due is False


def test_a_function_sees_the_schedule_status() -> None:
    assert decoded("0 0 * * * *", STATUS, is_past_due=False).schedule_status == {
        "Last": "0001-01-01T00:00:00+00:00",
        "Next": "2026-11-03T11:00:00+00:00",
        "LastUpdated": "2026-11-03T10:30:00.001234+00:00",
    }


@pytest.mark.row("host/4.5/no-monitor")
def test_a_function_without_monitor_sees_an_empty_status() -> None:
    assert decoded("0 0 * * * *", None, is_past_due=False).schedule_status == {}


@pytest.mark.row("host/4.5/adjust-for-dst")
def test_a_cron_schedule_adjusts_for_daylight_saving() -> None:
    assert decoded("0 0 * * * *", STATUS, is_past_due=False).schedule == {"AdjustForDST": True}


@pytest.mark.row("host/4.5/adjust-for-dst")
def test_an_interval_does_not() -> None:
    assert decoded("01:00:00", STATUS, is_past_due=False).schedule == {"AdjustForDST": False}
