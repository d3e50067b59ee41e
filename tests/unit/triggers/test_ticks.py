"""Which ticks one call of the timer stands for; the host's own reading of schedules is the measure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.timers.ncrontab import parse_schedule
from triggers.schedule.ticks import MOST_DATES, last_ticks, next_tick, owed_ticks

DAILY = "0 0 6 * * *"
SIX = datetime(2026, 11, 2, 6, tzinfo=UTC)  # a Monday


def owed(expression: str, first: datetime, *, late: timedelta) -> list[str]:
    return [f"{tick:%d %H:%M}" for tick in owed_ticks(expression, first, first + late)]


def test_a_tick_on_time_stands_for_itself() -> None:
    assert owed(DAILY, SIX, late=timedelta(milliseconds=80)) == ["02 06:00"]


def test_a_tick_that_fires_early_stands_for_itself() -> None:
    assert owed(DAILY, SIX, late=-timedelta(milliseconds=80)) == ["02 06:00"]


def test_after_days_each_date_is_owed_and_the_newest_tick_is_the_last() -> None:
    found = owed(DAILY, SIX, late=timedelta(days=3, hours=1))
    assert found == ["02 06:00", "03 06:00", "04 06:00", "05 06:00"]


def test_before_the_tick_of_a_date_the_date_before_is_the_newest() -> None:
    assert owed(DAILY, SIX, late=timedelta(days=1, hours=23)) == ["02 06:00", "03 06:00"]


def test_of_a_date_with_many_ticks_one_is_told() -> None:
    found = owed("0 */10 * * * *", SIX, late=timedelta(days=2, minutes=25))
    assert found == ["02 06:00", "03 00:00", "04 06:20"]


def test_later_ticks_of_the_same_date_stand_for_the_first() -> None:
    assert owed("0 0 6,18 * * *", SIX, late=timedelta(hours=13)) == ["02 18:00"]


def test_dates_without_a_tick_are_not_owed() -> None:
    friday = SIX + timedelta(days=4)
    assert owed("0 0 6 * * Mon-Fri", friday, late=timedelta(days=4, hours=1)) == ["06 06:00", "09 06:00", "10 06:00"]


def test_a_tick_beside_the_schedule_is_owed_all_the_same() -> None:
    assert owed(DAILY, SIX + timedelta(hours=1), late=timedelta(0)) == ["02 07:00"]


def test_of_a_year_the_first_and_the_newest_dates_are_told() -> None:
    ticks = owed_ticks(DAILY, SIX, SIX + timedelta(days=365))
    assert [ticks[0], ticks[-1], len(ticks)] == [SIX, SIX + timedelta(days=365), 1 + MOST_DATES + 1]


def fields(low: int, high: int, *names: str) -> st.SearchStrategy[str]:
    value = st.integers(low, high).map(str) | st.sampled_from(names or (str(low),))
    base = st.just("*") | value | st.tuples(value, value).map("-".join)
    item = base | st.tuples(base, st.integers(0, 40).map(str)).map("/".join)
    return st.lists(item, min_size=1, max_size=3).map(",".join)


expressions = st.tuples(
    st.just("0") | fields(0, 59),
    fields(0, 59),
    fields(0, 23),
    st.just("*") | fields(1, 28),  # with 31 there are schedules that never tick, and the host looks for 8,000 years
    st.just("*") | fields(1, 12, "Jan", "ju", "DECEMBER"),
    st.just("*") | fields(0, 6, "Mon", "s", "FRI"),
).map(" ".join)


@given(expressions, st.integers(0, 6 * 86_400))
def test_the_newest_tick_and_the_first_of_each_date_are_those_of_the_host(expression: str, late_s: int) -> None:
    schedule = parse_schedule(expression)
    first = schedule.next_after(SIX)
    now = first + timedelta(seconds=late_s)
    of_dates = [first]
    while (following := schedule.next_after(last_second(of_dates[-1]))) <= now:
        of_dates.append(following)
    newest = owed_ticks(expression, first, now)[-1]
    assert owed_ticks(expression, first, now)[:-1] == of_dates[:-1]
    assert newest.date() == of_dates[-1].date()
    assert newest == first or schedule.next_after(newest - timedelta(seconds=1)) == newest
    assert newest <= now < schedule.next_after(newest)


def last_second(moment: datetime) -> datetime:
    return moment.replace(hour=23, minute=59, second=59)


@pytest.mark.parametrize("expression", ["0 6 * * *", "0 0 6 * * *"])
def test_five_fields_have_no_seconds(expression: str) -> None:
    assert owed(expression, SIX, late=timedelta(days=1, seconds=1)) == ["02 06:00", "03 06:00"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (DAILY, "2026-11-03T06:00:00+00:00"),
        ("0 30 6 * * *", "2026-11-02T06:30:00+00:00"),
        ("1 0 6 * * *", "2026-11-02T06:00:01+00:00"),
        ("0 0 6 * * Sun", "2026-11-08T06:00:00+00:00"),
        ("0 0 6 29 2 *", "2028-02-29T06:00:00+00:00"),
        ("0 6 * * *", "2026-11-03T06:00:00+00:00"),
        ("0 0 6 31 2 *", None),
        ("never", None),
        ("0 0 6 * * nobody", None),
    ],
)
def test_the_next_tick_is_later_than_now(expression: str, expected: str | None) -> None:
    found = next_tick(expression, SIX)
    assert (found.isoformat() if found else None) == expected


# The strategy takes bounds without a time zone.
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1))  # noqa: DTZ001
FIELDS = ["0 0 6 * * *", "*/7 3-9/2 * * * *", "0 0 0 1 * *", "59 59 23 * * 1-5", "0 15,45 */6 1-15 mar,sep *"]


@given(moment=MOMENTS, fields=st.sampled_from(FIELDS))
def test_the_next_tick_is_that_of_the_host(moment: datetime, fields: str) -> None:
    now = moment.replace(tzinfo=UTC)
    assert next_tick(fields, now) == parse_schedule(fields).next_after(now)


def test_the_last_ticks_are_the_first_of_each_date_that_have_come() -> None:
    found = last_ticks("0 0 6,18 * * 1-5", SIX + timedelta(days=2, hours=-1))
    assert [f"{tick:%d %H:%M}" for tick in found[-4:]] == ["29 06:00", "30 06:00", "02 06:00", "03 06:00"]
    assert len(last_ticks(DAILY, SIX)) == MOST_DATES
    assert last_ticks("never", SIX) == []
