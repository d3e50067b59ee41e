"""What became of a batch."""

from dataclasses import dataclass, field
from datetime import datetime

from scraper.models import Reason
from storage.work.failure_reasons import ReasonCounts
from storage.work.page_lists import Part


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The attempt of one batch that counts, and what there is of the batch since then.

    The counts are of the whole batch, `earlier` included: the parts of it that other runs have loaded. `attempt` is
    empty if they have loaded all of it. `recorded_at` as in Plan; None for what was taken over. Of the loaded pages,
    `unchanged` had not changed since an earlier run, whose rows they have. `started_at` is when the attempt began, and
    `reasons` are of its failed pages; None in records of older versions, and for what was taken over.
    """

    batch: int
    attempt: str
    loaded: int
    failed: int
    rows: int
    earlier: tuple[Part, ...] = ()
    recorded_at: datetime | None = None
    unchanged: int = 0
    started_at: datetime | None = None
    reasons: ReasonCounts | None = field(default=None, hash=False)

    @property
    def disallowed(self) -> int:
        """Of the failed pages, those that led to where robots.txt lets nobody follow."""
        return (self.reasons or {}).get(Reason.ROBOTS_DISALLOWED, 0)

    def parts(self, snapshot: str) -> tuple[Part, ...]:
        """Where the rows of this result of `snapshot` lie: always where they were written, however many runs ago."""
        loaded = self.loaded - sum(part.loaded for part in self.earlier)
        rows = self.rows - sum(part.rows for part in self.earlier)
        unchanged = self.unchanged - sum(part.unchanged for part in self.earlier)
        return (*self.earlier, Part(snapshot, self.attempt, loaded, rows, unchanged)) if loaded else self.earlier
