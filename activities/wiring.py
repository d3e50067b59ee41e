"""What activities share: one connection pool to the sites per event loop."""

import asyncio
from weakref import WeakKeyDictionary

from scraper.fetch import Fetcher

_fetchers: WeakKeyDictionary[asyncio.AbstractEventLoop, Fetcher] = WeakKeyDictionary()


def open_fetcher() -> Fetcher:
    """The fetcher of this event loop; a new pool per batch would open every connection again."""
    loop = asyncio.get_running_loop()
    if loop not in _fetchers:
        _fetchers[loop] = Fetcher()
    return _fetchers[loop]
