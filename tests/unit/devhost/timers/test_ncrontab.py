from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from devhost.timers.ncrontab import (
    NEVER,
    CronSchedule,
    IntervalSchedule,
    ScheduleError,
    next_occurrences,
    parse_schedule,
)

BASE = datetime(2026, 11, 3, 10, tzinfo=UTC)  # a Tuesday


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron(expression: str) -> CronSchedule:
    schedule = parse_schedule(expression)
    assert isinstance(schedule, CronSchedule)
    return schedule


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 10 * * *", "2026-11-04 10:00:00"),
        ("*/15 * * * * *", "2026-11-03 10:00:15"),
        ("0 */5 * * * *", "2026-11-03 10:05:00"),
        ("*/5 * * * *", "2026-11-03 10:05:00"),
        ("0 5/20 * * * *", "2026-11-03 10:05:00"),
        ("0 30 9 * * Mon-Fri", "2026-11-04 09:30:00"),
        ("0 0 0 13 * Fri", "2026-11-13 00:00:00"),
        ("0 0 22-2 * * *", "2026-11-03 11:00:00"),
        ("0 0 0 29 feb *", "2028-02-29 00:00:00"),
        ("59 59 23 31 12 *", "2026-12-31 23:59:59"),
        ("0 0 0 1 1 *", "2027-01-01 00:00:00"),
        ("0 0 0 29 2 Mon", "2044-02-29 00:00:00"),
        ("0 59 9 * * *", "2026-11-04 09:59:00"),
        ("30 0 10 * * *", "2026-11-03 10:00:30"),
        ("  0  0  6  *  *  *  ", "2026-11-04 06:00:00"),
    ],
)
def test_the_next_tick_is_the_one_the_rules_give(expression: str, expected: str) -> None:
    assert parse_schedule(expression).next_after(BASE) == utc(expected)


@pytest.mark.row("host/4.1/names", "host/4.1/step-from-value", "host/4.1/step-zero", "host/4.1/swapped")
@pytest.mark.parametrize(
    ("expression", "field", "values"),
    [
        ("0 5/15 * * * *", "minutes", (5, 20, 35, 50)),
        ("0 5/1 * * * *", "minutes", tuple(range(5, 60))),
        ("0 */0 * * * *", "minutes", tuple(range(60))),
        ("0 */-3 * * * *", "minutes", tuple(range(60))),
        ("0 10-20/5 * * * *", "minutes", (10, 15, 20)),
        ("0 20-10/5 * * * *", "minutes", (10, 15, 20)),
        ("0 1,30,1-2 * * * *", "minutes", (1, 2, 30)),
        ("0 0 22-2 * * *", "hours", tuple(range(2, 23))),
        ("0 0 0 */10 * *", "days", (1, 11, 21, 31)),
        ("0 0 0 * JANUARY,ja,Jan *", "months", (1,)),
        ("0 0 0 * Ju,Jul,M *", "months", (3, 6, 7)),
        ("0 0 0 * Nov-Feb *", "months", tuple(range(2, 12))),
        ("0 0 0 * * M,T,S", "weekdays", (0, 1, 2)),
        ("0 0 0 * * 5-1", "weekdays", (1, 2, 3, 4, 5)),
        ("0 0 0 * * thursday/1", "weekdays", (4, 5, 6)),
    ],
)
def test_a_field_holds_the_values_that_the_grammar_gives(expression: str, field: str, values: tuple[int, ...]) -> None:
    assert getattr(cron(expression), field) == values


@pytest.mark.row("host/4.1/errors")
@pytest.mark.parametrize(
    ("expression", "field", "reason"),
    [
        ("0 0 0 * * 7", "weekday", "7 is not between 0 and 6"),
        ("0 0 0 ? * *", "day", "'?' is not a number between 1 and 31"),
        ("60 * * * * *", "second", "60 is not between 0 and 59"),
        ("0 60 * * * *", "minute", "60 is not between 0 and 59"),
        ("0 0 24 * * *", "hour", "24 is not between 0 and 23"),
        ("0 0 0 0 * *", "day", "0 is not between 1 and 31"),
        ("0 0 0 L * *", "day", "'L' is not a number"),
        ("0 0 0 15W * *", "day", "'15W' is not a number"),
        ("0 0 0 * 13 *", "month", "13 is not between 1 and 12"),
        ("0 0 0 * Foo *", "month", "'Foo' is neither a number nor the start of one of January"),
        ("0 0 0 * * 5#2", "weekday", "'5#2' is neither a number nor"),
        ("0 0 0 * * Mondays", "weekday", "'Mondays' is neither"),
        ("0 1,,2 * * * *", "minute", "an entry between commas is empty"),
        ("0 ,2 * * * *", "minute", "an entry between commas is empty"),
        ("0 2, * * * *", "minute", "an entry between commas is empty"),
        ("0 /5 * * * *", "minute", "'/5' lacks a value"),
        ("0 -5 * * * *", "minute", "'-5' lacks a value"),
        ("0 5- * * * *", "minute", "'5-' lacks a value"),
        ("0 5/ * * * *", "minute", "no whole number behind '/'"),
        ("0 5/x * * * *", "minute", "no whole number behind '/'"),
        ("0 1-2-3 * * * *", "minute", "'2-3' is not a number"),
        ("0 *-5 * * * *", "minute", "'*' is not a number"),
        ("0 Mon * * * *", "minute", "'Mon' is not a number"),
        ("0 ٣ * * * *", "minute", "'٣' is not a number"),
        ("0 0 0 1 1 * 2027", None, "it has 7 fields"),
        ("* * * *", None, "it has 4 fields"),
        ("", None, "it has 0 fields"),
        ("@daily", None, "neither six fields"),
        ("0 0\t0 * * *", "hour", "is not a number"),
        ("00:00:00", None, "longer than zero"),
        ("-00:01:00", None, "longer than zero"),
    ],
)
def test_what_breaks_the_grammar_is_refused_with_field_and_reason(
    expression: str, field: str | None, reason: str
) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(expression)
    assert caught.value.field == field
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"The schedule '{expression}' is not valid")


