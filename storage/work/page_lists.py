"""What there is to fetch for one batch, and what earlier runs have loaded of it already."""

import json
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Self

from azure.data.tables import EdmType, EntityProperty

from scraper.models import Purpose


@dataclass(frozen=True, slots=True)
class Part:
    """Pages of a batch that one attempt has loaded, and how many rows they gave.

    The rows lie where that attempt wrote them: in its own `snapshot`, under the same number of the batch.
    """

    snapshot: str
    attempt: str
    loaded: int
    rows: int
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class PreviousPage:
    """The page at `place` of a batch, as an attempt at that batch of an earlier run loaded it.

    With `is_trusted`, its site has named no change since.
    """

    snapshot: str
    batch: int
    attempt: str
    place: int
    is_trusted: bool = False


@dataclass(frozen=True, slots=True)
class PageList:
    """The pages to fetch for `batch`.

    `places` says of each which page of the batch it is, counted from 0 over all that were planned: so the rows of a
    page that is fetched by a later run stand where the page belongs. `earlier` is what other runs have loaded.
    `previous` says of each where its rows can be carried over from if it has not changed; it is empty if none has any.

    Where links are followed, `purposes` says of each what it is fetched for, and `depth` how many links lead to all of
    them from a start page; else they are fetched for their rows.
    """

    batch: int
    urls: tuple[str, ...]
    places: tuple[int, ...]
    earlier: tuple[Part, ...] = ()
    previous: tuple[PreviousPage | None, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    depth: int = 0

    @classmethod
    def whole(cls, batch: int, urls: Sequence[str]) -> Self:
        """A batch of which nothing is loaded yet."""
        return cls(batch, tuple(urls), tuple(range(len(urls))))

    def purpose_of(self, place: int) -> Purpose:
        """What the page that is the batch's `place`th is fetched for."""
        return self.purposes[self.places.index(place)] if self.purposes else Purpose.ROWS

    @property
    def loaded(self) -> int:
        """Pages that earlier runs have loaded."""
        return sum(part.loaded for part in self.earlier)

    @property
    def rows(self) -> int:
        """Rows that earlier runs have staged."""
        return sum(part.rows for part in self.earlier)

    @property
    def unchanged(self) -> int:
        """Pages that earlier runs have carried over from still earlier ones."""
        return sum(part.unchanged for part in self.earlier)

    def rest(self, places: Sequence[int], urls: Sequence[str], earlier: tuple[Part, ...]) -> Self:
        """This list with only these pages of it; all others are loaded, by `earlier` attempts."""
        purposes = tuple(self.purpose_of(place) for place in places) if self.purposes else ()
        left = replace(self, urls=tuple(urls), places=tuple(places), earlier=earlier, purposes=purposes, previous=())
        return left.with_previous(self.previous_by_url())

    def with_previous(self, previous: Mapping[str, PreviousPage]) -> Self:
        """This list, with what is known of its pages by their URLs."""
        known = tuple(previous.get(url) for url in self.urls)
        return replace(self, previous=known if any(known) else ())

    def previous_by_url(self) -> dict[str, PreviousPage]:
        """What is known of the pages, as `with_previous` takes it."""
        pages = zip(self.urls, self.previous, strict=True) if self.previous else ()
        return {url: page for url, page in pages if page is not None}

    def without_trust(self) -> Self:
        """This list for a later run, when pages may have changed since their site was asked."""
        return replace(self, previous=tuple(page and replace(page, is_trusted=False) for page in self.previous))

    def left_after(self, loaded: Part, places: Collection[int]) -> Self:
        """What is left of this list once an attempt has loaded the pages at `places`."""
        left = [index for index, place in enumerate(self.places) if place not in places]
        return replace(
            self,
            urls=tuple(self.urls[index] for index in left),
            places=tuple(self.places[index] for index in left),
            earlier=(*self.earlier, loaded) if loaded.loaded else self.earlier,
            previous=tuple(self.previous[index] for index in left) if self.previous else (),
            purposes=tuple(self.purposes[index] for index in left) if self.purposes else (),
        )

    def columns(self) -> dict[str, Any]:
        """The list as it is stored; a batch of which nothing is loaded is its number and its URLs."""
        pages = zlib.compress(json.dumps(self.urls).encode())
        columns: dict[str, Any] = {"batch": self.batch, "pages": EntityProperty(pages, EdmType.BINARY)}
        if self.previous:
            columns["previous"] = EntityProperty(_previous_as_bytes(self.previous), EdmType.BINARY)
        if self.purposes:
            columns["purposes"] = "".join(f"{purpose:d}" for purpose in self.purposes)
            columns["depth"] = self.depth
        if self.earlier or self.places != tuple(range(len(self.urls))):
            columns["places"] = json.dumps(self.places)
            columns["earlier"] = parts_as_text(self.earlier)
        return columns

    @classmethod
    def from_entity(cls, entity: Mapping[str, Any], *, number: int) -> Self:
        """The list that is stored in `entity` under `number`."""
        urls = json.loads(zlib.decompress(entity["pages"]))
        pages = cls.whole(entity.get("batch", number), urls)
        if "previous" in entity:
            pages = replace(pages, previous=_previous_from_bytes(entity["previous"]))
        if "purposes" in entity:
            purposes = tuple(Purpose(int(digit)) for digit in entity["purposes"])
            pages = replace(pages, purposes=purposes, depth=entity["depth"])
        if "places" not in entity:
            return pages
        places = json.loads(entity["places"])
        return replace(pages, places=tuple(places), earlier=parts_from_text(entity["earlier"]))


def parts_as_text(parts: Iterable[Part]) -> str:
    """Parts as a column holds them: a batch has at most as many of them as pages, so they fit."""
    return json.dumps([astuple(part) for part in parts])


def parts_from_text(text: str) -> tuple[Part, ...]:
    """The parts of a column."""
    return tuple(Part(*fields) for fields in json.loads(text))


def _previous_as_bytes(pages: Sequence[PreviousPage | None]) -> bytes:
    """Pages as a column holds them; neighbours come from the same attempt, so each is named once."""
    attempts: dict[tuple[str, int, str], int] = {}
    told = [
        page and (attempts.setdefault((page.snapshot, page.batch, page.attempt), len(attempts)), *astuple(page)[3:])
        for page in pages
    ]
    return zlib.compress(json.dumps([list(attempts), told]).encode())


def _previous_from_bytes(column: bytes) -> tuple[PreviousPage | None, ...]:
    """The pages of a column."""
    attempts, told = json.loads(zlib.decompress(column))
    return tuple(page and PreviousPage(*attempts[page[0]], *page[1:]) for page in told)
