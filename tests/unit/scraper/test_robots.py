"""What may be asked for, by what a site's robots.txt says or does not say."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from scraper.errors import FetchError
from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import BeforeHop
from scraper.manners.refusing_rule import MAX_NAMED_RULES, RefusingRules
from scraper.manners.robots import (
    MAX_CRAWL_DELAY_S,
    MAX_ROBOTS_BYTES,
    Robots,
    RobotsDisallowed,
    RobotsFile,
)
from scraper.manners.robots_text import text_for
from scraper.models import Reason

SITE = "https://books.example"
ORIGIN = "https://books.example:443"
AGENT = "daily-scrape/0.1 (+https://me.example)"
RULES = b"""\
User-agent: *
Disallow: /

User-agent: Daily-Scrape
Disallow: /private
Allow: /private/but-this
Disallow: /*.pdf$
Crawl-delay: 2.5
"""


class Shelf:
    """Keeps files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, RobotsFile] = {}

    async def find(self, origin: str) -> RobotsFile | None:
        await asyncio.sleep(0)
        return self.files.get(origin)

    async def keep(self, origin: str, file: RobotsFile) -> RobotsFile:
        await asyncio.sleep(0)
        return self.files.setdefault(origin, file)


class Site:
    """Answers for robots.txt with these bytes, or raises."""

    def __init__(self, answer: bytes | FetchError) -> None:
        self.answer, self.asked = answer, [""][:0]

    async def fetch(self, url: str, take_turn: BeforeHop) -> FetchedPage:
        self.asked.append(url)
        if isinstance(self.answer, FetchError):
            raise self.answer
        return FetchedPage(url, url, 200, self.answer, "text/plain", None, datetime(2024, 3, 1, tzinfo=UTC))


def robots(answer: bytes | FetchError, shelf: Shelf | None = None) -> Robots:
    return Robots(AGENT, fetch=Site(answer).fetch, shelf=shelf or Shelf())


def failed(reason: Reason, status: int | None = None) -> FetchError:
    return FetchError(f"{ORIGIN}/robots.txt", reason, "no", status=status)


async def is_allowed(rules: Robots, path: str) -> bool:
    try:
        await rules.check(SITE + path)
    except RobotsDisallowed:
        return False
    return True


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/private", False),
        ("/private/x", False),
        ("/private/but-this", True),
        ("/a.pdf", False),
        ("/a.pdf?x", True),
        ("/robots.txt", True),
    ],
)
async def test_the_rules_for_our_name_decide(path: str, allowed: bool) -> None:
    assert await is_allowed(robots(RULES), path) == allowed


@pytest.mark.parametrize("path", ["/a/../private/1", "/./private/1", "/a/%2e%2e/private/1", "/%70rivate/1"])
async def test_no_spelling_of_a_path_gets_around_a_rule(path: str) -> None:
    with pytest.raises(RobotsDisallowed, match="Disallow: /private"):
        await robots(RULES).check(SITE + path)


async def test_a_refusal_names_the_site_and_the_agent() -> None:
    with pytest.raises(RobotsDisallowed) as caught:
        await robots(RULES).check(f"{SITE}/private")
    assert (caught.value.reason, caught.value.url) == (Reason.ROBOTS_DISALLOWED, f"{SITE}/private")
    assert caught.value.as_failure().attempts == 0
    assert caught.value.detail == f"robots.txt of {ORIGIN} disallows it for {AGENT}: Disallow: /private"


@pytest.mark.parametrize(
    ("path", "rule"),
    [("/a.pdf", ": Disallow: /*.pdf$"), ("/private/a.pdf", ": Disallow: /private"), ("/z", ": Disallow : /z")],
)
async def test_a_refusal_names_the_longest_rule_of_all_groups_that_count_for_us(path: str, rule: str) -> None:
    other_group = b"\nUser-agent: x\n\nUser-agent: daily-scrape # and us\nDisallow : /z # not yet\n"
    other_group += b"User-agent: y\nDisallow: /z*\n"
    with pytest.raises(RobotsDisallowed) as caught:
        await robots(RULES + other_group).check(f"{SITE}{path}")
    assert caught.value.detail.endswith(f" for {AGENT}{rule}")


@given(st.lists(st.text(alphabet="ab*$", max_size=4), max_size=12), st.text(alphabet="ab", max_size=5))
def test_the_rule_that_is_named_refuses_the_page_alone_and_no_longer_one_does(paths: list[str], path: str) -> None:
    lines = [f"Disallow: /{one}" for one in paths]
    url = f"{SITE}/{path}"
    refusing = [line for line in lines if not Protego.parse(f"User-agent: *\n{line}").can_fetch(url, AGENT)]
    named = RefusingRules(AGENT, "\n".join(["User-agent: *", *lines, "Allow: /"])).rule_against(url)
    assert (named in refusing and len(named) == max(map(len, refusing))) if named else not refusing


async def test_a_refusal_by_endless_rules_names_none_of_them() -> None:
    rules = b"User-agent: *\n" + b"\n".join(b"Disallow: /%d" % number for number in range(MAX_NAMED_RULES + 1))
    with pytest.raises(RobotsDisallowed) as caught:
        await robots(rules).check(f"{SITE}/7")
    assert caught.value.detail.endswith(f" for {AGENT}")


async def test_a_rule_that_the_limit_of_size_cuts_in_two_does_not_count() -> None:
    start = b"User-agent: *\n# "
    filler = b"x" * (MAX_ROBOTS_BYTES - len(start) - len(b"\nDisallow: /"))
    assert await is_allowed(robots(start + filler + b"\nDisallow: /private\n"), "/x")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_a_site_without_robots_txt_allows_everything(status: int) -> None:
    assert await is_allowed(robots(failed(Reason.HTTP_4XX, status)), "/x")


async def test_robots_txt_behind_too_many_redirects_counts_as_absent() -> None:
    assert await is_allowed(robots(failed(Reason.TOO_MANY_REDIRECTS)), "/x")


@pytest.mark.parametrize(
    "error",
    [failed(Reason.HTTP_5XX, 503), failed(Reason.HTTP_429, 429), failed(Reason.TIMEOUT), failed(Reason.CONNECTION)],
)
async def test_while_robots_txt_cannot_be_had_nothing_is_asked_for(error: FetchError) -> None:
    with pytest.raises(RobotsDisallowed) as caught:
        await robots(error).check(f"{SITE}/x")
    assert caught.value.reason == Reason.ROBOTS_UNREACHABLE
    assert str(error.reason) in caught.value.detail


async def test_each_site_is_asked_once_for_all_pages_and_all_workers() -> None:
    site, shelf = Site(RULES), Shelf()
    one, other = (Robots(AGENT, fetch=site.fetch, shelf=shelf) for _ in range(2))
    await asyncio.gather(*(one.check(f"{SITE}/{page}") for page in range(20)))
    await other.check(f"{SITE}/x")
    await other.check("http://books.example/x")
    assert site.asked == [f"{ORIGIN}/robots.txt", "http://books.example:80/robots.txt"]


async def test_what_the_site_says_later_counts_for_the_next_run_only() -> None:
    shelf = Shelf()
    assert await is_allowed(robots(b"", shelf), "/x")
    assert await is_allowed(robots(b"User-agent: *\nDisallow: /", shelf), "/x")
    assert not await is_allowed(robots(b"User-agent: *\nDisallow: /"), "/x")


async def test_a_page_that_is_cancelled_leaves_the_answer_to_the_others() -> None:
    rules = robots(RULES)
    first = asyncio.create_task(rules.check(f"{SITE}/a"))
    await asyncio.sleep(0)
    first.cancel()
    assert await is_allowed(rules, "/b")


class SlowSite(Site):
    """Answers once it is told to; counts the requests that are open, and those that somebody has given up."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer)
        self.may_answer, self.open, self.given_up = asyncio.Event(), 0, 0

    async def fetch(self, url: str, take_turn: BeforeHop) -> FetchedPage:
        self.open += 1
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # closing a connection takes a moment, in which others may ask
            self.given_up += 1
            raise
        finally:
            self.open -= 1
        return await super().fetch(url, take_turn)


async def asking(site: SlowSite, count: int) -> tuple[Robots, "list[asyncio.Task[bool]]"]:
    """So many pages of one site, which wait for the same robots.txt."""
    rules = Robots(AGENT, fetch=site.fetch, shelf=Shelf())
    pages = [asyncio.create_task(is_allowed(rules, f"/{page}")) for page in range(count)]
    await passes(lambda: site.open == 1)
    return rules, pages


async def passes(condition: Callable[[], bool]) -> None:
    """Give everybody else their turn until `condition` holds."""
    for _ in range(20):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came to that")


async def test_nobody_goes_on_asking_for_it_once_all_who_wait_are_cancelled() -> None:
    site = SlowSite(RULES)
    _, pages = await asking(site, 3)
    for page in pages:
        page.cancel()
    await passes(lambda: site.given_up == 1)
    assert site.open == 0


async def test_it_is_asked_for_as_long_as_one_of_many_waits() -> None:
    site = SlowSite(RULES)
    _, pages = await asking(site, 3)
    for page in pages[:2]:
        page.cancel()
    await passes(lambda: all(page.done() for page in pages[:2]))
    site.may_answer.set()
    assert await pages[2]
    assert (site.given_up, len(site.asked)) == (0, 1)


async def test_who_asks_while_the_request_of_those_before_is_given_up_gets_an_answer() -> None:
    site = SlowSite(RULES)
    rules, pages = await asking(site, 1)
    pages[0].cancel()
    await passes(pages[0].done)
    assert site.given_up == 0
    site.may_answer.set()
    assert not rules.knows(SITE)
    assert await is_allowed(rules, "/a")
    assert (site.given_up, len(site.asked)) == (1, 1)
    assert rules.knows(SITE)


async def test_a_shelf_that_breaks_is_asked_again() -> None:
    class Broken(Shelf):
        async def find(self, origin: str) -> RobotsFile | None:
            if not self.files:
                self.files[origin] = RobotsFile("absent")
                raise OSError("storage is away")
            return await super().find(origin)

    rules = robots(RULES, Broken())
    with pytest.raises(OSError, match="away"):
        await rules.check(f"{SITE}/a")
    assert await is_allowed(rules, "/a")


@pytest.mark.parametrize(
    ("text", "delay_s"),
    [
        (RULES, 2.5),
        (b"User-agent: *\nDisallow:", None),
        (b"User-agent: *\nCrawl-delay: soon", None),
        (b"User-agent: *\nCrawl-delay: 0", None),
        (b"User-agent: *\nCrawl-delay: 86400", MAX_CRAWL_DELAY_S),
        (b"User-agent: *\nRequest-rate: 1/10", 10.0),
        (b"User-agent: *\nRequest-rate: 1/" + b"9" * 4000, MAX_CRAWL_DELAY_S),
        (b"User-agent: *\nRequest-rate: " + b"9" * 4000 + b"/1", None),
        (b"User-agent: *\nCrawl-delay: 0.0000001", None),
    ],
)
async def test_a_crawl_delay_is_heard(text: bytes, delay_s: float | None) -> None:
    assert await robots(text).crawl_delay_s(f"{SITE}/x") == delay_s


async def test_no_answer_is_no_crawl_delay() -> None:
    assert await robots(failed(Reason.HTTP_4XX, 404)).crawl_delay_s(f"{SITE}/x") is None


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"\xef\xbb\xbfUser-agent: *\nDisallow: /x", b"\x00" * 1000])
async def test_odd_bytes_are_no_error(text: bytes) -> None:
    assert await is_allowed(robots(text), "/y")


async def test_rules_beyond_the_limit_are_not_read() -> None:
    text = b"# " + b"x" * MAX_ROBOTS_BYTES + b"\nUser-agent: *\nDisallow: /"
    assert await is_allowed(robots(text), "/y")


async def test_a_host_that_the_source_may_not_connect_to_says_so_and_not_that_robots_txt_is_missing() -> None:
    with pytest.raises(RobotsDisallowed) as refused:
        await robots(failed(Reason.PRIVATE_ADDRESS)).check(f"{SITE}/page")
    assert (refused.value.reason, refused.value.detail) == (Reason.PRIVATE_ADDRESS, "no")


async def test_what_one_source_may_not_connect_to_is_no_news_of_the_site_for_another() -> None:
    shelf = Shelf()
    with pytest.raises(RobotsDisallowed):
        await robots(failed(Reason.PRIVATE_ADDRESS), shelf).check(f"{SITE}/page")
    assert shelf.files == {}
    await robots(RULES, shelf).check(f"{SITE}/page")


async def test_a_page_of_names_over_a_page_of_rules_costs_no_more_than_one_name() -> None:
    names = b"".join(b"User-agent: crawler-%d\n" % number for number in range(5_000))
    rules = b"".join(b"Disallow: /x%d\n" % number for number in range(5_000))
    started = time.process_time()
    assert await is_allowed(robots(names + b"User-agent: daily\n" + rules), "/y")
    assert not await is_allowed(robots(names + b"User-agent: daily-scrape\n" + rules), "/x7")
    assert time.process_time() - started < 20  # else minutes, and gigabytes


WORDS = st.sampled_from(["*", "daily", "daily-scrape", "scrape", "Daily-*", "me.example", "other", "x*y", "", "a" * 9])
LINES = st.one_of(
    st.tuples(st.sampled_from(["User-agent:", "user agent", "UserAgent :", "USER-AGENT:"]), WORDS),
    st.tuples(
        st.sampled_from(["Disallow:", "Allow:", "disallow", "Crawl-delay:", "Sitemap:", "# User-agent:", ""]),
        st.sampled_from(["/", "/a", "/a/b", "*.pdf$", "2", "", "/ # User-agent: x"]),
    ),
).map(" ".join)


@given(st.lists(LINES, max_size=14).map("\n".join), st.sampled_from(["/", "/a", "/a/b", "/b.pdf"]))
async def test_a_text_that_is_cut_down_to_one_crawler_says_to_it_what_the_whole_does(text: str, path: str) -> None:
    whole, cut = Protego.parse(text), Protego.parse(text_for(AGENT, text))
    assert cut.can_fetch(SITE + path, AGENT) == whole.can_fetch(SITE + path, AGENT)
    assert cut.crawl_delay(AGENT) == whole.crawl_delay(AGENT)
