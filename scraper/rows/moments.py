"""Texts as dates and times: ISO 8601, formats of strptime, and some that have names."""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from scraper.errors import shown

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_ZONE_NAME = re.compile(r":[0-9]{2}\s+([A-Za-z]+)")
_SECONDS = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# No two parts of these are alike, so a format that reads what it wrote has read every part.
_SAMPLE: Final = datetime(2026, 11, 21, 13, 45, 37, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Clockwork:
    """How dates and times are written: `format` None is ISO 8601; times without an offset are of `zone`."""

    format: str | None = None
    zone: tzinfo = UTC

    def moment(self, text: str) -> datetime:
        """`text` as a time in UTC. Raises ValueError, which says why."""
        read = _read_iso if self.format is None else _NAMED.get(self.format) or _read_as(self.format)
        try:
            told = read(text)
            return (self._local(told) if told.tzinfo is None else told).astimezone(UTC)
        except (ValueError, OverflowError, TypeError, IndexError) as error:
            example = "2024-03-01T12:00:00Z" if self.format is None else self.format
            raise ValueError(f"{shown(text)} is not a time like {example} ({error})") from error

    def _local(self, told: datetime) -> datetime:
        """A time of the zone. Of two that are told so, when clocks are put back, it is the first."""
        local = told.replace(tzinfo=self.zone)
        if local.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != told:
            raise ValueError(f"clocks in {self.zone} are put forward over it")
        return local

    def day(self, text: str) -> date:
        """`text` as a date: the day in `zone` if a time is told that is of another. Raises ValueError."""
        if self.format is None:
            return _iso_day(text)
        if self.format in _NAMED:
            return self.moment(text).astimezone(self.zone).date()
        try:
            return datetime.strptime(text, self.format).date()  # noqa: DTZ007 - only the day counts
        except ValueError as error:
            raise ValueError(f"{shown(text)} is not a date like {self.format} ({error})") from error


def check_format(text: str, *, needs_time: bool) -> None:
    """Raise ValueError unless `text` is the name of a format, or one of strptime that tells a whole date."""
    if text in _NAMED:
        return
    if "Z" in re.findall("%(.)", text):
        raise ValueError(f"{text!r}: names of zones are read by nobody; use %z for offsets, or the key timezone")
    try:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # a day without a year
            told = datetime.strptime(_SAMPLE.strftime(text), text)  # noqa: DTZ007 - compared without its zone
    except (ValueError, re.error) as error:  # the latter for a part that comes twice
        raise ValueError(f"{text!r} is neither a format of strptime nor one of {', '.join(_NAMED)} ({error})") from None
    if told.date() != _SAMPLE.date():
        raise ValueError(f"{text!r} does not tell year, month and day")
    if needs_time and told.hour != _SAMPLE.hour:
        raise ValueError(f'{text!r} tells no time of day; use type = "date"')


@lru_cache(maxsize=100)
def zone_of(name: str) -> tzinfo:
    """The time zone called `name`, such as Europe/Berlin. Raises ValueError if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write for example Europe/Berlin or UTC") from None


def _iso_day(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a date like 2024-03-01")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{shown(text)} is not a date ({error})") from error


def _read_iso(text: str) -> datetime:
    if not _DATETIME.fullmatch(text):
        raise ValueError("ISO 8601 is expected")
    return datetime.fromisoformat(text)


def _read_as(wanted: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, wanted)  # noqa: DTZ007 - the caller knows the zone


def _read_mail(text: str) -> datetime:
    """As RFC 5322 has it. The library takes a name of a zone that it does not know for none."""
    told = parsedate_to_datetime(text)
    zone = _ZONE_NAME.search(text)
    if told.tzinfo is None and zone is not None:
        raise ValueError(f"the offset of {zone[1]} is not known; a regex without it, and a timezone, would read it")
    return told


def _read_unix(text: str, unit: timedelta) -> datetime:
    if not _SECONDS.fullmatch(text):
        raise ValueError("a number is expected")
    return _EPOCH + unit * float(text)


_NAMED: Final[Mapping[str, Callable[[str], datetime]]] = {
    "mail": _read_mail,
    "unix": lambda text: _read_unix(text, timedelta(seconds=1)),
    "unix_ms": lambda text: _read_unix(text, timedelta(milliseconds=1)),
}
"""`mail` is that of RSS, HTTP and e-mail: Sat, 21 Nov 2026 13:45:37 +0000."""
NAMED_FORMATS: Final = tuple(_NAMED)
