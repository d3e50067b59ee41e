"""The judge of published snapshots accepts the truth of the run that published, and nothing else."""

import pytest

from tests.helpers.snapshot_reader import Rows, Sight, SnapshotJudge

OLD: Rows = (("/a", 0, "a v1"), ("/b", 0, "b v1"), ("/c", 0, "c v1"))
NEW: Rows = (("/a", 0, "a v2"), ("/b", 0, "b v1"), ("/d", 0, "d v1"))


def judged(*sights: Sight | None) -> list[str]:
    judge = SnapshotJudge()
    judge.truths = {"old": OLD, "new": NEW, "newer": NEW}
    for sight in sights:
        judge.look_at(sight)
    return judge.complaints


def test_one_snapshot_after_the_other_is_as_it_must_be() -> None:
    new = Sight("new", 4, NEW)
    assert judged(None, None, Sight("old", 2, OLD), Sight("old", 2, OLD), new, Sight("newer", 7, NEW)) == []


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (NEW[:2], "2 rows, 1 of 3 are missing, 0 are strange"),
        ((), "0 rows, 3 of 3 are missing"),
        ((*NEW[:2], OLD[2]), "3 rows, 1 of 3 are missing, 1 are strange: [('/c', 0, 'c v1')]"),
        ((*NEW, NEW[0]), "4 rows, 0 of 3 are missing, 0 are strange"),
        ((NEW[1], NEW[0], NEW[2]), "3 rows, 0 of 3 are missing"),
        (OLD, "the snapshot of 'new' has the rows of old"),
    ],
    ids=["half", "none", "mix", "twice", "out of order", "another one's"],
)
def test_what_is_not_the_truth_of_its_run_is_found(rows: Rows, complaint: str) -> None:
    (found,) = judged(Sight("old", 2, OLD), Sight("new", 4, rows))
    assert complaint in found


def test_going_back_is_found_and_so_is_losing_everything() -> None:
    assert judged(Sight("old", 2, OLD), Sight("new", 4, NEW), Sight("old", 2, OLD), None) == [
        "back to epoch 2 after 4",
        "nothing is published any more",
    ]


def test_a_run_that_nobody_has_started_is_found() -> None:
    assert judged(Sight("who", 2, OLD)) == ["a snapshot of the run 'who', which nobody has started"]
