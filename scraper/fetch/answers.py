"""What a server answered: a page, a redirect, or a reason why there is none."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from scraper import clock
from scraper.errors import CompressionError, FetchError, PageGone, RateLimited, shown
from scraper.fetch.limits import FetchLimits
from scraper.fetch.unpack import unpacker
from scraper.fetch.validators import usable_etag, usable_last_modified
from scraper.models import Reason
from scraper.page_version import Validators

_CHUNK_BYTES = 65_536
_CUT_CHUNK_BYTES = 1024
"""So little unpacks to about a megabyte at most, which is what gets lost where an unpacked body is cut off."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_EVER_S = 1e9
"""What a Retry-After of more digits than a clock has is taken for."""


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """An answer with a 2xx status, or with 304 where that was asked for: then `body` is empty.

    `body` is unpacked; `content_type` is lower-case without parameters, "" if not told; `charset` is the header's, None
    if not told; `fetched_at` is aware UTC; `etag` and `last_modified` are None if there is none to send back.
    """

    url: str
    final_url: str
    status: int
    body: bytes
    content_type: str
    charset: str | None
    fetched_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    redirects: tuple[str, ...] = ()
    """The URLs that redirected, in order; empty if `url` answered itself."""

    @property
    def not_modified(self) -> bool:
        """True if the server says that the page is still the version that it was asked for."""
        return self.status == HTTPStatus.NOT_MODIFIED

    @property
    def validators(self) -> Validators | None:
        """What to ask with for this version the next time; None if the server told nothing."""
        if self.etag is None and self.last_modified is None:
            return None
        return Validators(self.etag, self.last_modified, self.final_url)


async def read_answer(
    url: str, response: aiohttp.ClientResponse, limits: FetchLimits, *, is_conditional: bool
) -> FetchedPage | str:
    """The page, or the URL that the server redirects to. `url` is the one that was asked for first.

    304 is a page if the request `is_conditional`. Raises FetchError, RateLimited, PageGone or CompressionError.
    """
    if response.status in _REDIRECTS:
        return _redirect_target(url, response)
    is_unchanged = is_conditional and response.status == HTTPStatus.NOT_MODIFIED
    if not is_unchanged:
        _raise_for_status(url, response.status, response.headers)
    return FetchedPage(
        url=url,
        final_url=str(response.url),
        status=response.status,
        body=b"" if is_unchanged else await _read_body(url, response, limits),
        content_type=_content_type(response),
        charset=_charset(response),
        fetched_at=clock.utc_now(),
        etag=usable_etag(response.headers),
        last_modified=usable_last_modified(response.headers),
    )


def _redirect_target(url: str, response: aiohttp.ClientResponse) -> str:
    location = response.headers.get("Location")
    if not location:
        raise FetchError(url, Reason.HTTP_3XX, f"status {response.status} without a Location", status=response.status)
    try:
        # Some servers send spaces or non-ASCII text; the URL class quotes them as browsers do.
        return str(URL(urljoin(str(response.url), location.strip())).with_fragment(None))
    except ValueError as error:
        raise FetchError(url, Reason.BAD_URL, f"redirected to {shown(location)}: {error}") from error


def _raise_for_status(url: str, status: int, headers: Mapping[str, str]) -> None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise PageGone(url, status)
    retry_after_s = parse_retry_after(headers.get("Retry-After"), now=clock.utc_now())
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited(url, retry_after_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        if retry_after_s is not None:
            raise RateLimited(url, retry_after_s, reason=Reason.HTTP_5XX, status=status)
        raise FetchError(url, Reason.HTTP_5XX, f"the server answered {status}", status=status)
    if status == HTTPStatus.NOT_MODIFIED:
        detail = "the server answered 304 (not modified), and was not asked whether the page is"
        raise FetchError(url, Reason.HTTP_3XX, detail, status=status)
    reason = Reason.HTTP_4XX if status >= HTTPStatus.BAD_REQUEST else Reason.HTTP_3XX
    raise FetchError(url, reason, f"the server answered {status}", status=status)


async def _read_body(url: str, response: aiohttp.ClientResponse, limits: FetchLimits) -> bytes:
    """The body, unpacked. Both what arrives and what it unpacks to are limited."""
    max_bytes = limits.max_body_bytes
    try:
        packed = unpacker(", ".join(response.headers.getall("Content-Encoding", [])), max_bytes=max_bytes)
    except ValueError as unknown:
        detail = f"content encoding {shown(str(unknown))}, which was not asked for"
        raise FetchError(url, Reason.UNSUPPORTED_CONTENT, detail, status=response.status) from None
    told_bytes = response.content_length or 0
    if told_bytes > max_bytes and not limits.cuts_body:
        raise _too_large(url, response, max_bytes)
    received, pieces = 0, []
    async for chunk in response.content.iter_chunked(_CUT_CHUNK_BYTES if limits.cuts_body else _CHUNK_BYTES):
        received += len(chunk)
        if received > max_bytes and not limits.cuts_body:
            raise _too_large(url, response, max_bytes)
        try:
            pieces.append(chunk if packed is None else packed.feed(chunk))
        except CompressionError as error:
            if limits.cuts_body and error.reason is Reason.BODY_TOO_LARGE and any(pieces):
                return b"".join(pieces)
            raise
        if received > max_bytes:
            return b"".join(pieces)
    if packed is not None:
        packed.finish()
    return b"".join(pieces)


def _too_large(url: str, response: aiohttp.ClientResponse, max_bytes: int) -> FetchError:
    detail = f"the body has more than {max_bytes} bytes"
    return FetchError(url, Reason.BODY_TOO_LARGE, detail, status=response.status)


def _content_type(response: aiohttp.ClientResponse) -> str:
    # Some servers say it twice.
    return response.headers.get("Content-Type", "").partition(";")[0].partition(",")[0].strip().lower()


def _charset(response: aiohttp.ClientResponse) -> str | None:
    with suppress(ValueError):  # a Content-Type that cannot be parsed tells no charset
        return response.charset
    return None


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its forms; None without a usable one.

    Source: RFC 9110, 10.2.3.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _FOR_EVER_S)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (moment - now).total_seconds())
