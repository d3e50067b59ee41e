"""Which rows differ between two snapshots, by two hashes of each row: no I/O, and no row is looked at.

There may be millions of them. So a row is a number here, of its page and its place there, until somebody asks for it.

A row is the same record in both if its key is the same: the source's `key` fields, else its page and its place there.
Where several rows have one key they are compared in page order.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar, overload

from storage.keys import attempt_key
from storage.memory.page_memory import HASHES_OF_A_ROW

KEY_BYTES: Final = HASHES_OF_A_ROW // 2
Kind = Literal["added", "removed", "changed"]
KINDS: Final[tuple[Kind, ...]] = ("added", "removed", "changed")
Thing = TypeVar("Thing")
_ROWS_OF_A_PAGE: Final = 1 << 24
"""More than any page has."""
_NONE: Final = (1 << 64) - 1
"""The number of no row."""


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

    def is_before(self, other: RowRef) -> bool:
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


class Changes(Sequence[Change]):
    """Changes that are made when they are asked for: of each the numbers of its rows are kept, which is 16 bytes."""

    def __init__(self, before: Sequence[HashedPage], after: Sequence[HashedPage]) -> None:
        self._before, self._after = before, after
        self._old, self._new = array("Q"), array("Q")

    def add(self, old: int, new: int) -> None:
        """Add one behind the others."""
        self._old.append(old)
        self._new.append(new)

    def __len__(self) -> int:
        return len(self._new)

    @overload
    def __getitem__(self, index: int) -> Change: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Change]: ...

    def __getitem__(self, index: int | slice) -> Change | Sequence[Change]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return Change(_row(self._before, self._old[index]), _row(self._after, self._new[index]))


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
    before, after = _without_common(before, after, _content_of, _content_of)
    added, removed = array("Q"), array("Q")
    kept: list[int] = []  # the new row and the old one in one number, which sorts by the new one
    for old, new in zip(_groups(before), _groups(after), strict=True):
        _compare_group((before, old), (after, new), added, removed, kept)
    counts = {"added": len(added), "removed": len(removed), "changed": len(kept)}
    kept.extend(row << 64 | _NONE for row in added)
    kept.sort()
    changes = Changes(before, after)
    for both in kept:
        changes.add(both & _NONE, both >> 64)
    for row in sorted(removed):
        changes.add(row, _NONE)
    return Diff(changes, counts, unchanged=rows - len(kept))


def rows_with_known_key(pages: Sequence[HashedPage]) -> int:
    """How many rows have the key of one before them."""
    hashes, known = _hashes_in(pages), 0
    for group in _groups(pages):  # so few at a time take little memory
        known += len(group) - len({hashes(row)[:KEY_BYTES] for row in group})
    return known


_Group = tuple[Sequence[HashedPage], "array[int]"]


def _compare_group(before: _Group, after: _Group, added: array[int], removed: array[int], changed: list[int]) -> None:
    """Sort the rows of a group, in which all rows of a key are."""
    hashes_before, hashes_after = _hashes_in(before[0]), _hashes_in(after[0])
    old, new = _without_common(before[1], after[1], hashes_before, hashes_after)
    by_key: defaultdict[bytes, deque[int]] = defaultdict(deque)
    for row in old:
        by_key[hashes_before(row)[:KEY_BYTES]].append(row)
    for row in new:
        same = by_key.get(hashes_after(row)[:KEY_BYTES])
        if same:
            changed.append(row << 64 | same.popleft())
        else:
            added.append(row)
    for rows in by_key.values():
        removed.extend(rows)


def _groups(pages: Sequence[HashedPage]) -> list[array[int]]:
    """The numbers of all rows, in page order, by the first byte of their key's hash; compared one by one."""
    groups = [array("Q") for _ in range(256)]
    for number, page in enumerate(pages):
        first = number * _ROWS_OF_A_PAGE
        for position, byte in enumerate(page.hashes[::HASHES_OF_A_ROW]):
            groups[byte].append(first + position)
    return groups


def _row(pages: Sequence[HashedPage], number: int) -> RowRef | None:
    return None if number == _NONE else RowRef(pages[number // _ROWS_OF_A_PAGE], number % _ROWS_OF_A_PAGE)


def _hashes_in(pages: Sequence[HashedPage]) -> Callable[[int], bytes]:
    def of(number: int) -> bytes:
        start = number % _ROWS_OF_A_PAGE * HASHES_OF_A_ROW
        return pages[number // _ROWS_OF_A_PAGE].hashes[start : start + HASHES_OF_A_ROW]

    return of


def _content_of(page: HashedPage) -> Hashable:
    return page.url, page.hashes


def _without_common(
    before: Iterable[Thing],
    after: Iterable[Thing],
    of_before: Callable[[Thing], Hashable],
    of_after: Callable[[Thing], Hashable],
) -> tuple[list[Thing], list[Thing]]:
    """Both without what they have in common; of what one has more often, the first ones are taken for the common."""
    left, common = Counter(map(of_before, before)), Counter[Hashable]()
    kept = []
    for one in after:
        same = of_after(one)
        if left[same] > common[same]:
            common[same] += 1
        else:
            kept.append(one)
    gone = []
    for one in before:
        same = of_before(one)
        if common[same]:
            common[same] -= 1
        else:
            gone.append(one)
    return gone, kept
