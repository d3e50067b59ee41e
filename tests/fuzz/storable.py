"""Whether the outcome of a page can be kept: by our models, and by the limits of the table service."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import EntityProperty

from scraper.canonical import canonical_url
from scraper.errors import PageError
from scraper.finding.frontier import Frontier, Harvest
from scraper.models import PageFailure, PageLinks, PageLoaded, Reason, Row
from scraper.rows.row_hashes import HASH_BYTES, row_hashes
from scraper.web_urls import MAX_URL_LENGTH, origin_of, url_problem
from storage.account.writes import refused_size
from storage.crawls.page_links import _as_text, _from_text
from storage.data.rows import Staging
from storage.errors import RowTooLarge
from storage.keys import fits_a_key

PROPERTY_BYTES = 65_536
DETAIL_CHARACTERS = 4000
"""A detail is one line for people; the longest URL and a quotation fit into it."""


def check_rows(rows: Iterable[Row], url: str) -> str:
    """Check that rows could be staged; "" or the code of why they were refused."""
    staged: list[Mapping[str, Any]] = []
    page = PageLoaded(0, url, url, datetime(2024, 3, 1, tzinfo=UTC), list(rows))
    try:
        Staging(_Taking(staged), "books~0000000001~000000", "a" * 12).add(page, place=0)  # type: ignore[arg-type]
    except RowTooLarge as refused:
        check_failure(PageFailure(url=url, reason=Reason.ROW_TOO_LARGE, detail=str(refused)))
        return Reason.ROW_TOO_LARGE
    assert len(staged) == len(page.rows)
    for entity in staged:
        check_entity(entity)
    assert len(row_hashes(page.rows, (), url=url)) == 2 * HASH_BYTES * len(page.rows)
    return ""


class _Taking:
    def __init__(self, taken: list[Mapping[str, Any]]) -> None:
        self._taken = taken

    def add(self, entities: Iterable[Mapping[str, Any]]) -> None:
        self._taken.extend(entities)


def check_error(error: PageError) -> str:
    """Check that an error of ours can be kept as a failure; its code."""
    check_failure(error.as_failure())
    assert error.reason is not Reason.INTERNAL
    return error.reason


def check_failure(failure: PageFailure) -> None:
    """Fail if a failure could not be stored, read back and shown as one line."""
    kept = {name: value for name, value in failure.model_dump(mode="json").items() if value is not None}
    assert PageFailure.model_validate(kept) == failure
    check_entity({"PartitionKey": "p", "RowKey": "r", **kept})
    assert len(failure.detail) <= DETAIL_CHARACTERS, f"a detail of {len(failure.detail)} characters"
    assert failure.detail.isprintable(), f"a detail that is not one plain line: {failure.detail!r}"


def check_url(url: str) -> None:
    """Fail if a URL that was accepted could not be asked for, compared and stored."""
    assert url_problem(url) is None, url
    assert len(url) <= MAX_URL_LENGTH
    assert origin_of(url)
    assert canonical_url(url).encode()
    check_text(url)


def check_links(found: PageLinks) -> None:
    """Fail if what a page leads to could not be kept, read back and listed."""
    harvest = Harvest(Frontier(), max_depth=None)
    harvest.take(found, url="x" * MAX_URL_LENGTH, depth=0)
    for reference, problem in harvest.unusable.items():
        check_failure(PageFailure(url=reference, reason=Reason.BAD_URL, detail=problem))
    assert dict(_from_text(_as_text({0: found}))) == {0: found}


def check_entity(entity: Mapping[str, Any]) -> None:
    """Fail if the table service would refuse an entity."""
    assert len(entity) <= 255
    assert not refused_size(entity)
    assert fits_a_key(entity["PartitionKey"])
    assert fits_a_key(entity["RowKey"])
    for value in entity.values():
        if isinstance(value, str):
            check_text(value)
        elif isinstance(value, EntityProperty):
            assert not isinstance(value.value, bytes) or len(value.value) < PROPERTY_BYTES
            assert not isinstance(value.value, int) or -(2**63) <= value.value < 2**63
        elif isinstance(value, bool | datetime):
            pass
        elif isinstance(value, int):
            assert -(2**31) <= value < 2**31
        else:
            assert isinstance(value, float), type(value)
            assert math.isfinite(value)


def check_text(text: str) -> None:
    """Fail if a text could not be a property: in UTF-8 on the way, in UTF-16 at rest."""
    text.encode()
    size = len(text.encode("utf-16-le"))
    assert size <= PROPERTY_BYTES, f"{size} bytes of text"
