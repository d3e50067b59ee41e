"""One attempt at a batch: what becomes of each of its pages, on the way into storage."""

from datetime import datetime

from scraper.errors import LongPauseAsked
from scraper.known_pages import WantedPage
from scraper.load import Outcome
from scraper.models import PageFailed, PageFailure, PageLinks, PageLoaded, PageUnchanged, Purpose, Reason
from scraper.rows.key_faults import rows_without_key
from scraper.rows.row_hashes import row_hashes
from scraper.sources import Source
from storage.data.rows import Staging
from storage.errors import RowTooLarge
from storage.memory.page_memory import RememberedPage
from storage.memory.past import Past
from storage.work.batch_results import BatchResult
from storage.work.failure_reasons import count_reasons
from storage.work.page_lists import PageList, Part

Failures = list[tuple[int, PageFailure]]
"""Failed pages, each with its place in the batch."""


def wanted_pages(pages: PageList, past: Past) -> list[WantedPage]:
    """The pages of a list, with what is known of each."""
    count = len(pages.urls)
    known, purposes = past.known or [None] * count, pages.purposes or [Purpose.ROWS] * count
    return [WantedPage(*page) for page in zip(pages.urls, known, purposes, strict=True)]


class BatchAttempt:
    """Takes the outcomes of the pages as they come; rows go off to `staging`, the rest is kept until all are there."""

    def __init__(
        self,
        source: Source,
        pages: PageList,
        past: Past,
        staging: Staging,
        *,
        snapshot: str,
        attempt: str,
        at: datetime,
    ) -> None:
        """`at` is when it begins."""
        self.snapshot, self.attempt, self.started_at = snapshot, attempt, at
        self.asked_for: LongPauseAsked | None = None
        """The pause that the site asked for, if there has to be one before the batch is complete."""
        self.failed: Failures = []
        self.remembered: list[RememberedPage] = []
        self.links: dict[int, PageLinks] = {}
        self.unchanged = 0
        self.without_key = 0
        """Rows that have no value in a field of the source's key; those that are carried over are not looked at."""
        self._key, self._pages, self._past, self._staging = source.key, pages, past, staging

    @property
    def loaded(self) -> int:
        """Pages that have given their rows, the unchanged ones included."""
        return len(self.remembered)

    def take(self, outcome: Outcome) -> None:
        """Take one page."""
        place = self._pages.places[outcome.index]
        if outcome.links is not None:
            self.links[place] = outcome.links
        if isinstance(outcome, PageFailed):
            self.failed.append((place, outcome.failure))
        elif isinstance(outcome, PageUnchanged):
            self._staging.carry_over(outcome.rows, place=place)
            self.remembered.append(self._past.still_so(outcome, place=place))
            self.unchanged += 1
        else:
            self._take_loaded(outcome, place)

    def _take_loaded(self, page: PageLoaded, place: int) -> None:
        try:
            self._staging.add(page, place=place)
        except RowTooLarge as refused:
            failure = PageFailure(url=page.url, reason=Reason.ROW_TOO_LARGE, detail=str(refused))
            self.failed.append((place, failure))
            return
        self.without_key += rows_without_key(page.rows, self._key)
        hashes = row_hashes(page.rows, self._key, url=page.url)
        self.remembered.append(RememberedPage(place, page.url, page.version, len(page.rows), page.fetched_at, hashes))

    def give_up(self, asked: LongPauseAsked, *, may_pause: bool) -> None:
        """The site wants to be left alone: what is not loaded waits for the end of that, or fails if it may not."""
        if may_pause:
            self.asked_for, self.failed = asked, []
            return
        done = {place for place, _ in self.failed} | self._loaded_places
        detail = f"{asked}; it has asked for too many of them"
        for place, url in zip(self._pages.places, self._pages.urls, strict=True):
            if place not in done:
                failure = PageFailure(url=url, reason=Reason.HTTP_429, detail=detail, status=429)
                self.failed.append((place, failure))

    def rest(self) -> PageList:
        """What is left to fetch after this attempt."""
        part = Part(self.snapshot, self.attempt, self.loaded, self._staging.rows, self.unchanged)
        return self._pages.left_after(part, self._loaded_places)

    def result(self, at: datetime) -> BatchResult:
        """The result of the whole batch, if this attempt is the one that counts."""
        pages = self._pages
        return BatchResult(
            pages.batch,
            self.attempt,
            loaded=pages.loaded + self.loaded,
            failed=len(self.failed),
            rows=pages.rows + self._staging.rows,
            earlier=pages.earlier,
            recorded_at=at,
            unchanged=pages.unchanged + self.unchanged,
            started_at=self.started_at,
            reasons=count_reasons(failure for _, failure in self.failed),
        )

    @property
    def _loaded_places(self) -> set[int]:
        return {page.place for page in self.remembered}
