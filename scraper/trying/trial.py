"""One page asked for as a run would: by its site's robots.txt, at its pace, with its retries."""

from urllib.parse import urldefrag

from scraper.errors import FetchError, PageError
from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import Fetcher
from scraper.fetch.limits import limits_of
from scraper.finding.discover import finding_limits
from scraper.finding.named_pages import named_pages
from scraper.known_pages import WantedPage
from scraper.load import page_outcome
from scraper.manners.obeying import ObeyingFetcher, obeying_limits, robots_fetch
from scraper.manners.polite_fetch import OneAttempt, polite_fetch
from scraper.manners.politeness import Pace
from scraper.manners.robots import Robots
from scraper.models import Purpose, Reason, Share
from scraper.sources import Source
from scraper.trying.findings import Tried, tried_list, tried_page
from scraper.trying.telling import Say, ShelfInMemory, TellingFetcher
from scraper.web_urls import url_problem


async def try_page(source: Source, url: str, *, user_agent: str, say: Say) -> Tried:
    """What `url` gives as a page of `source`, or as its sitemap or feed; `say` gets what is done meanwhile.

    Raises LongPauseAsked if the site wants to be left alone for longer than one waits.
    """
    url = urldefrag(url).url
    try:
        async with Fetcher(user_agent=user_agent) as connections:
            page, attempts = await _asked(source, url, TellingFetcher(connections, say), user_agent, say)
        named = named_pages(source, page)
    except PageError as error:
        # As in a run, the page keeps the URL that was asked for, wherever a redirect led.
        return Tried((), error.as_failure().model_copy(update={"url": url}))
    if named is not None:
        return tried_list(named, say)
    # A crawl does not say of a single page what it is for, so it is tried for all that it may be.
    purpose = Purpose.ROWS if source.follow is None else Purpose.ROWS | Purpose.LINKS
    outcome = page_outcome(source, 0, WantedPage(url, purpose=purpose), page, attempts=attempts)
    return tried_page(source, page, outcome, say)


async def _asked(source: Source, url: str, fetcher: OneAttempt, user_agent: str, say: Say) -> tuple[FetchedPage, int]:
    problem = url_problem(url)
    if problem is not None:
        error = FetchError(url, Reason.BAD_URL, problem)
        error.attempts = 0
        raise error
    robots = None
    if source.respect_robots:
        fetch = robots_fetch(source, fetcher)
        robots = Robots(source.user_agent or user_agent, fetch=fetch, shelf=ShelfInMemory())
        await robots.check(url)
        say("robots.txt allows the page")
        fetcher = ObeyingFetcher(fetcher, robots)
    else:
        say("robots.txt is not asked for: respect_robots is false")
    _, rate = await obeying_limits(source, robots, urls=[url])
    say("pace: any" if rate is None else f"pace: at most {rate:g} request{'s' if rate != 1 else ''} a second")
    limits = finding_limits(source) if url in {source.sitemap, source.feed} else limits_of(source)
    pace = Pace(Share(concurrency=1, requests_per_second=rate))
    return await polite_fetch(fetcher, limits, pace=pace, max_attempts=source.max_attempts)(url)
