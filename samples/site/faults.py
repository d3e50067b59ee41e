"""The ways in which a page of the shop can misbehave."""

from enum import StrEnum
from types import MappingProxyType


class Fault(StrEnum):
    """One way to misbehave; the value is what `?fault=` takes. Permanent and transient ones alternate,
    so that a small site has some of both.
    """

    HTTP_404 = "http_404"
    RETRY_AFTER_SECONDS = "retry_after_seconds"  # 429 on the first hit, Retry-After: 1
    HTTP_500 = "http_500"
    UNAVAILABLE_TWICE = "unavailable_twice"  # 503 on the first two hits
    NO_TITLE = "no_title"  # the element with the title is missing
    MESSY_MARKUP = "messy_markup"  # unclosed tags, stray entities; same values once parsed
    HUGE_BODY = "huge_body"  # streamed, larger than any sensible limit
    RESET_ONCE = "reset_once"  # the connection is reset on the first hit
    BAD_PRICE = "bad_price"  # the price is no number
    RETRY_AFTER_DATE = "retry_after_date"  # 429 on the first hit, Retry-After: an HTTP date
    REDIRECT_LOOP = "redirect_loop"
    SLOW = "slow"  # answers after a short while
    HTTP_410 = "http_410"
    HANG = "hang"  # answers later than any sensible time-out


REASONS = MappingProxyType(
    {
        Fault.HTTP_404: "http_404",
        Fault.HTTP_410: "http_410",
        Fault.HTTP_500: "http_5xx",
        Fault.NO_TITLE: "missing_field",
        Fault.BAD_PRICE: "bad_value",
        Fault.HUGE_BODY: "body_too_large",
        Fault.REDIRECT_LOOP: "too_many_redirects",
        Fault.HANG: "timeout",
    }
)
"""The permanent faults, each with the reason code that a scraper must give for the page.
A page with any other fault loads in the end."""

MARKUP_FAULTS = frozenset({Fault.NO_TITLE, Fault.BAD_PRICE, Fault.MESSY_MARKUP})
"""Faults of the page's text, not of how it is served: they exist on HTML pages only."""


def is_permanent(fault: Fault) -> bool:
    """True if no number of attempts loads the page."""
    return fault in REASONS
