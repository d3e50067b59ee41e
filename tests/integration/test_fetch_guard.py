"""Whom the fetcher asks, and what it tells them: private networks, redirects, headers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from samples.serving import serving
from scraper.errors import FetchError
from scraper.fetch import addresses
from scraper.fetch.fetcher import Fetcher
from scraper.fetch.limits import FetchLimits
from scraper.manners.polite_fetch import polite_fetch
from scraper.manners.politeness import Pace
from scraper.models import Reason, Share
from scraper.web_urls import origin_of

LOCAL = FetchLimits(timeout_s=5.0, private_hosts=frozenset({"127.0.0.1"}))
PUBLIC = replace(LOCAL, private_hosts=frozenset())
SECRET = {"Authorization": "Bearer s3cret"}


@dataclass
class Site:
    """Redirects from /go?to=…, serves everything else; `seen` has each request's path and Authorization."""

    url: str = ""
    seen: list[tuple[str, str | None]] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append((request.path, request.headers.get("Authorization")))
        if request.path == "/go":
            return web.Response(status=302, headers={"Location": request.query["to"]})
        if request.path.startswith("/circle/"):
            return web.Response(status=302, headers={"Location": "a" if request.path == "/circle/b" else "b"})
        return web.Response(text="<h1>Hello</h1>", content_type="text/html")


class ManyNames(AbstractResolver):
    """Every name has the next one of `answers`, each a list of addresses; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        version = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in found]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address, family in zip(found, version, strict=True)
        ]

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    async with serving(site.answer) as site.url:
        yield site


@pytest.fixture
async def other() -> AsyncIterator[Site]:
    site = Site()
    async with serving(site.answer) as site.url:
        yield site


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with Fetcher(user_agent="test-agent/1") as opened:
        yield opened


def names_are(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> ManyNames:
    """The fetcher's own resolver of names is this one."""
    names = ManyNames(*answers)
    monkeypatch.setattr(addresses, "ThreadedResolver", lambda: names)
    return names


def named(url: str, name: str = "books.example") -> str:
    """`url` of a site on this machine, under a name."""
    return url.replace("127.0.0.1", name)


async def failure_of(fetcher: Fetcher, url: str, limits: FetchLimits = PUBLIC) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(url, limits)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:1/",
        "http://[::ffff:127.0.0.1]:1/",
        "http://[64:ff9b::7f00:1]:1/",
        "http://[fe80::1%25eth0]:1/",
        "http://0.0.0.0:1/",
        "http://224.0.0.1/",
        "http://100.64.0.1/",
        "http://192.0.0.8/",
        "http://192.88.99.1/",
        "http://[::127.0.0.1]:1/",
        "http://[::ffff:0:127.0.0.1]:1/",
        "http://[fec0::1]:1/",
        "http://[5f00::1]:1/",
    ],
)
async def test_an_address_that_is_not_public_is_never_asked(fetcher: Fetcher, url: str) -> None:
    error = await failure_of(fetcher, url)
    assert error.reason == Reason.PRIVATE_ADDRESS
    assert ", which is not a public address" not in error.detail
    assert "allow_private_hosts = [" in error.detail


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost", "LOCALHOST."])
async def test_other_ways_of_writing_this_machine_do_not_reach_it(fetcher: Fetcher, site: Site, host: str) -> None:
    error = await failure_of(fetcher, named(site.url, host))
    assert error.reason in {Reason.PRIVATE_ADDRESS, Reason.BAD_URL, Reason.CONNECTION}
    assert site.seen == []


