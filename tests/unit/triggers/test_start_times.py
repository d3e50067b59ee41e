"""`startAt`, as callers write it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper import clock
from triggers.web.problem import Problem
from triggers.web.start_times import start_at

NOW = datetime(2026, 11, 21, 6, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "utc_now", lambda: NOW)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T06:00:00Z",
        "2026-11-22T08:00:00+02:00",
        "2026-11-21T22:00:00.000-08:00",
        "20261122T060000Z",
        "2026-11-22 06:00+00:00",
        "2026-11-22t06:00:00z",
    ],
)
def test_a_time_with_an_offset_is_read_as_utc(text: str) -> None:
    found = start_at(text)
    assert found == datetime(2026, 11, 22, 6, tzinfo=UTC)
    assert found.tzinfo is UTC


def test_nothing_means_now() -> None:
    assert start_at(None) is None


@pytest.mark.parametrize("text", ["2026-11-21T05:59:30Z", "2026-11-21T06:00:29Z"])
def test_a_time_that_has_just_passed_is_now(text: str) -> None:
    assert start_at(text) == NOW


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1_800_000_000, "'startAt' must be a text, not a number."),
        (["2026-11-22T06:00:00Z"], "'startAt' must be a text, not an array."),
        ("", "'startAt' must be a time like 2026-11-22T06:00:00Z"),
        ("tomorrow", "'startAt' must be a time like 2026-11-22T06:00:00Z"),
        ("2026-11-31T06:00:00Z", "'startAt' must be a time like 2026-11-22T06:00:00Z"),
        ("2026-11-22T08:00:00 02:00", "not '2026-11-22T08:00:00 02:00'; in a URL + is written %2B."),
        ("0001-01-01T00:00:00+23:59", "'startAt' must be a time like"),
        ("9999-12-31T23:59:59-23:59", "'startAt' must be a time like"),
        ("2026-11-22T06:00:00", "'startAt' has no offset: '2026-11-22T06:00:00'; add Z for UTC, or one like +02:00."),
        ("2026-11-22", "'startAt' has no offset: '2026-11-22'; add a time, and Z for UTC, or one like +02:00."),
        ("2026-11-22T06:00:00Z\0", "'startAt' must be a time like"),
        ("2026-11-21T05:59:29Z", "'startAt' is in the past: '2026-11-21T05:59:29Z'; it is 2026-11-21T06:00:30+00:00."),
        ("2027-11-22T06:00:31Z", "'startAt' is more than a year away: '2027-11-22T06:00:31Z'."),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_name_with_the_cure(value: Any, reason: str) -> None:
    with pytest.raises(Problem) as refused:
        start_at(value)
    assert refused.value.status == 400
    assert reason in refused.value.detail


offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.timedeltas(timedelta(0), timedelta(366)), offsets)
def test_every_time_within_a_year_is_taken_whatever_its_offset(ahead: timedelta, offset: timezone) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clock, "utc_now", lambda: NOW)
        assert start_at((NOW + ahead).astimezone(offset).isoformat()) == NOW + ahead


@given(st.text() | st.integers() | st.lists(st.none()))
def test_what_is_no_time_is_refused_in_words_and_never_an_error_of_ours(value: Any) -> None:
    with pytest.raises(Problem, match=r"^'startAt' "):
        start_at(value)
