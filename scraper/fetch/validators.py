"""What a server says of the version of a page, as far as it can be relied on."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

MAX_VALIDATOR_CHARACTERS = 256
"""Longer ones are not kept: memory is packed, and a page of another version is noticed by its body, too."""
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')
_STRONG_AFTER = timedelta(seconds=1)


def usable_etag(headers: Mapping[str, str]) -> str | None:
    """The entity tag of an answer, weak or strong; None if there is none that can be sent back.

    Only a well-formed one is taken: a bare `*`, or a list, would match every version. Source: RFC 9110, 8.8.3.
    """
    text = headers.get("ETag", "").strip()
    return text if len(text) <= MAX_VALIDATOR_CHARACTERS and _ENTITY_TAG.fullmatch(text) else None


def usable_last_modified(headers: Mapping[str, str]) -> str | None:
    """The date of an answer's page, as text; None if there is none that can be relied on.

    A page that was changed in the second in which it was sent may change again in that same second, and the server
    would not tell the two apart. Source: RFC 9110, 8.8.2.2.
    """
    text = headers.get("Last-Modified", "").strip()
    if len(text) > MAX_VALIDATOR_CHARACTERS or not (text.isascii() and text.isprintable()):
        return None
    changed, sent = _moment(text), _moment(headers.get("Date", ""))
    if changed is None or sent is None:
        return None
    try:
        return text if sent - changed >= _STRONG_AFTER else None
    except TypeError:
        return None  # one of them has no time zone: it is no HTTP date


@lru_cache(maxsize=256)
def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
