"""What a sitemap or feed says of one page, as it stands there."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_YEAR_OR_MONTH = re.compile(r"(\d{4})(?:-(\d{2}))?")


class Location(NamedTuple):
    """A reference to a page, perhaps a relative one, and when the page changed last, if that is told."""

    reference: str
    last_modified: datetime | None = None


def w3c_datetime(text: str) -> datetime | None:
    """A date of a sitemap or an Atom feed as aware UTC; None if it is none. What it leaves open is the earliest.

    Source: W3C NOTE-datetime, as sitemaps.org 0.9 asks for; RFC 3339 is a part of it.
    """
    text = text.strip()
    short = _YEAR_OR_MONTH.fullmatch(text)
    if short is not None:
        text = f"{short[1]}-{short[2] or '01'}-01"
    try:
        return _in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def mail_datetime(text: str) -> datetime | None:
    """A date of an RSS feed, which writes them as e-mails do; None if it is none. Source: RFC 822, 5."""
    try:
        return _in_utc(parsedate_to_datetime(text.strip()))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
