"""What became of the pages of a snapshot: its plan and the results of its batches, added up."""

from collections.abc import Iterable

from scraper.gate import SnapshotCounts
from storage.work.batch_results import BatchResult
from storage.work.plans import Plan


def page_counts(plan: Plan, results: Iterable[BatchResult]) -> SnapshotCounts:
    """The counts that the gate looks at, of the batches that have a result."""
    done = tuple(results)
    return SnapshotCounts(
        pages=plan.pages,
        loaded=sum(result.loaded for result in done),
        failed=sum(result.failed for result in done) + plan.not_found,
        rows=sum(result.rows for result in done),
        disallowed=plan.disallowed + sum(result.disallowed for result in done),
        unread_listings=plan.unread_listings,
    )
