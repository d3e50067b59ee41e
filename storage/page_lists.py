"""What there is to fetch for one batch, and what earlier runs have loaded of it already."""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Self

from azure.data.tables import EdmType, EntityProperty


@dataclass(frozen=True, slots=True)
class Part:
    """Pages of a batch that one attempt has loaded, and how many rows they gave.

    The rows lie where that attempt wrote them: in its own `snapshot`, under the same number of the batch.
    """

    snapshot: str
    attempt: str
    loaded: int
    rows: int


@dataclass(frozen=True, slots=True)
class PageList:
    """The pages to fetch for `batch`.

    `places` says of each which page of the batch it is, counted from 0 over all that were planned: so the rows of a
    page that is fetched by a later run stand where the page belongs. `earlier` is what other runs have loaded.
    """

    batch: int
    urls: tuple[str, ...]
    places: tuple[int, ...]
    earlier: tuple[Part, ...] = ()

    @classmethod
    def whole(cls, batch: int, urls: Sequence[str]) -> Self:
        """A batch of which nothing is loaded yet."""
        return cls(batch, tuple(urls), tuple(range(len(urls))))

    @property
    def loaded(self) -> int:
        """Pages that earlier runs have loaded."""
        return sum(part.loaded for part in self.earlier)

    @property
    def rows(self) -> int:
        """Rows that earlier runs have staged."""
        return sum(part.rows for part in self.earlier)

    def columns(self) -> dict[str, Any]:
        """The list as it is stored; a batch of which nothing is loaded is its number and its URLs."""
        pages = zlib.compress(json.dumps(self.urls).encode())
        columns: dict[str, Any] = {"batch": self.batch, "pages": EntityProperty(pages, EdmType.BINARY)}
        if self != PageList.whole(self.batch, self.urls):
            columns["places"] = json.dumps(self.places)
            columns["earlier"] = parts_as_text(self.earlier)
        return columns

    @classmethod
    def from_entity(cls, entity: Mapping[str, Any], *, number: int) -> Self:
        """The list that is stored in `entity` under `number`."""
        urls = json.loads(zlib.decompress(entity["pages"]))
        whole = cls.whole(entity.get("batch", number), urls)
        if "places" not in entity:
            return whole
        places = json.loads(entity["places"])
        return replace(whole, places=tuple(places), earlier=parts_from_text(entity["earlier"]))


def parts_as_text(parts: Iterable[Part]) -> str:
    """Parts as a column holds them: a batch has at most as many of them as pages, so they fit."""
    return json.dumps([astuple(part) for part in parts])


def parts_from_text(text: str) -> tuple[Part, ...]:
    """The parts of a column."""
    return tuple(Part(*fields) for fields in json.loads(text))
