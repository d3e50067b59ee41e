"""What activities share: one connection pool to the sites per event loop."""

import asyncio
from weakref import WeakKeyDictionary

from scraper.fetch.fetcher import Fetcher
from scraper.settings import Settings

_fetchers: WeakKeyDictionary[asyncio.AbstractEventLoop, Fetcher] = WeakKeyDictionary()


def open_fetcher(settings: Settings) -> Fetcher:
    """The fetcher of this event loop; a new pool per batch would open every connection again."""
    loop = asyncio.get_running_loop()
    if loop not in _fetchers:
        _fetchers[loop] = Fetcher(user_agent=settings.full_user_agent)
    return _fetchers[loop]
