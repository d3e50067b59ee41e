"""`startAt`: when something is to be started, as a caller says it."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from scraper import clock
from triggers.problem import Problem
from triggers.request_reading import json_type

# A time that has just passed, on the way or by another clock, means now.
PAST_TOLERANCE: Final = timedelta(minutes=1)
FARTHEST: Final = timedelta(days=366)


def start_at(value: Any) -> datetime | None:
    """The time in UTC that a body or a query names in `startAt`; None, like nothing at all, means now.

    Raises Problem 400 for what is no time, has no offset, or is too far away.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise _refused(f"must be a text, not {json_type(value)}")
    now = clock.utc_now()
    moment = _read(value)
    if moment < now - PAST_TOLERANCE:
        raise _refused(f"is in the past: '{value}'; it is {now.isoformat(timespec='seconds')}")
    if moment > now + FARTHEST:
        raise _refused(f"is more than a year away: '{value}'")
    return max(moment, now)


def _read(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        shown = f"must be a time like 2026-11-22T06:00:00Z or 2026-11-22T08:00:00+02:00, not '{text[:100]}'"
        plus = "; in a URL + is written %2B" if " " in text else ""
        raise _refused(f"{shown}{plus}") from None
    raise _refused(f"has no offset: '{text[:100]}'; add Z for UTC, or one like +02:00")


def _refused(why: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, f"'startAt' {why}.")
