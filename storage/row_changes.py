"""Which rows differ between two snapshots, by two hashes of each row: no I/O, and no row is looked at.

A row is the same record in both if its key is the same: the source's `key` fields, else its page and its place there.
Where several rows have one key they are compared in page order.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from storage.keys import attempt_key
from storage.page_memory import HASHES_OF_A_ROW

KEY_BYTES: Final = HASHES_OF_A_ROW // 2
Kind = Literal["added", "removed", "changed"]
KINDS: Final[tuple[Kind, ...]] = ("added", "removed", "changed")
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True, eq=False)
class HashedPage:
    """A page of a snapshot: where its rows lie, and 16 bytes for each of them: see `scraper.rows.row_hashes`."""

    snapshot: str
    batch: int
    attempt: str
    place: int
    url: str
    hashes: bytes

    @property
    def rows(self) -> int:
        """How many it has."""
        return len(self.hashes) // HASHES_OF_A_ROW


@dataclass(frozen=True, slots=True)
class RowRef:
    """One row of a page."""

    page: HashedPage
    position: int

    @property
    def hashes(self) -> bytes:
        """Of its key, then of its values."""
        start = self.position * HASHES_OF_A_ROW
        return self.page.hashes[start : start + HASHES_OF_A_ROW]

    @property
    def row_key(self) -> str:
        """Its key in the table."""
        return attempt_key(self.page.attempt, self.page.place, self.position)

    def is_before(self, other: "RowRef") -> bool:
        """Whether `other` is the next row of the same attempt."""
        if self.page is other.page:
            return other.position == self.position + 1
        is_last, is_first = self.position + 1 == self.page.rows, other.position == 0
        return is_last and is_first and other.page.place == self.page.place + 1


@dataclass(frozen=True, slots=True)
class Change:
    """A record that only one snapshot has, or whose values differ: what it was, and what it is."""

    old: RowRef | None
    new: RowRef | None

    @property
    def kind(self) -> Kind:
        """What happened to the record."""
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"


@dataclass(frozen=True, slots=True)
class Diff:
    """All changes: in page order of the newer snapshot, then what was removed in that of the older one.

    `counts` has how many rows were `added`, `removed` and `changed`; `unchanged` are in both.
    """

    changes: Sequence[Change]
    counts: Mapping[str, int]
    unchanged: int


def compare(before: Sequence[HashedPage], after: Sequence[HashedPage]) -> Diff:
    """The changes from the pages of one snapshot to those of another, each in page order."""
    rows = sum(page.rows for page in after)
    # Nearly all pages are the same in both, so their rows are not taken apart.
    before, after = _without_common(before, after, lambda page: (page.url, page.hashes))
    old, new = _without_common(_rows(before), _rows(after), lambda row: row.hashes)
    by_key: defaultdict[bytes, deque[int]] = defaultdict(deque)
    for number, row in enumerate(old):
        by_key[row.hashes[:KEY_BYTES]].append(number)
    changes, is_left = [], bytearray(b"\x01" * len(old))
    for row in new:
        same = by_key[row.hashes[:KEY_BYTES]]
        changes.append(Change(old[same[0]] if same else None, row))
        if same:
            is_left[same.popleft()] = 0
    removed = [Change(row, None) for row, left in zip(old, is_left, strict=True) if left]
    changed = len(old) - len(removed)
    counts = {"added": len(new) - changed, "removed": len(removed), "changed": changed}
    return Diff([*changes, *removed], counts, unchanged=rows - len(new))


def _rows(pages: Iterable[HashedPage]) -> list[RowRef]:
    return [RowRef(page, position) for page in pages for position in range(page.rows)]


def _without_common(
    before: Sequence[Thing], after: Sequence[Thing], sameness: Callable[[Thing], Hashable]
) -> tuple[list[Thing], list[Thing]]:
    """Both without what they have in common; of what one has more often, the first ones are taken for the common."""
    left, common = Counter(map(sameness, before)), Counter[Hashable]()
    kept = []
    for one in after:
        if left[sameness(one)] > common[sameness(one)]:
            common[sameness(one)] += 1
        else:
            kept.append(one)
    gone = []
    for one in before:
        if common[sameness(one)]:
            common[sameness(one)] -= 1
        else:
            gone.append(one)
    return gone, kept