@pytest.mark.row("host/4.1/strictly-later")
def test_a_fraction_of_the_base_is_cut_off() -> None:
    base = BASE.replace(microsecond=999_999)
    assert parse_schedule("* * * * * *").next_after(base) == utc("2026-11-03 10:00:01")


def test_a_base_in_another_zone_means_the_same_moment() -> None:
    base = datetime(2026, 11, 3, 12, tzinfo=timezone(timedelta(hours=2)))
    assert parse_schedule("0 0 11 * * *").next_after(base) == utc("2026-11-03 11:00:00")


def test_a_date_that_never_comes_is_never() -> None:
    assert parse_schedule("0 0 0 31 6 *").next_after(BASE) == NEVER


def test_the_end_of_the_calendar_is_never() -> None:
    assert parse_schedule("* * * * * *").next_after(NEVER) == NEVER


def test_an_interval_beyond_the_calendar_is_never() -> None:
    assert parse_schedule("10675199").next_after(BASE) == NEVER


@pytest.mark.row("host/4.1/time-span")
@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("00:00:30", timedelta(seconds=30)),
        ("01:30", timedelta(minutes=90)),
        ("1.00:00", timedelta(days=1)),
        ("3", timedelta(days=3)),
    ],
)
def test_a_time_span_is_a_constant_interval_from_the_base(text: str, interval: timedelta) -> None:
    schedule = parse_schedule(text)
    assert schedule == IntervalSchedule(text, interval)
    assert schedule.next_after(BASE + timedelta(microseconds=7)) == BASE + timedelta(microseconds=7) + interval


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", True),
        ("0,30 * * * * *", True),
        ("0 * * * * *", False),
        ("*/10 0-59 0-23 * * *", True),
        ("*/10 * * * * 1-5", False),
        ("* 5 * * * *", False),
        ("00:00:59", True),
        ("00:01:00", False),
    ],
)
def test_a_schedule_knows_whether_it_ticks_within_a_minute(expression: str, expected: bool) -> None:
    assert parse_schedule(expression).is_sub_minute is expected


def test_the_next_occurrences_come_oldest_first() -> None:
    assert next_occurrences(parse_schedule("0 0 6 * * *"), BASE, 2) == [
        utc("2026-11-04 06:00:00"),
        utc("2026-11-05 06:00:00"),
    ]


def test_a_schedule_that_never_comes_has_no_occurrences() -> None:
    assert next_occurrences(parse_schedule("0 0 0 31 6 *"), BASE, 5) == []


def fields(minimum: int, maximum: int) -> st.SearchStrategy[str]:
    """Texts that both grammars read alike: values, upward ranges, steps that fit, and lists of these."""
    value = st.integers(minimum, maximum)
    upward = st.tuples(value, value).filter(lambda pair: pair[0] < pair[1]).map(lambda p: f"{p[0]}-{p[1]}")
    item = st.one_of(value.map(str), upward, st.integers(1, maximum).map(lambda step: f"*/{step}"))
    return st.one_of(st.just("*"), st.lists(item, min_size=1, max_size=3).map(",".join))


# Tenths of a second over 90 years.
MOMENTS = st.integers(0, 90 * 365 * 86_400 * 10).map(
    lambda tenths: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=100 * tenths)
)


@settings(max_examples=300, deadline=None)
@given(
    expression=st.tuples(fields(0, 59), fields(0, 59), fields(0, 23), fields(1, 28), fields(1, 12), fields(0, 6)).map(
        " ".join
    ),
    base=MOMENTS,
)
def test_croniter_agrees_on_the_common_grammar(expression: str, base: datetime) -> None:
    second_base = base.replace(microsecond=0)
    expected = croniter(
        expression, second_base, second_at_beginning=True, day_or=False, max_years_between_matches=100
    ).get_next(datetime)
    assert parse_schedule(expression).next_after(base) == expected


@pytest.mark.row("host/4.1/strictly-later", "host/4.1/day-and-weekday")
@given(
    expression=st.tuples(fields(0, 59), fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12), fields(0, 6)).map(
        " ".join
    ),
    base=MOMENTS,
)
def test_a_tick_is_later_than_its_base_and_allowed_in_every_field(expression: str, base: datetime) -> None:
    schedule = cron(expression)
    tick = schedule.next_after(base)
    assert tick > base
    assert tick == NEVER or (
        tick.second in schedule.seconds
        and tick.minute in schedule.minutes
        and tick.hour in schedule.hours
        and tick.day in schedule.days
        and tick.month in schedule.months
        and tick.isoweekday() % 7 in schedule.weekdays
    )


@given(text=st.text(alphabet="0123456789*/-,:. JanMoFri?LW#", max_size=24))
def test_any_text_is_a_schedule_or_a_schedule_error(text: str) -> None:
    with suppress(ScheduleError):
        assert parse_schedule(text).next_after(BASE) > BASE
