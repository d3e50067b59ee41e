"""URL in, body out: the only module that talks to a site. One call is one attempt."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from scraper import clock
from scraper.errors import CompressionError, FetchError, PageGone, RateLimited, shown
from scraper.fetch.inflate import Inflater
from scraper.fetch.validators import Validators, usable_etag, usable_last_modified
from scraper.manners.retries import parse_retry_after
from scraper.models import Reason
from scraper.sources import Source
from scraper.web_urls import url_problem

_CHUNK_BYTES = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one attempt may cost. `user_agent` None takes the fetcher's own."""

    max_body_bytes: int = 5_000_000
    timeout_s: float = 30.0
    max_redirects: int = 5
    user_agent: str | None = None


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


def limits_of(source: Source) -> FetchLimits:
    """The limits that a source sets for its pages."""
    return FetchLimits(
        max_body_bytes=source.max_body_bytes,
        timeout_s=source.timeout_s,
        max_redirects=source.max_redirects,
        user_agent=source.user_agent,
    )


class Fetcher:
    """One connection pool, for one event loop. Use it as an async context manager, or call `close`.

    `user_agent` is used where a source sets none. No cookies are kept: pages do not depend on the order in which
    they are fetched.
    """

    def __init__(self, *, user_agent: str, max_connections: int = 100) -> None:
        self._user_agent = user_agent
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection. The next fetch would open a new pool."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def fetch(self, url: str, limits: FetchLimits, *, validators: Validators | None = None) -> FetchedPage:
        """The page at `url`, redirects followed, within `limits`. With `validators`, only if that version has changed.

        Raises FetchError, RateLimited or PageGone, whose `reason` says why; any status but 2xx is one of them, and 304
        where nothing was asked conditionally.
        """
        try:
            async with asyncio.timeout(limits.timeout_s):
                return await self._follow(url, limits, validators)
        except TimeoutError as error:
            raise FetchError(url, Reason.TIMEOUT, f"no complete answer within {limits.timeout_s:g} s") from error
        except CompressionError as error:
            raise FetchError(url, error.reason, error.detail) from error
        except (aiohttp.InvalidURL, UnicodeError) as error:
            raise FetchError(url, Reason.BAD_URL, _one_line(error)) from error
        except aiohttp.ClientSSLError as error:
            raise FetchError(url, Reason.TLS, _one_line(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise FetchError(url, Reason.CONNECTION, _one_line(error)) from error

    async def _follow(self, url: str, limits: FetchLimits, validators: Validators | None) -> FetchedPage:
        target = url
        for _ in range(limits.max_redirects + 1):
            answer = await self._request(url, target, limits, validators)
            if isinstance(answer, FetchedPage):
                return answer
            target = answer
        raise FetchError(
            url, Reason.TOO_MANY_REDIRECTS, f"more than {limits.max_redirects} redirects, the last to {target}"
        )

    async def _request(
        self, url: str, target: str, limits: FetchLimits, validators: Validators | None
    ) -> FetchedPage | str:
        """One request: the page, or the URL that it redirects to. `url` is the one that was asked for first."""
        checked = _checked(url, target)
        conditions = {} if validators is None else validators.headers_for(str(checked.with_fragment(None)))
        headers = {
            "User-Agent": limits.user_agent or self._user_agent,
            "Accept": _ACCEPT,
            "Accept-Encoding": "gzip, deflate",
            **conditions,
        }
        request = self._open_session().get(checked, headers=headers, allow_redirects=False)
        async with request as response:
            if response.status in _REDIRECTS:
                return _redirect_target(url, response)
            is_unchanged = bool(conditions) and response.status == HTTPStatus.NOT_MODIFIED
            if not is_unchanged:
                _raise_for_status(url, response.status, response.headers)
            body = b"" if is_unchanged else await _read_body(url, response, limits.max_body_bytes)
            return FetchedPage(
                url=url,
                final_url=str(response.url),
                status=response.status,
                body=body,
                content_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
                charset=_charset(response),
                fetched_at=clock.utc_now(),
                etag=usable_etag(response.headers),
                last_modified=usable_last_modified(response.headers),
            )

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Bodies are unpacked here, where each piece is counted against the limit.
                auto_decompress=False,
                # The limit of an attempt is asyncio.timeout's, so that redirects count too.
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session


def _checked(url: str, target: str) -> URL:
    problem = url_problem(target)
    if problem is None:
        try:
            return URL(target)
        except ValueError as error:
            problem = f"not a URL ({error})"
    raise FetchError(url, Reason.BAD_URL, f"{shown(target)}: {problem}")


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


async def _read_body(url: str, response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The body, unpacked. Both what arrives and what it unpacks to are limited."""
    inflater = _inflater(url, response, max_bytes)
    too_large = FetchError(
        url, Reason.BODY_TOO_LARGE, f"the body has more than {max_bytes} bytes", status=response.status
    )
    if response.content_length is not None and response.content_length > max_bytes:
        raise too_large
    received, pieces = 0, []
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        received += len(chunk)
        if received > max_bytes:
            raise too_large
        pieces.append(chunk if inflater is None else inflater.feed(chunk))
    if inflater is not None:
        inflater.finish()
    return b"".join(pieces)


def _inflater(url: str, response: aiohttp.ClientResponse, max_bytes: int) -> Inflater | None:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        return None
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        detail = f"content encoding {shown(encoding)}, which was not asked for"
        raise FetchError(url, Reason.UNSUPPORTED_CONTENT, detail, status=response.status)
    return Inflater("deflate" if encoding == "deflate" else "gzip", max_bytes=max_bytes)


def _charset(response: aiohttp.ClientResponse) -> str | None:
    with suppress(ValueError):  # a Content-Type that cannot be parsed tells no charset
        return response.charset
    return None


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
