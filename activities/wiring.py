"""What activities share: one connection pool to the sites per event loop, and how politely sites are asked."""

import asyncio
from weakref import WeakKeyDictionary

from scraper.fetch.fetcher import Fetcher
from scraper.manners.obeying import ObeyingFetcher, robots_fetch
from scraper.manners.polite_fetch import OneAttempt
from scraper.manners.robots import Robots
from scraper.settings import Settings
from scraper.sources import Source
from storage.store import Store
from storage.work.robots import RobotsShelf

_fetchers: WeakKeyDictionary[asyncio.AbstractEventLoop, Fetcher] = WeakKeyDictionary()


def open_fetcher(settings: Settings) -> Fetcher:
    """The fetcher of this event loop; a new pool per batch would open every connection again."""
    loop = asyncio.get_running_loop()
    if loop not in _fetchers:
        _fetchers[loop] = Fetcher(user_agent=settings.full_user_agent)
    return _fetchers[loop]


def obeying_fetcher(settings: Settings, robots: Robots | None) -> OneAttempt:
    """The fetcher of this event loop, which asks for nothing that `robots` refuses."""
    fetcher = open_fetcher(settings)
    return fetcher if robots is None else ObeyingFetcher(fetcher, robots)


def open_robots(settings: Settings, store: Store, source: Source, epoch: int) -> Robots | None:
    """What the sites of a source let the run with this epoch ask for; None if the source does not want to know."""
    if not source.respect_robots:
        return None
    return Robots(
        source.user_agent or settings.full_user_agent,
        fetch=robots_fetch(source, open_fetcher(settings)),
        shelf=RobotsShelf(store.tables, epoch),
    )
