"""What is known of a page from an earlier run, so that it need not be fetched, or not be parsed, again."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scraper.fetch.answers import FetchedPage
from scraper.models import PageLinks, Purpose
from scraper.page_version import PageVersion, page_digest

CarriedRows = Sequence[Mapping[str, Any]]
"""Rows of an earlier run, as storage keeps them: the scraper hands them on and never looks inside."""


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page that an earlier run has loaded, by the rules that are in force today.

    `rows` counts the rows that it gave. `carry_over` reads them; None if they are not all there any more. With
    `is_trusted` the page counts as unchanged without being asked for. `links` are of sources that follow them.
    """

    version: PageVersion
    rows: int
    carry_over: Callable[[], Awaitable[CarriedRows | None]]
    is_trusted: bool = False
    links: PageLinks | None = None

    def still(self, page: FetchedPage) -> PageVersion | None:
        """The version of `page` if it is the known one, since the server says so or all of it is the same; else None.

        Servers may have a new tag for the same page, which is then the one to ask with.
        """
        if page.not_modified:
            return self.version
        version = version_of(page)
        return version if version.digest == self.version.digest else None


@dataclass(frozen=True, slots=True)
class WantedPage:
    """A page to be scraped: what earlier runs know of it, if anything, and what it is fetched for."""

    url: str
    known: KnownPage | None = None
    purpose: Purpose = Purpose.ROWS


def version_of(page: FetchedPage) -> PageVersion:
    """The version of a page that has come with its body."""
    digest = page_digest(page.body, url=page.final_url, content_type=page.content_type, charset=page.charset)
    return PageVersion(digest, page.validators)
