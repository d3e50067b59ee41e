"""All that earlier runs know of the pages of one list, for an attempt at them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from scraper.known_pages import KnownPage
from scraper.models import PageUnchanged
from storage.account.tables import Tables
from storage.memory.carry_over import ROWS_AT_ONCE, RowsBefore
from storage.memory.page_memory import PageMemory, RememberedPage
from storage.work.page_lists import PageList, PreviousPage


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of each page of a list, in its order; both are empty if nothing is known of any."""

    known: Sequence[KnownPage | None] = ()
    remembered: Sequence[RememberedPage | None] = ()

    def still_so(self, page: PageUnchanged, *, place: int) -> RememberedPage:
        """What is to be remembered of a page that has not changed, and is the `place`th of its batch now."""
        before = self.remembered[page.index]
        if before is None:
            raise ValueError(f"{page.url} cannot be unchanged: nothing was known of it")
        return replace(before, place=place, version=page.version, checked_at=page.checked_at or before.checked_at)


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of the list: where it was before, and what is remembered of it."""

    index: int
    previous: PreviousPage
    remembered: RememberedPage


async def past_of(tables: Tables, memory: PageMemory, pages: PageList, *, fingerprint: str) -> Past:
    """What earlier runs know of `pages`: only what they made by the rules of extraction with this fingerprint."""
    by_attempt: dict[tuple[str, int, str], list[tuple[int, PreviousPage]]] = {}
    for index, one in enumerate(pages.previous):
        if one is not None:
            by_attempt.setdefault((one.snapshot, one.batch, one.attempt), []).append((index, one))
    known: list[KnownPage | None] = [None] * len(pages.urls)
    remembered: list[RememberedPage | None] = [None] * len(pages.urls)
    for (snapshot, batch, attempt), listed in by_attempt.items():
        told = await memory.of_attempt(snapshot, batch, attempt)
        if told.fingerprint != fingerprint:
            continue
        by_place = {page.place: page for page in told.pages}
        found = [_Page(index, one, by_place[one.place]) for index, one in listed if one.place in by_place]
        for group in _groups(found):
            rows = {page.previous.place: page.remembered.rows for page in group}
            before = RowsBefore(tables, snapshot=snapshot, batch=batch, attempt=attempt, rows=rows)
            for page in group:
                carry_over = partial(before.of_page, page.previous.place)
                version, is_trusted = page.remembered.version, page.previous.is_trusted
                known[page.index] = KnownPage(version, page.remembered.rows, carry_over, is_trusted)
                remembered[page.index] = page.remembered
    return Past(known, remembered)


def _groups(pages: Sequence[_Page]) -> Iterator[list[_Page]]:
    """Pages of one attempt, in order, in groups of at most ROWS_AT_ONCE rows, or of a single page that has more."""
    group: list[_Page] = []
    rows = 0
    for page in sorted(pages, key=lambda page: page.previous.place):
        if group and rows + page.remembered.rows > ROWS_AT_ONCE:
            yield group
            group, rows = [], 0
        group.append(page)
        rows += page.remembered.rows
    if group:
        yield group
