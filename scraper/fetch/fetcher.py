"""URL in, body out: the only module that talks to a site. One call is one attempt."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from scraper.canonical import host_of
from scraper.errors import CompressionError, FetchError, one_line, shown
from scraper.fetch.addresses import PrivateAddress, PublicResolver, check_literal
from scraper.fetch.answers import FetchedPage, read_answer
from scraper.fetch.limits import FetchLimits
from scraper.fetch.unpack import ACCEPTED
from scraper.models import Reason
from scraper.page_version import Validators
from scraper.web_urls import origin_of, url_problem

_MAX_HEADER_BYTES = 32_768
_MAX_HEADERS = 300
"""Of an answer; sites send more and longer ones (policies, cookies) than the library expects."""

BeforeHop = Callable[[str], Awaitable[None]]
"""Called with the target of each redirect before it is asked for; what it raises ends the attempt."""


async def _at_once(_target: str) -> None:
    """Follow a redirect without delay."""


class Fetcher:
    """Connections to sites, for one event loop. Use it as an async context manager, or call `close`.

    `user_agent` is used where a source sets none. No cookies are kept: pages do not depend on the order in which
    they are fetched.
    """

    def __init__(self, *, user_agent: str, max_connections: int = 100) -> None:
        self._user_agent = user_agent
        self._max_connections = max_connections
        # One pool for each set of private hosts: a connection that one source may use is out of reach for another.
        self._sessions: dict[frozenset[str], aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection. The next fetch would open a new pool."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def fetch(
        self,
        url: str,
        limits: FetchLimits,
        *,
        validators: Validators | None = None,
        before_hop: BeforeHop = _at_once,
    ) -> FetchedPage:
        """The page at `url`, redirects followed, within `limits`. With `validators`, only if that version has changed.

        The time that `before_hop` takes does not count.

        Raises FetchError, RateLimited or PageGone, whose `reason` says why; any status but 2xx is one of them, and 304
        where nothing was asked conditionally.
        """
        try:
            async with asyncio.timeout(limits.timeout_s) as deadline:

                async def hop(target: str) -> None:
                    async with _paused(deadline):
                        await before_hop(target)

                return await self._follow(url, limits, validators, hop)
        except TimeoutError as error:
            raise FetchError(url, Reason.TIMEOUT, f"no complete answer within {limits.timeout_s:g} s") from error
        except CompressionError as error:
            raise FetchError(url, error.reason, error.detail) from error
        except (aiohttp.InvalidURL, UnicodeError) as error:
            raise FetchError(url, Reason.BAD_URL, _told(error)) from error
        except aiohttp.ClientSSLError as error:
            raise FetchError(url, Reason.TLS, _told(error)) from error
        except PrivateAddress as error:
            raise FetchError(url, Reason.PRIVATE_ADDRESS, str(error)) from error
        except aiohttp.ClientConnectorDNSError as error:
            if isinstance(error.os_error, PrivateAddress):
                raise FetchError(url, Reason.PRIVATE_ADDRESS, str(error.os_error)) from error
            raise FetchError(url, Reason.CONNECTION, _told(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise FetchError(url, Reason.CONNECTION, _told(error)) from error

    async def _follow(
        self, url: str, limits: FetchLimits, validators: Validators | None, before_hop: BeforeHop
    ) -> FetchedPage:
        redirects: list[str] = []
        target = url
        while True:
            answer = await self._request(url, target, limits, validators)
            if isinstance(answer, FetchedPage):
                return replace(answer, redirects=tuple(redirects)) if redirects else answer
            redirects.append(target)
            if answer in redirects:
                raise FetchError(url, Reason.TOO_MANY_REDIRECTS, f"redirected in a circle, back to {answer}")
            if len(redirects) > limits.max_redirects:
                detail = f"more than {limits.max_redirects} redirects, the last to {answer}"
                raise FetchError(url, Reason.TOO_MANY_REDIRECTS, detail)
            _checked(url, answer)  # before anybody is asked for the robots.txt of an address that is none
            _stay_on(limits.hosts, url, answer)
            target = answer
            await before_hop(target)

    async def _request(
        self, url: str, target: str, limits: FetchLimits, validators: Validators | None
    ) -> FetchedPage | str:
        """One request: the page, or the URL that it redirects to. `url` is the one that was asked for first."""
        checked = _checked(url, target)
        check_literal(checked.host or "", limits.private_hosts)
        conditions = {} if validators is None else validators.headers_for(str(checked.with_fragment(None)))
        headers = CIMultiDict({"Accept": limits.accept})
        if limits.headers and origin_of(target) in limits.origins:
            headers.update(limits.headers)
        headers.update({"User-Agent": limits.user_agent or self._user_agent, "Accept-Encoding": ACCEPTED})
        headers.update(conditions)
        request = self._session(limits.private_hosts).get(checked, headers=headers, allow_redirects=False)
        async with request as response:
            return await read_answer(url, response, limits, is_conditional=bool(conditions))

    def _session(self, private_hosts: frozenset[str]) -> aiohttp.ClientSession:
        if private_hosts not in self._sessions:
            self._sessions[private_hosts] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections, resolver=PublicResolver(private_hosts)),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Bodies are unpacked here, where each piece is counted against the limit.
                auto_decompress=False,
                max_line_size=_MAX_HEADER_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
                max_headers=_MAX_HEADERS,
                # The limit of an attempt is asyncio.timeout's, so that redirects count too.
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._sessions[private_hosts]


@asynccontextmanager
async def _paused(deadline: asyncio.Timeout) -> AsyncIterator[None]:
    """Stop the clock of `deadline` for the block."""
    loop = asyncio.get_running_loop()
    left_s = (deadline.when() or 0.0) - loop.time()
    deadline.reschedule(None)
    try:
        yield
    finally:
        deadline.reschedule(loop.time() + left_s)


def _checked(url: str, target: str) -> URL:
    problem = url_problem(target)
    if problem is None:
        try:
            return URL(target)
        except ValueError as error:
            problem = f"not a URL ({error})"
    raise FetchError(url, Reason.BAD_URL, f"{shown(target)}: {problem}")


def _stay_on(hosts: frozenset[str] | None, url: str, target: str) -> None:
    if hosts is not None and host_of(target) not in hosts:
        raise FetchError(url, Reason.OTHER_HOST, f"redirected to {target}, which is on another host than follow.start")


def _told(error: BaseException) -> str:
    # How aiohttp was told to check certificates is in every text of a host that cannot be reached.
    text = one_line(str(error)).replace(" ssl:default", "")[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
