"""The ways in which a page of the shop can misbehave."""

from enum import StrEnum
from types import MappingProxyType


class Fault(StrEnum):
    """One way to misbehave; the value is what `?fault=` takes. Permanent and transient ones alternate at first,
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

    CUT_BODY_ONCE = "cut_body_once"  # the connection is reset in the middle of the first hit's body
    CUT_BODY = "cut_body"  # the same on every hit
    STALL = "stall"  # half of the body, then silence
    LENGTH_IN_CHARACTERS = "length_in_characters"  # Content-Length counts characters; the last bytes come all the same
    LENGTH_TOO_SHORT = "length_too_short"  # ends before the title; the rest comes all the same
    LENGTH_TOO_LONG = "length_too_long"  # more is promised than comes
    GZIP_BOMB = "gzip_bomb"  # small on the wire, 100 MB unpacked
    BROTLI_BOMB = "brotli_bomb"
    CUT_GZIP = "cut_gzip"  # half of a gzip stream
    CHARSET_SAYS_LATIN = "charset_says_latin"  # the header says iso-8859-1, the bytes are UTF-8
    CHARSET_SAYS_UTF8 = "charset_says_utf8"  # the header says utf-8, the bytes are what the meta tag says
    CHARSET_NONSENSE = "charset_nonsense"  # the header says utf-8, the bytes are EBCDIC
    WRONG_TYPE = "wrong_type"  # a page that is called a picture
    REDIRECT_MOVED = "redirect_moved"  # to another path
    REDIRECT_OTHER_PORT = "redirect_other_port"  # to the mirror, on the same host
    REDIRECT_PRIVATE = "redirect_private"  # to the mirror under the name localhost
    REDIRECT_DISALLOWED = "redirect_disallowed"  # to a path that robots.txt disallows
    REDIRECT_ENDLESS = "redirect_endless"  # always on, never back
    DISALLOWED = "disallowed"  # robots.txt disallows the page, until it changes
    DISALLOWED_LATER = "disallowed_later"  # robots.txt disallows the page once it has changed
    LOGIN_WALL = "login_wall"  # a login form instead of the page, unless a cookie comes along
    COOKIE_WALL = "cookie_wall"  # sets a cookie and redirects to itself until that comes along


COMMON_FAULTS = tuple(Fault)[:14]
"""What happens on any site on any day: the faults of a shop that is not told which ones to have."""

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
        Fault.CUT_BODY: "connection",
        Fault.STALL: "timeout",
        Fault.LENGTH_IN_CHARACTERS: "connection",
        Fault.LENGTH_TOO_SHORT: "connection",
        Fault.LENGTH_TOO_LONG: "connection",
        Fault.GZIP_BOMB: "body_too_large",
        Fault.BROTLI_BOMB: "body_too_large",
        Fault.CUT_GZIP: "bad_compression",
        Fault.CHARSET_NONSENSE: "not_decodable",
        Fault.WRONG_TYPE: "unsupported_content",
        Fault.REDIRECT_PRIVATE: "private_address",
        Fault.REDIRECT_DISALLOWED: "robots_disallowed",
        Fault.REDIRECT_ENDLESS: "too_many_redirects",
        Fault.DISALLOWED: "robots_disallowed",
        Fault.LOGIN_WALL: "missing_field",
        Fault.COOKIE_WALL: "too_many_redirects",
    }
)
"""The permanent faults, each with the reason code that a scraper must give for the page.
A page with any other fault loads in the end."""

MARKUP_FAULTS = frozenset({Fault.NO_TITLE, Fault.BAD_PRICE, Fault.MESSY_MARKUP})
"""Faults of the page's text, not of how it is served: they exist on HTML pages only."""

ROBOTS_FAULTS = frozenset({Fault.DISALLOWED, Fault.DISALLOWED_LATER})
"""Pages on which nothing is wrong: it is robots.txt that does not want them to be asked for."""


def is_permanent(fault: Fault) -> bool:
    """True if no number of attempts loads the page."""
    return fault in REASONS


def fault_kinds(text: str) -> tuple[Fault, ...]:
    """The faults that `common`, `all` or a list of names with commas stands for; ValueError names an unknown one."""
    if text in {"common", "all"}:
        return COMMON_FAULTS if text == "common" else tuple(Fault)
    kinds = []
    for name in text.split(","):
        try:
            kinds.append(Fault(name.strip()))
        except ValueError:
            known = ", ".join(Fault)
            raise ValueError(f"unknown fault {name.strip()!r}; known are {known}") from None
    return tuple(kinds)
