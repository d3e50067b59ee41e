"""The words that pages, rows and failures are described in; light enough for orchestrators to import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntFlag, StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from scraper.page_version import UNKNOWN_VERSION, PageVersion

Scalar = str | int | float | bool | Decimal | date | datetime
"""One value of a row. Integers fit 64 bits, floats are finite, a datetime is aware and in UTC."""

Value = Scalar | list[Scalar]
"""What a field of a row holds; a list's values are all of one type."""


class Reason(StrEnum):
    """Why a page or sitemap gave no rows. The codes are stored and shown: never rename one."""

    HTTP_404 = "http_404"  # the server says that there is no such page
    HTTP_410 = "http_410"  # the server says that the page is gone for good
    HTTP_429 = "http_429"  # the server asked us to slow down, on every attempt
    HTTP_3XX = "http_3xx"  # a redirect that leads nowhere: no Location, or an unusual status
    HTTP_4XX = "http_4xx"  # the server refuses the request: 401, 403, 451 …
    HTTP_5XX = "http_5xx"  # the server is broken or overloaded
    TIMEOUT = "timeout"  # no complete answer within the source's timeout_s
    CONNECTION = "connection"  # no connection, or one that broke, or an answer that is not HTTP
    TLS = "tls"  # the server's certificate cannot be trusted
    BAD_URL = "bad_url"  # not an absolute http or https URL
    PRIVATE_ADDRESS = "private_address"  # the host is not on the public internet, and the source does not allow it
    ROBOTS_DISALLOWED = "robots_disallowed"  # the site's robots.txt does not want the page to be asked for
    ROBOTS_UNREACHABLE = "robots_unreachable"  # robots.txt cannot be had, so nobody knows what may be asked for
    BODY_TOO_LARGE = "body_too_large"  # more than max_body_bytes, before or after decompression
    BAD_COMPRESSION = "bad_compression"  # a compressed body that is damaged or cut off
    TOO_MANY_REDIRECTS = "too_many_redirects"  # more than max_redirects, or a loop
    UNSUPPORTED_CONTENT = "unsupported_content"  # not a page: an image, a PDF, an unknown encoding
    NOT_DECODABLE = "not_decodable"  # the bytes are no text in any charset that the page names
    MALFORMED = "malformed"  # not the XML, JSON or CSV that it should be
    TOO_COMPLEX = "too_complex"  # nested so deeply, or of so many rows, that reading it would take minutes
    NO_CONTENT = "no_content"  # an answer without a whole page in it: an empty body, 202, 204, 205 or 206
    BLOCKED = "blocked"  # not the page: the site shows a text of blocked_if instead
    NO_ROWS = "no_rows"  # the source's row selector matches nothing
    LAYOUT_CHANGED = "layout_changed"  # the page has no rows any more, and had some in the published snapshot
    MISSING_FIELD = "missing_field"  # a required field has no value
    BAD_VALUE = "bad_value"  # a value that is not of the field's type
    ROW_TOO_LARGE = "row_too_large"  # more text in one row than storage takes
    BAD_SITEMAP = "bad_sitemap"  # a sitemap that is not XML, or not a sitemap
    BAD_FEED = "bad_feed"  # a feed that is not XML, or neither RSS nor Atom
    OTHER_HOST = "other_host"  # a redirect that leaves the hosts on which links are followed
    NO_LINK = "no_link"  # an entry of a feed that names no page
    NO_PAGES = "no_pages"  # the source was read without error and names no page
    INTERNAL = "internal"  # a defect of ours; the log has the traceback


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Share(_Frozen):
    """The part of a source's limits that one batch may use."""

    concurrency: int = Field(ge=1)
    """Requests in flight at the same time."""
    requests_per_second: float | None = Field(default=None, gt=0)
    """Requests started per second; None is no limit."""


class PageFailure(_Frozen):
    """One page that gave no rows, with everything that a person needs to see why."""

    url: str
    reason: Reason
    detail: str
    """One line for people; the text of a foreign server in it is data, not markup."""
    status: int | None = None
    """The HTTP status, where there was one."""
    attempts: int = 1
    """Requests made for the page, the last one included; 0 if none was made."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a page; `position` counts from 0 in page order."""

    values: dict[str, Value | None]
    position: int


class Purpose(IntFlag):
    """What a page is fetched for. The numbers are stored."""

    ROWS = 1
    LINKS = 2
    ROWS_HERE = 4  # its rows, whatever address it names as its own


@dataclass(frozen=True, slots=True)
class Link:
    """A page that another one leads to, and what it is wanted for."""

    url: str
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Where a page leads that was fetched for `purpose`.

    `links` come in page order, each once; `unusable` ones as they stand there, each with the problem. `address` is the
    page's own one, if that is another than the one that was asked for: the page gives its rows there, and not here.
    """

    purpose: Purpose
    links: tuple[Link, ...] = ()
    unusable: tuple[tuple[str, str], ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class PageLoaded:
    """A page that was fetched and extracted. `index` is its place in the list that was asked for.

    `links` are of sources that follow them.
    """

    index: int
    url: str
    final_url: str
    fetched_at: datetime
    rows: list[Row]
    version: PageVersion = UNKNOWN_VERSION
    links: PageLinks | None = None


@dataclass(frozen=True, slots=True)
class PageUnchanged:
    """A page that is still as it was when it was loaded before. `index` as in PageLoaded.

    `rows` are the rows of then, as storage keeps them. `checked_at` is when the site was asked; None if it was not.
    """

    index: int
    url: str
    version: PageVersion
    checked_at: datetime | None
    rows: Sequence[Mapping[str, Any]]
    links: PageLinks | None = None


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A page without rows. `index` is its place in the list that was asked for.

    `links` are of sources that follow them, if the page came and only its rows could not be had.
    """

    index: int
    failure: PageFailure
    links: PageLinks | None = None


def scalar_as_json(value: Scalar | None) -> str | int | float | bool | None:
    """`value` as JSON can hold it: dates in ISO 8601, decimals as text, without exponent, so that no digit is lost."""
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value


def value_as_json(value: Value | None) -> str | int | float | bool | list[str | int | float | bool | None] | None:
    """The same for what a field holds: a list stays a list."""
    return [scalar_as_json(one) for one in value] if isinstance(value, list) else scalar_as_json(value)
