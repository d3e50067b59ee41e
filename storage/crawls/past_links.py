"""What is known of the links of pages from an earlier run, for an attempt at them."""

from dataclasses import replace

from scraper.known_pages import KnownPage
from scraper.models import PageLinks
from storage.crawls.page_links import BatchLinks
from storage.errors import MissingRecord
from storage.memory.past import Past
from storage.work.page_lists import PageList


async def with_links(links: BatchLinks, pages: PageList, past: Past) -> Past:
    """`past` with the links of the pages of a list. A page counts as known only if it was fetched for the same."""
    read: dict[tuple[str, int, str], dict[int, PageLinks]] = {}
    known: list[KnownPage | None] = [None] * len(past.known)
    for index, page in enumerate(past.known):
        previous = pages.previous[index] if page is not None else None
        if page is None or previous is None:
            continue
        attempt = (previous.snapshot, previous.batch, previous.attempt)
        if attempt not in read:
            try:
                read[attempt] = await links.of_attempt(*attempt)
            except MissingRecord:  # of a run that followed no links, or purged
                read[attempt] = {}
        found = read[attempt].get(previous.place)
        if found is not None and found.purpose == pages.purposes[index]:
            known[index] = replace(page, links=found)
    return replace(past, known=known)
