"""Two snapshots compared by the hashes of their rows."""

from collections import Counter
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from storage.snapshots.row_changes import KINDS, Diff, HashedPage, RowRef, compare, rows_with_known_key

Rows = Sequence[tuple[str, str]]
"""Key and values of the rows of a page."""


def pages(*snapshot: Rows, name: str = "s") -> list[HashedPage]:
    """The pages of a snapshot; the URL of each is its number."""
    return [
        HashedPage(name, 0, "a", place, f"http://site/{place}", b"".join(hashed(*row) for row in rows))
        for place, rows in enumerate(snapshot)
    ]


def hashed(key: str, values: str) -> bytes:
    return key.encode().ljust(8) + values.encode().ljust(8)


def told(diff: Diff) -> list[tuple[str, str | None, str | None]]:
    """Kind and values of each change: as they were, and as they are."""
    found = []
    for change in diff.changes:
        values = [None if ref is None else ref.hashes[8:].decode().strip() for ref in (change.old, change.new)]
        found.append((change.kind, *values))
    return found


def test_changes_come_in_page_order_of_the_newer_snapshot_and_then_what_was_removed() -> None:
    before = pages([("a", "1"), ("b", "2")], [("c", "3")], [("d", "4")])
    after = pages([("a", "1"), ("e", "5")], [("c", "6")], [("f", "7")])
    diff = compare(before, after)
    assert told(diff) == [
        ("added", None, "5"),
        ("changed", "3", "6"),
        ("added", None, "7"),
        ("removed", "2", None),
        ("removed", "4", None),
    ]
    assert diff.counts == {"added": 2, "removed": 2, "changed": 1}
    assert diff.unchanged == 1


def test_a_record_that_has_only_moved_to_another_page_is_unchanged() -> None:
    diff = compare(pages([("a", "1")], [("b", "2")]), pages([("b", "2"), ("a", "1")]))
    assert (told(diff), diff.unchanged) == ([], 2)


def test_rows_with_the_key_of_one_before_them_are_counted_over_all_pages() -> None:
    assert rows_with_known_key(pages([("a", "1"), ("b", "1"), ("a", "1")], [("b", "2"), ("c", "1")])) == 2
    assert rows_with_known_key([]) == 0


def test_records_that_share_a_key_are_compared_in_page_order() -> None:
    diff = compare(pages([("a", "1"), ("a", "2"), ("a", "3")]), pages([("a", "2"), ("a", "4")]))
    assert told(diff) == [("changed", "1", "4"), ("removed", "3", None)]


def test_a_snapshot_without_rows_can_be_compared() -> None:
    assert told(compare([], pages([("a", "1")]))) == [("added", None, "1")]
    assert told(compare(pages([("a", "1")]), [])) == [("removed", "1", None)]
    assert compare([], []).counts == {"added": 0, "removed": 0, "changed": 0}


def row_of(ref: RowRef | None) -> Iterator[tuple[str, str]]:
    """Key and values of the row, if there is one."""
    if ref is not None:
        yield ref.hashes[:8].decode().strip(), ref.hashes[8:].decode().strip()


SNAPSHOTS = st.lists(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("12")), max_size=4), max_size=5)


@given(SNAPSHOTS, SNAPSHOTS)
def test_the_changes_turn_one_snapshot_into_the_other_and_are_as_few_as_can_be(
    before: list[Rows], after: list[Rows]
) -> None:
    diff = compare(pages(*before, name="old"), pages(*after, name="new"))
    old, new = (Counter(row for page in snapshot for row in page) for snapshot in (before, after))
    gone = Counter(row for change in diff.changes for row in row_of(change.old))
    come = Counter(row for change in diff.changes for row in row_of(change.new))
    assert (gone, come) == (old - new, new - old)
    assert diff.unchanged == (old & new).total()
    assert diff.counts == {kind: sum(change.kind == kind for change in diff.changes) for kind in KINDS}
    # A record that both have is neither added nor removed, as often as both have it.
    by_key = [Counter(key for key, _ in rows.elements()) for rows in (gone, come)]
    assert diff.counts["changed"] == (by_key[0] & by_key[1]).total()
    for change in diff.changes:
        assert len({key for ref in (change.old, change.new) for key, _ in row_of(ref)}) == 1
