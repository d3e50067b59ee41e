"""The gate's rules, each with its figures."""

import pytest

from scraper.gate import SnapshotCounts, why_refused
from scraper.source_models import Gate

GATE = Gate(min_rows=10, max_failed_percent=20, max_drop_percent=50)


def counts(*, rows: int, failed: int = 0) -> SnapshotCounts:
    return SnapshotCounts(pages=100, loaded=100 - failed, failed=failed, rows=rows)


@pytest.mark.parametrize(
    ("found", "rows_before"),
    [
        (counts(rows=10), None),
        (counts(rows=100, failed=20), 100),
        (counts(rows=50), 100),
        (counts(rows=500), 100),
    ],
    ids=["just-enough-rows", "just-few-enough-failures", "just-small-enough-a-drop", "growth"],
)
def test_a_snapshot_within_every_bound_passes(found: SnapshotCounts, rows_before: int | None) -> None:
    assert why_refused(GATE, found, rows_before=rows_before) == ""


@pytest.mark.parametrize(
    ("found", "rows_before", "reason"),
    [
        (counts(rows=9), None, "min_rows: 9 rows, at least 10 are wanted"),
        (
            counts(rows=79, failed=21),
            None,
            "max_failed_percent: 21 of 100 pages failed (21.0 %), at most 20 % may fail",
        ),
        (
            counts(rows=49),
            100,
            "max_drop_percent: 49 rows after 100 (51.0 % fewer), at most 50 % may be lost",
        ),
    ],
    ids=["too-few-rows", "too-many-failures", "too-large-a-drop"],
)
def test_a_snapshot_beyond_a_bound_is_refused_with_the_rule_and_its_figures(
    found: SnapshotCounts, rows_before: int | None, reason: str
) -> None:
    assert why_refused(GATE, found, rows_before=rows_before) == reason


def test_the_reason_says_which_failures_it_does_not_count() -> None:
    found = SnapshotCounts(pages=3, loaded=2, failed=5, rows=20, disallowed=3)
    reason = "max_failed_percent: 2 of 4 pages failed (50.0 %), at most 20 % may fail; 3 disallowed are not counted"
    assert why_refused(GATE, found, rows_before=None) == reason


def test_a_snapshot_is_refused_if_nobody_knows_what_is_missing_unless_the_source_says_otherwise() -> None:
    found = SnapshotCounts(pages=100, loaded=100, failed=1, rows=100, unread_listings=1)
    reason = why_refused(GATE, found, rows_before=100)
    assert reason.startswith("listings_may_fail: incomplete discovery, 1 sitemaps or feeds could not be read")
    assert why_refused(GATE.model_copy(update={"listings_may_fail": True}), found, rows_before=100) == ""


def test_a_snapshot_of_which_no_page_has_an_outcome_is_refused() -> None:
    nothing = SnapshotCounts(pages=0, loaded=0, failed=0, rows=0)
    assert why_refused(Gate(min_rows=0), nothing, rows_before=None) != ""
