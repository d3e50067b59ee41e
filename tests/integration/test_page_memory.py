"""What is remembered of pages, on the real tables and on those in memory."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scraper.models import PageLoaded, PageUnchanged, Row, Scalar
from scraper.page_version import PageVersion, Validators
from scraper.settings import Settings
from storage.errors import NotComparable
from storage.memory.page_memory import Remembered, RememberedPage
from storage.memory.past import Past, past_of
from storage.memory.previous_pages import find_previous
from storage.snapshots.diffs import hashed_pages
from storage.snapshots.snapshots import Snapshot
from storage.store import Store, open_store, store_on
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from storage.work.page_lists import PageList, PreviousPage
from tests.helpers.memory_tables import MemoryTables

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
SNAPSHOT, NEXT = "books~0000000001", "books~0000000002"
FINGERPRINT = "f1"


@pytest.fixture(params=["azurite", "memory"])
async def store(request: pytest.FixtureRequest, table_prefix: str) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield store_on(MemoryTables())  # type: ignore[arg-type]
        return
    connection = request.getfixturevalue("azurite")
    opened = open_store(Settings(storage_connection=connection, table_prefix=table_prefix))
    yield opened
    await opened.tables.close()


def url_of(place: int) -> str:
    return f"http://site/{place}"


def remembered(place: int, rows: int = 1, *, validators: Validators | None = None) -> RememberedPage:
    digest = place.to_bytes(16, "big")
    return RememberedPage(
        place, url_of(place), PageVersion(digest, validators), rows, NOW, random.Random(place).randbytes(16 * rows)
    )


async def remember(store: Store, snapshot: str, batch: int, attempt: str, *pages: RememberedPage) -> None:
    await store.memory.remember(snapshot, batch, attempt, Remembered(FINGERPRINT, pages))


async def publish(store: Store, snapshot: str, *results: BatchResult) -> None:
    for result in results:
        await store.batches.record_result(snapshot, result)
    await store.datasets.publish("books", epoch=1, snapshot=snapshot, run_id="r", at=NOW, counts=(1, 0, 1))


async def previous(store: Store, fingerprint: str = FINGERPRINT) -> dict[str, PreviousPage]:
    return await find_previous(
        store.datasets, store.batches, store.memory, "books", fingerprint=fingerprint, last_modified={}
    )


async def test_pages_are_remembered_with_all_that_was_told_of_them(store: Store) -> None:
    pages = [
        remembered(0, 2, validators=Validators('W/"a"', None, url_of(0))),
        remembered(1, 0, validators=Validators(None, "Fri, 01 Mar 2024 06:00:00 GMT", "http://site/moved")),
        remembered(2, 3),
    ]
    await remember(store, SNAPSHOT, 7, "a", pages[2], pages[0], pages[1])
    assert await store.memory.of_attempt(SNAPSHOT, 7, "a") == Remembered(FINGERPRINT, pages)
    without_hashes = [replace(page, hashes=b"") for page in pages]
    listed = [one async for one in store.memory.of_attempts(SNAPSHOT)]
    assert listed == [(7, "a", Remembered(FINGERPRINT, without_hashes))]


async def test_an_attempt_that_loaded_nothing_remembers_nothing(store: Store) -> None:
    await remember(store, SNAPSHOT, 0, "a")
    assert (await store.memory.of_attempt(SNAPSHOT, 0, "a")).pages == ()


@pytest.mark.parametrize("rows", [100, 600, 1500])
async def test_very_many_rows_are_remembered_in_several_properties_and_entities(store: Store, rows: int) -> None:
    pages = [remembered(place, rows) for place in range(100)]
    await remember(store, SNAPSHOT, 0, "a", *pages)
    await remember(store, SNAPSHOT, 0, "b", pages[0])
    assert await store.memory.of_attempt(SNAPSHOT, 0, "a") == Remembered(FINGERPRINT, pages)
    assert [(attempt, len(told.pages)) async for _, attempt, told in store.memory.of_attempts(SNAPSHOT)] == [
        ("a", 100),
        ("b", 1),
    ]


async def test_a_snapshot_is_remembered_in_page_order_with_the_parts_of_earlier_runs(store: Store) -> None:
    await remember(store, SNAPSHOT, 0, "a", remembered(0), remembered(3))
    await remember(store, NEXT, 0, "b", remembered(1), remembered(2))
    await remember(store, NEXT, 0, "zombie", remembered(9))
    first = BatchResult(0, "a", 2, 0, 2)
    result = BatchResult(0, "b", 4, 0, 4, earlier=first.parts(SNAPSHOT))
    snapshot = Snapshot("books", 2, Plan("p", 1, 4, 0, 0), (result,))
    pages = await hashed_pages(store, snapshot)
    assert [(page.snapshot, page.place, page.hashes) for page in pages] == [
        (NEXT if place in {1, 2} else SNAPSHOT, place, remembered(place).hashes) for place in range(4)
    ]
    with pytest.raises(NotComparable, match="4 of its 5 rows are remembered"):
        await hashed_pages(store, replace(snapshot, results=(replace(result, rows=5),)))


async def test_pages_are_found_in_every_snapshot_that_the_published_one_takes_parts_of(store: Store) -> None:
    await remember(store, SNAPSHOT, 0, "a", remembered(0))
    await remember(store, SNAPSHOT, 0, "zombie", remembered(8))
    await remember(store, NEXT, 0, "b", remembered(1))
    first = BatchResult(0, "a", 1, 1, 1)
    await publish(store, NEXT, BatchResult(0, "b", 2, 0, 2, earlier=first.parts(SNAPSHOT)))
    assert await previous(store) == {
        url_of(0): PreviousPage(SNAPSHOT, 0, "a", 0),
        url_of(1): PreviousPage(NEXT, 0, "b", 1),
    }


async def test_pages_that_other_rules_have_extracted_are_not_found(store: Store) -> None:
    await remember(store, SNAPSHOT, 0, "a", remembered(0))
    await publish(store, SNAPSHOT, BatchResult(0, "a", 1, 0, 1))
    assert await previous(store, "f2") == {}


async def test_before_the_first_publication_nothing_is_found(store: Store) -> None:
    assert await previous(store) == {}
    await store.datasets.raise_fence("books", 1)
    assert await previous(store) == {}


async def test_a_page_is_trusted_if_its_site_names_no_change_since_it_was_asked(store: Store) -> None:
    await remember(store, SNAPSHOT, 0, "a", remembered(0), remembered(1), remembered(2))
    await publish(store, SNAPSHOT, BatchResult(0, "a", 3, 0, 3))
    minute = timedelta(minutes=1)
    changed = {url_of(0): NOW - minute, url_of(1): NOW + minute}
    found = await find_previous(
        store.datasets, store.batches, store.memory, "books", fingerprint=FINGERPRINT, last_modified=changed
    )
    assert [found[url_of(place)].is_trusted for place in range(3)] == [True, False, False]


async def test_a_page_list_keeps_where_its_pages_were_before(store: Store) -> None:
    pages = PageList.whole(0, [url_of(place) for place in range(4)]).with_previous(
        {
            url_of(0): PreviousPage(SNAPSHOT, 0, "a", 5),
            url_of(2): PreviousPage(SNAPSHOT, 1, "b", 0, is_trusted=True),
            url_of(3): PreviousPage(SNAPSHOT, 0, "a", 6),
        }
    )
    assert (
        PageList.from_entity({name: getattr(one, "value", one) for name, one in pages.columns().items()}, number=0)
        == pages
    )
    assert [page is not None for page in pages.previous] == [True, False, True, True]
    assert not any(page and page.is_trusted for page in pages.without_trust().previous)


def loaded(place: int, *rows: dict[str, Scalar | None]) -> PageLoaded:
    url = url_of(place)
    return PageLoaded(place, url, url, NOW, [Row(values, position) for position, values in enumerate(rows)])


async def carried(store: Store, pages: PageList, fingerprint: str = FINGERPRINT) -> list[int | None]:
    """Carry every page of a list over into the next snapshot; of each how many rows it had."""
    past = await past_of(store.tables, store.memory, pages, fingerprint=fingerprint)
    found: list[int | None] = []
    async with store.rows.staging(NEXT, 0, "b") as staging:
        for index, known in enumerate(past.known):
            rows = None if known is None else await known.carry_over()
            found.append(None if rows is None else len(rows))
            if rows is not None:
                staging.carry_over(rows, place=index)
    return found


async def test_rows_are_carried_over_with_every_type_their_time_and_the_run_that_fetched_them(store: Store) -> None:
    values: dict[str, Scalar | None] = {
        "text": "£ 漢",
        "large": 2**40,
        "small": 3,
        "whole": 2.0,
        "in_stock": True,
        "tags": ["b", "a"],
    }
    pages = [loaded(0, values, values), loaded(1, {"n": 1}), loaded(2), loaded(3, {"n": 3})]
    await store.rows.stage(SNAPSHOT, 0, "a", pages)
    await remember(store, SNAPSHOT, 0, "a", remembered(0, 2), remembered(1), remembered(2, 0), remembered(3))
    # The page between is gone, and another one is new: places are those of today.
    urls = [url_of(place) for place in (3, 8, 0, 2)]
    places = {url_of(place): PreviousPage(SNAPSHOT, 0, "a", place) for place in (0, 2, 3)}
    assert await carried(store, PageList.whole(0, urls).with_previous(places)) == [1, None, 2, 0]
    results = [BatchResult(0, "b", 4, 0, 3)]
    rows = [row async for row in store.rows.of_snapshot(NEXT, results)]
    assert [(row.url, row.position, row.epoch, row.fetched_at) for row in rows] == [
        (url_of(3), 0, 1, NOW),
        (url_of(0), 0, 1, NOW),
        (url_of(0), 1, 1, NOW),
    ]
    assert [row.values for row in rows] == [{"n": 3}, values, values]
    assert [type(value) for value in rows[1].values.values()] == [type(value) for value in values.values()]


async def test_rows_that_are_carried_over_twice_still_name_the_run_that_fetched_them(store: Store) -> None:
    await store.rows.stage(SNAPSHOT, 0, "a", [loaded(0, {"n": 0})])
    await remember(store, SNAPSHOT, 0, "a", remembered(0))
    assert await carried(store, PageList(0, (url_of(0),), (0,), (), (PreviousPage(SNAPSHOT, 0, "a", 0),))) == [1]
    await remember(store, NEXT, 0, "b", remembered(0))
    past = await past_of(
        store.tables,
        store.memory,
        PageList(0, (url_of(0),), (0,), (), (PreviousPage(NEXT, 0, "b", 0),)),
        fingerprint=FINGERPRINT,
    )
    (known,) = past.known
    assert known is not None
    (row,) = await known.carry_over() or ()
    assert row["_epoch"] == 1


async def test_nothing_is_carried_over_of_a_page_some_of_whose_rows_are_gone(store: Store) -> None:
    await store.rows.stage(SNAPSHOT, 0, "a", [loaded(0, {"n": 0}), loaded(1, {"n": 1})])
    await remember(store, SNAPSHOT, 0, "a", remembered(0, 2), remembered(1), remembered(2))
    places = {url_of(place): PreviousPage(SNAPSHOT, 0, "a", place) for place in range(3)}
    assert await carried(store, PageList.whole(0, [*places]).with_previous(places)) == [None, 1, None]


async def test_pages_whose_memory_is_gone_or_of_other_rules_are_unknown(store: Store) -> None:
    await remember(store, SNAPSHOT, 0, "a", remembered(0))
    places = {url_of(0): PreviousPage(SNAPSHOT, 0, "a", 0), url_of(1): PreviousPage(SNAPSHOT, 0, "gone", 1)}
    pages = PageList.whole(0, [*places]).with_previous(places)
    assert await carried(store, pages, "f2") == [None, None]
    known = (await past_of(store.tables, store.memory, pages, fingerprint=FINGERPRINT)).known
    assert [one is not None for one in known] == [True, False]


async def test_pages_of_many_rows_are_read_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.memory.past.ROWS_AT_ONCE", 10)
    rows: list[dict[str, Scalar | None]] = [{"n": number} for number in range(4)]
    await store.rows.stage(SNAPSHOT, 0, "a", [loaded(place, *rows) for place in range(5)])
    await remember(store, SNAPSHOT, 0, "a", *(remembered(place, 4) for place in range(5)))
    places = {url_of(place): PreviousPage(SNAPSHOT, 0, "a", place) for place in range(5)}
    pages = PageList.whole(0, [*places]).with_previous(places)
    past = await past_of(store.tables, store.memory, pages, fingerprint=FINGERPRINT)
    readers = {known.carry_over.func.__self__ for known in past.known if known is not None}  # type: ignore[attr-defined]
    assert len(readers) == 3
    assert await carried(store, pages) == [4] * 5


def test_a_page_that_nobody_knew_cannot_be_unchanged() -> None:
    with pytest.raises(ValueError, match="nothing was known"):
        Past([None], [None]).still_so(PageUnchanged(0, "u", PageVersion(b""), NOW, []), place=0)
