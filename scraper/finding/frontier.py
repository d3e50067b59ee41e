"""Which pages a crawl knows, and which of those that it has met are new. Pure: the same pages in, the same out."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Self

from scraper.canonical import canonical_url
from scraper.models import PageLinks, Purpose

KEY_BYTES: Final = 8
"""Of a million pages, two have the same key once in thirty million crawls."""


_ADDRESSES: Final = "addresses"


class Frontier:
    """The pages that have been planned, each with what it was planned for; and links that were `refused` for good.

    `addresses` has of pages that have named another address as their own which one that is, by the key of the page.

    A page may be planned once for its rows and later once more for its links: so what is found does not depend on
    which way to a page was found first.
    """

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.addresses: dict[str, str] = {}
        self._known: dict[Purpose, set[bytes]] = {purpose: set() for purpose in Purpose}

    def know(self, url: str, purpose: Purpose) -> None:
        """Take in a page that is planned."""
        for one in purpose:
            self._known[one].add(_key(url))

    def unknown(self, url: str, purpose: Purpose) -> Purpose:
        """What of `purpose` the page has not been planned for yet."""
        return Purpose(sum(one for one in purpose if _key(url) not in self._known[one]))

    def packed(self) -> dict[str, bytes]:
        """The frontier as bytes, by the name of the purpose."""
        known = {str(one.name): b"".join(sorted(keys)) for one, keys in self._known.items()}
        return {**known, _ADDRESSES: json.dumps(self.addresses).encode()}

    @classmethod
    def unpacked(cls, packed: dict[str, bytes]) -> Self:
        """The frontier that was packed."""
        frontier = cls()
        frontier.addresses = json.loads(packed.get(_ADDRESSES, b"{}"))
        for name in packed.keys() - {_ADDRESSES}:
            keys = packed[name]
            places = range(0, len(keys), KEY_BYTES)
            frontier._known[Purpose[name]] = {keys[place : place + KEY_BYTES] for place in places}
        return frontier


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page to be planned; `depth` is the number of links that lead to it from a start page."""

    url: str
    purpose: Purpose
    depth: int


class Harvest:
    """What pages lead to that `frontier` does not know, taken page by page, so that no more is kept than is new.

    `unusable` has links that cannot be asked for, each with what is said of it. `addresses` are as those of a frontier.
    """

    def __init__(self, frontier: Frontier, *, max_depth: int | None) -> None:
        self.unusable: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self._depths: dict[str, int] = {}
        self._frontier, self._max_depth = frontier, max_depth
        self._found: dict[bytes, NewPage] = {}

    @property
    def pages(self) -> list[NewPage]:
        """The new pages, by depth, and else as they were met first.

        Of pages that name each other, in a circle, one is to give its rows whatever it names: else none would.
        """
        for start, circle in _circles(self.addresses, {**self._frontier.addresses, **self.addresses}):
            self._meet(NewPage(min(circle, key=canonical_url), Purpose.ROWS_HERE, self._depths[start]))
        return sorted(self._found.values(), key=lambda page: page.depth)

    def take(self, page: PageLinks, *, url: str | None, depth: int) -> None:
        """Take in where the page at `url`, if that is known, leads. Its own address is as deep as the page itself."""
        if page.address:
            if url is not None and Purpose.ROWS in page.purpose:
                self.addresses[_key(url).hex()] = page.address
                self._depths[_key(url).hex()] = depth
            self._meet(NewPage(page.address, page.purpose, depth))
        for link in page.links:
            self._meet(NewPage(link.url, _within(link.purpose, depth + 1, self._max_depth), depth + 1))
        for reference, problem in page.unusable:
            if reference not in self._frontier.refused:
                self.unusable.setdefault(reference, f"linked from {url or 'another page'}: {problem}")

    def _meet(self, page: NewPage) -> None:
        wanted = self._frontier.unknown(page.url, page.purpose)
        if not wanted or page.url in self._frontier.refused:
            return
        key = _key(page.url)
        before = self._found.get(key)
        if before is None:
            self._found[key] = NewPage(page.url, wanted, page.depth)
        else:
            self._found[key] = NewPage(before.url, before.purpose | wanted, min(before.depth, page.depth))


def _circles(starts: Iterable[str], addresses: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """The circles that begin at one of `starts`, or are led to by it, each once: the addresses in each, and its start.

    `addresses` and `starts` are by the keys of pages. Every page is looked at once.
    """
    looked_at: set[str] = set()
    for start in starts:
        way: dict[str, int] = {}
        circle: list[str] = []
        key = start
        while key in addresses and key not in looked_at:
            looked_at.add(key)
            way[key] = len(circle)
            circle.append(addresses[key])
            key = _key(addresses[key]).hex()
        if key in way:
            yield start, circle[way[key] :]


def _within(purpose: Purpose, depth: int, max_depth: int | None) -> Purpose:
    """The purpose of a page so deep: at the greatest depth nothing is gained from its links."""
    return purpose if max_depth is None or depth < max_depth else purpose & ~Purpose.LINKS


def _key(url: str) -> bytes:
    return blake2b(canonical_url(url).encode(), digest_size=KEY_BYTES).digest()