async def test_a_name_of_a_private_address_is_refused(
    fetcher: Fetcher, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    names_are(monkeypatch, ["127.0.0.1"])
    error = await failure_of(fetcher, named(site.url))
    assert error.reason == Reason.PRIVATE_ADDRESS
    assert error.detail.startswith("books.example is 127.0.0.1, which is not a public address")
    assert site.seen == []


async def test_a_name_that_is_private_the_second_time_is_connected_to_the_first_address_or_not_at_all(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS that changes between check and connect: there is no second question."""
    names = names_are(monkeypatch, ["192.0.2.1"], ["127.0.0.1"])
    public = addresses.is_public
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "192.0.2.1" or public(address))
    async with Fetcher(user_agent="test-agent/1") as fetcher:
        error = await failure_of(fetcher, named(site.url), replace(PUBLIC, timeout_s=0.3))
    assert (error.reason in {Reason.TIMEOUT, Reason.CONNECTION}, names.asked) == (True, 1)
    assert site.seen == []


async def test_of_the_addresses_of_a_name_only_the_public_ones_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ManyNames(["127.0.0.1", "93.184.215.14", "::1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
    resolved = await addresses.PublicResolver(frozenset(), names).resolve("books.example", 80)
    assert [one["host"] for one in resolved] == ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]


async def test_a_redirect_into_the_private_network_is_refused(
    fetcher: Fetcher, site: Site, other: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    names_are(monkeypatch, ["127.0.0.1"])
    limits = replace(PUBLIC, private_hosts=frozenset({"books.example"}))
    error = await failure_of(fetcher, f"{named(site.url)}/go?to={other.url}/admin", limits)
    assert (error.reason, error.url) == (Reason.PRIVATE_ADDRESS, f"{named(site.url)}/go?to={other.url}/admin")
    assert ([path for path, _ in site.seen], other.seen) == (["/go"], [])


async def test_what_one_source_may_ask_is_out_of_reach_for_another(fetcher: Fetcher, site: Site) -> None:
    await fetcher.fetch(f"{site.url}/a", LOCAL)  # leaves an open connection
    assert (await failure_of(fetcher, f"{site.url}/b")).reason == Reason.PRIVATE_ADDRESS


async def test_headers_are_for_the_own_origins_and_not_for_where_a_redirect_leads(
    fetcher: Fetcher, site: Site, other: Site
) -> None:
    limits = replace(LOCAL, headers=SECRET, origins=frozenset({origin_of(site.url)}))
    page = await fetcher.fetch(f"{site.url}/go?to={site.url}/go?to={other.url}/end", limits)
    assert site.seen == [("/go", "Bearer s3cret"), ("/go", "Bearer s3cret")]
    assert other.seen == [("/end", None)]
    assert page.redirects == (f"{site.url}/go?to={site.url}/go?to={other.url}/end", f"{site.url}/go?to={other.url}/end")
    assert page.final_url == f"{other.url}/end"


async def test_a_secret_header_is_in_no_text_about_the_limits() -> None:
    assert "s3cret" not in repr(replace(LOCAL, headers=SECRET))


async def test_a_circle_of_redirects_is_left_after_one_round(fetcher: Fetcher, site: Site) -> None:
    error = await failure_of(fetcher, f"{site.url}/circle/a", replace(LOCAL, max_redirects=20))
    assert (error.reason, error.detail) == (
        Reason.TOO_MANY_REDIRECTS,
        f"redirected in a circle, back to {site.url}/circle/a",
    )
    assert [path for path, _ in site.seen] == ["/circle/a", "/circle/b"]


async def test_every_redirect_takes_a_turn_in_the_pace(fetcher: Fetcher, site: Site) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    pace = Pace(Share(concurrency=1, requests_per_second=0.5), clock=lambda: sum(waits), sleep=sleep)
    fetch = polite_fetch(fetcher, LOCAL, pace=pace, max_attempts=1)
    await fetch(f"{site.url}/go?to={site.url}/go?to={site.url}/end")
    assert len(site.seen) == 3
    assert len(waits) == 3
    assert min(waits) >= 2.0


async def test_the_wait_before_a_redirect_is_not_part_of_the_timeout(fetcher: Fetcher, site: Site) -> None:
    async def hop(_target: str) -> None:
        await asyncio.sleep(0.5)

    page = await fetcher.fetch(f"{site.url}/go?to=/end", replace(LOCAL, timeout_s=0.3), before_hop=hop)
    assert page.final_url == f"{site.url}/end"


async def test_what_the_hook_raises_ends_the_attempt_before_the_redirect_is_asked_for(
    fetcher: Fetcher, site: Site
) -> None:
    async def hop(target: str) -> None:
        raise FetchError(site.url, Reason.HTTP_4XX, f"not {target}")

    with pytest.raises(FetchError, match=f"not {site.url}/end"):
        await fetcher.fetch(f"{site.url}/go?to=/end", LOCAL, before_hop=hop)
    assert [path for path, _ in site.seen] == ["/go"]
