"""When a schedule ticks: which ticks a call of the timer stands for.

The host calls a timer once after it was down, however many ticks it missed, and tells of the first of them only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any, Final

TICK_TOLERANCE: Final = timedelta(seconds=30)  # a host's clock may fire a little early
MOST_DATES: Final = 31  # of a host that was down for longer, older dates are not told one by one
MOST_YEARS: Final = 8  # between two leap days, if a century lies between them

_MONTHS: Final = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
                  "november", "december")  # fmt: skip
_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def tick_of(schedule_status: Mapping[str, Any] | None, *, now: datetime) -> datetime:
    """The scheduled time of this tick in UTC: the host's `Next`.

    It is now if the host keeps no schedule status, or if somebody runs the timer by hand: then `Next` is still to come.
    """
    scheduled = (schedule_status or {}).get("Next")
    if not scheduled:
        return now
    tick = datetime.fromisoformat(scheduled).astimezone(UTC)
    return now if tick > now + TICK_TOLERANCE else tick


def owed_ticks(expression: str, first: datetime, now: datetime) -> list[datetime]:
    """The first tick of each date since `first`, which is one of them, and last the newest tick until now.

    `expression` is NCRONTAB in UTC, `first` and `now` are in UTC. At most MOST_DATES of the newest dates are told.
    """
    schedule = _Schedule.of(expression)
    newest = schedule.last_until(now, after=first) or first
    days = range((newest.date() - first.date()).days)
    dates = [first.date() + timedelta(days=number) for number in days[1:][-MOST_DATES:]]
    between = [datetime.combine(day, schedule.first_time, UTC) for day in dates if schedule.is_on(day)]
    return ([first] if days else []) + between + [newest]


def next_tick(expression: str, now: datetime) -> datetime | None:
    """The first tick behind `now`; None if there is none within MOST_YEARS, or if the expression is none."""
    try:
        return _Schedule.of(expression).first_after(now)
    except (ValueError, StopIteration):
        return None


def last_ticks(expression: str, now: datetime) -> list[datetime]:
    """The first tick of each of the last MOST_DATES dates that has come, oldest first."""
    try:
        schedule = _Schedule.of(expression)
    except (ValueError, StopIteration):
        return []
    dates = [now.date() - timedelta(days=number) for number in reversed(range(MOST_DATES))]
    ticks = [datetime.combine(day, schedule.first_time, UTC) for day in dates if schedule.is_on(day)]
    return [tick for tick in ticks if tick <= now]


@dataclass(frozen=True, slots=True)
class _Schedule:
    """The allowed values of each field, ascending; weekdays count from Sunday = 0."""

    seconds: list[int]
    minutes: list[int]
    hours: list[int]
    days: list[int]
    months: list[int]
    weekdays: list[int]

    @classmethod
    def of(cls, expression: str) -> "_Schedule":
        """Read an expression that the host has accepted; five fields have no seconds."""
        texts = expression.split()
        seconds, minutes, hours, days, months, weekdays = texts if len(texts) == 6 else ["0", *texts]
        return cls(
            _values(seconds, 0, 59),
            _values(minutes, 0, 59),
            _values(hours, 0, 23),
            _values(days, 1, 31),
            _values(months, 1, 12, _MONTHS),
            _values(weekdays, 0, 6, _WEEKDAYS),
        )

    @property
    def first_time(self) -> time:
        return time(self.hours[0], self.minutes[0], self.seconds[0])

    def is_on(self, day: date) -> bool:
        return day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays

    def last_until(self, now: datetime, *, after: datetime) -> datetime | None:
        """The newest tick that is not later than `now`, if it is later than `after`."""
        day = now.date()
        while day >= after.date():
            if self.is_on(day):
                limit = now.time() if day == now.date() else time.max
                for moment in self._times_backwards():
                    if moment <= limit:
                        tick = datetime.combine(day, moment, UTC)
                        return tick if tick > after else None
            day -= timedelta(days=1)
        return None

    def first_after(self, now: datetime) -> datetime | None:
        """The first tick that is later than `now`."""
        for number in range(MOST_YEARS * 366):
            day = now.date() + timedelta(days=number)
            if self.is_on(day):
                moments = (time(*each) for each in product(self.hours, self.minutes, self.seconds))
                found = next((each for each in moments if number or each > now.time()), None)
                if found is not None:
                    return datetime.combine(day, found, UTC)
        return None

    def _times_backwards(self) -> Iterator[time]:
        for hour in reversed(self.hours):
            for minute in reversed(self.minutes):
                for second in reversed(self.seconds):
                    yield time(hour, minute, second)


def _values(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> list[int]:
    found: set[int] = set()
    for item in text.split(","):
        base, slash, step = item.partition("/")
        first, dash, last = base.partition("-")
        if base == "*":
            begin, end = low, high
        else:
            begin = _value(first, low, names)
            end = _value(last, low, names) if dash else (high if slash else begin)
        found.update(range(min(begin, end), max(begin, end) + 1, max(1, int(step)) if slash else 1))
    return sorted(found)


def _value(text: str, low: int, names: tuple[str, ...]) -> int:
    if text.isdigit():
        return int(text)
    return low + next(index for index, name in enumerate(names) if name.startswith(text.lower()))
