"""Timer schedules: NCRONTAB expressions and constant intervals, always in UTC."""

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from devhost.config.time_span import parse_time_span
from devhost.errors import DevhostError

NEVER = datetime.max.replace(tzinfo=UTC)
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
DIGITS = re.compile(r"[0-9]{1,9}")
STEP = re.compile(r"[+-]?[0-9]{1,9}")


class ScheduleError(DevhostError):
    """The expression is no schedule; the message names the expression, the field and the reason."""

    def __init__(self, expression: str, field: str | None, reason: str) -> None:
        place = "" if field is None else f" in the field '{field}'"
        super().__init__(f"The schedule '{expression}' is not valid{place}: {reason}.")
        self.expression = expression
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """The allowed values of each field, ascending; weekdays count from Sunday = 0."""

    expression: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    adjusts_for_dst = True

    @property
    def is_sub_minute(self) -> bool:
        """True if it ticks more than once in every minute of every day."""
        counts = [len(field) for field in (self.minutes, self.hours, self.days, self.months, self.weekdays)]
        return counts == [60, 24, 31, 12, 7] and len(self.seconds) > 1

    def next_after(self, base: datetime) -> datetime:
        """The first tick strictly later than `base` (aware), in UTC; NEVER if there is none, as on 31 June."""
        start = base.astimezone(UTC).replace(microsecond=0)
        if start >= NEVER.replace(microsecond=0):
            return NEVER
        start += timedelta(seconds=1)
        for day in self._days_from(start.date()):
            floor = start.time() if day == start.date() else time()
            moment = self._time_from(floor)
            if moment is not None:
                return datetime.combine(day, moment, UTC)
        return NEVER

    def _days_from(self, first: date) -> Iterator[date]:
        for year in range(first.year, 10_000):
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                first_weekday, length = monthrange(year, month)  # Monday = 0
                for number in self.days:
                    weekday = (first_weekday + number) % 7  # Sunday = 0
                    if number <= length and weekday in self.weekdays:
                        day = date(year, month, number)
                        if day >= first:
                            yield day

    def _time_from(self, floor: time) -> time | None:
        """The first time of the day at or after `floor`: an exhausted field carries into the one above."""
        hour = _first_from(self.hours, floor.hour)
        if hour == floor.hour:
            minute = _first_from(self.minutes, floor.minute)
            if minute == floor.minute:
                second = _first_from(self.seconds, floor.second)
                if second is not None:
                    return time(hour, minute, second)
                minute = _first_from(self.minutes, floor.minute + 1)
            if minute is not None:
                return time(hour, minute, self.seconds[0])
            hour = _first_from(self.hours, floor.hour + 1)
        return None if hour is None else time(hour, self.minutes[0], self.seconds[0])


@dataclass(frozen=True, slots=True)
class IntervalSchedule:
    """A tick every `interval`, counted from the last one and not aligned to the clock."""

    expression: str
    interval: timedelta

    adjusts_for_dst = False

    @property
    def is_sub_minute(self) -> bool:
        """True if it ticks more than once in every minute."""
        return self.interval < timedelta(minutes=1)

    def next_after(self, base: datetime) -> datetime:
        """`base` (aware) plus the interval, in UTC; NEVER if that is beyond the calendar."""
        start = base.astimezone(UTC)
        return NEVER if NEVER - start < self.interval else start + self.interval


Schedule = CronSchedule | IntervalSchedule


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    minimum: int
    maximum: int
    names: tuple[str, ...] = ()


FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("weekday", 0, 6, WEEKDAYS),
)


class _BadField(ValueError):
    """The text of one field breaks the grammar; the message is the reason."""


def parse_schedule(expression: str) -> Schedule:
    """A schedule from NCRONTAB (six fields, or five without seconds) or a .NET time span.

    Raises ScheduleError. Source: NCrontab 3.3.3, CrontabFieldImpl.cs; azure-webjobs-sdk-extensions,
    Timers/Scheduling/TimerSchedule.cs and CronSchedule.cs.
    """
    texts = [text for text in expression.split(" ") if text]
    if len(texts) in (5, 6):
        return _cron_schedule(expression, texts if len(texts) == 6 else ["0", *texts])
    if len(texts) != 1:
        reason = f"it has {len(texts)} fields; write six, 'second minute hour day month weekday', or five"
        raise ScheduleError(expression, None, reason)
    try:
        interval = parse_time_span(texts[0])
    except ValueError as error:
        reason = f"it is neither six fields, 'second minute hour day month weekday', nor an interval; {error}"
        raise ScheduleError(expression, None, reason) from error
    if interval <= timedelta():
        raise ScheduleError(expression, None, "the interval must be longer than zero")
    return IntervalSchedule(expression, interval)


def next_occurrences(schedule: Schedule, base: datetime, count: int) -> list[datetime]:
    """The next `count` ticks after `base`, oldest first; fewer if the schedule ends."""
    ticks: list[datetime] = []
    tick = schedule.next_after(base)
    while len(ticks) < count and tick != NEVER:
        ticks.append(tick)
        tick = schedule.next_after(tick)
    return ticks


def _cron_schedule(expression: str, texts: list[str]) -> CronSchedule:
    values = []
    for field, text in zip(FIELDS, texts, strict=True):
        try:
            values.append(_field_values(field, text))
        except _BadField as error:
            raise ScheduleError(expression, field.name, str(error)) from error
    return CronSchedule(expression, *values)


def _field_values(field: _Field, text: str) -> tuple[int, ...]:
    values: set[int] = set()
    for item in text.split(","):
        values.update(_item_values(field, item))
    return tuple(sorted(values))


def _item_values(field: _Field, item: str) -> range:
    base, slash, step_text = item.partition("/")
    if slash and not STEP.fullmatch(step_text):
        raise _BadField(f"'{item}' has no whole number behind '/'")
    step = max(1, int(step_text)) if slash else 1
    if base == "*":
        return range(field.minimum, field.maximum + 1, step)
    first_text, dash, last_text = base.partition("-")
    first = _value(field, first_text, item)
    open_end = field.maximum if slash else first
    last = _value(field, last_text, item) if dash else open_end
    first, last = min(first, last), max(first, last)  # a reversed range is swapped, not wrapped
    return range(first, last + 1, step)


def _value(field: _Field, text: str, item: str) -> int:
    if not text:
        raise _BadField(f"'{item}' lacks a value" if item else "an entry between commas is empty")
    if DIGITS.fullmatch(text):
        value = int(text)
        if not field.minimum <= value <= field.maximum:
            raise _BadField(f"{value} is not between {field.minimum} and {field.maximum}")
        return value
    for index, name in enumerate(field.names):
        if name.lower().startswith(text.lower()):
            return field.minimum + index
    if field.names:
        raise _BadField(f"'{text}' is neither a number nor the start of one of {', '.join(field.names)}")
    raise _BadField(f"'{text}' is not a number between {field.minimum} and {field.maximum}")


def _first_from(values: tuple[int, ...], minimum: int) -> int | None:
    index = bisect_left(values, minimum)
    return values[index] if index < len(values) else None
