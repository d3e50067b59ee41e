"""`startAt`: when something is to be started, as a caller says it."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from scraper import clock
from triggers.web.problem import Problem
from triggers.web.request_reading import json_type

# A time that has just passed, on the way or by another clock, means now.
PAST_TOLERANCE: Final = timedelta(minutes=1)
FARTHEST: Final = timedelta(days=366)


def start_at_of_query(req: func.HttpRequest) -> datetime | None:
    """As `start_at`, of the query; in any case, and empty, it is still a wish for later, which must not mean now."""
    # `params` lacks names without a value.
    query = parse_qsl(urlsplit(req.url).query, keep_blank_values=True)
    wishes = [value for name, value in query if name.lower() == "startat"]
    return start_at(",".join(wishes) if wishes else None)


def start_at(value: Any) -> datetime | None:
    """The time in UTC that a body names in `startAt`; None, like nothing at all, means now.

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
        # RFC 3339 has small letters, too; a NUL at the end is no error to the standard library.
        moment = datetime.fromisoformat(text.upper().replace("\0", "?"))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        shown = f"must be a time like 2026-11-22T06:00:00Z or 2026-11-22T08:00:00+02:00, not '{text[:100]}'"
        plus = "; in a URL + is written %2B" if " " in text else ""
        raise _refused(f"{shown}{plus}") from None
    cure = "add a time, and Z for UTC" if len(text) <= len("2026-11-22") else "add Z for UTC"
    raise _refused(f"has no offset: '{text[:100]}'; {cure}, or one like +02:00")


def _refused(why: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, f"'startAt' {why}.")
