"""Durations as .NET writes them: host.json time-outs and the interval form of timer schedules."""

import re
from datetime import timedelta

MAX_DAYS = 10_675_199  # .NET's TimeSpan.MaxValue
TIME_SPAN = re.compile(
    r"""(?P<sign>-)?
    (?: (?P<only_days>[0-9]+)
      | (?:(?P<days>[0-9]+)\.)? (?P<clock>[0-9]+(?::[0-9]+){1,3}) (?:\.(?P<fraction>[0-9]{1,7}))? )""",
    re.VERBOSE,
)


def parse_time_span(text: str) -> timedelta:
    """`[-][d.]hh:mm[:ss[.fffffff]]`, `d:hh:mm:ss`, or a plain whole number of days.

    `hh:mm:ss` with 24 or more in front is read as `dd:hh:mm`, as .NET does. Ticks of 100 ns are cut to
    microseconds. Raises ValueError with a reason.
    Source: .NET TimeSpan.Parse; Azure Functions documentation, timer trigger, TimeSpan.
    """
    match = TIME_SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a duration such as 00:05:00")
    if match["only_days"] is not None:
        days, hours, minutes, seconds = int(match["only_days"]), 0, 0, 0
    else:
        days, hours, minutes, seconds = _clock_parts(text, match)
    for name, value, maximum in (
        ("days", days, MAX_DAYS),
        ("hours", hours, 23),
        ("minutes", minutes, 59),
        ("seconds", seconds, 59),
    ):
        if value > maximum:
            raise ValueError(f"'{text}' has {value} {name}; at most {maximum} are allowed")
    microseconds = int((match["fraction"] or "0").ljust(6, "0")[:6])
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
    return -span if match["sign"] else span


def _clock_parts(text: str, match: re.Match[str]) -> tuple[int, int, int, int]:
    numbers = [int(part) for part in match["clock"].split(":")]
    days = match["days"]
    if match["fraction"] is not None and len(numbers) == 2:
        raise ValueError(f"'{text}' has a fraction but no seconds")
    if len(numbers) == 4:
        if days is not None:
            raise ValueError(f"'{text}' gives the days twice")
        return numbers[0], numbers[1], numbers[2], numbers[3]
    if len(numbers) == 3 and days is None and match["fraction"] is None and numbers[0] > 23:
        return numbers[0], numbers[1], numbers[2], 0
    seconds = numbers[2] if len(numbers) == 3 else 0
    return int(days or 0), numbers[0], numbers[1], seconds
