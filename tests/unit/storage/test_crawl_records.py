"""What a crawl keeps in storage, on tables in memory."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.finding.frontier import Frontier
from scraper.models import Link, PageLinks, Purpose
from storage.account.pieces import PIECE_BYTES, read_pieces, write_pieces
from storage.errors import MissingRecord
from storage.store import Store, store_on
from storage.work.batches import Plan
from storage.work.page_lists import PageList
from tests.helpers.memory_tables import MemoryTables

S = "shop~0000000001"
BOTH = Purpose.ROWS | Purpose.LINKS
PURPOSES = st.sampled_from([Purpose.ROWS, Purpose.LINKS, BOTH])
LINKS = st.builds(Link, st.text(max_size=20), PURPOSES)
PAGES = st.builds(
    PageLinks,
    PURPOSES,
    st.lists(LINKS, max_size=5).map(tuple),
    st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=3).map(tuple),
    st.text(max_size=20),
)


@pytest.fixture
def tables() -> MemoryTables:
    return MemoryTables(in_turns=())


@pytest.fixture
def store(tables: MemoryTables) -> Store:
    return store_on(tables)  # type: ignore[arg-type]


@given(st.dictionaries(st.integers(0, 99), PAGES, max_size=5))
async def test_links_come_back_as_they_were_staged(links: dict[int, PageLinks]) -> None:
    store = store_on(MemoryTables(in_turns=()))  # type: ignore[arg-type]
    await store.links.stage(S, 3, "a", links)
    assert await store.links.of_attempt(S, 3, "a") == links


async def test_links_of_another_attempt_or_batch_are_none_of_ours(store: Store) -> None:
    await store.links.stage(S, 3, "a", {})
    for batch, attempt in ((3, "b"), (4, "a")):
        with pytest.raises(MissingRecord, match="has not all links of batch"):
            await store.links.of_attempt(S, batch, attempt)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES])
async def test_any_number_of_bytes_is_kept_in_pieces_that_fit(tables: MemoryTables, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    await write_pieces(tables, "batches", S, "x-", content)  # type: ignore[arg-type]
    assert await read_pieces(tables, "batches", S, "x-") == content  # type: ignore[arg-type]
    assert all(len(entity["content"].value) <= PIECE_BYTES for entity in tables.tables["batches"].entities.values())


async def test_bytes_of_which_a_piece_is_gone_are_gone(tables: MemoryTables) -> None:
    await write_pieces(tables, "batches", S, "x-", b"a" * 3 * PIECE_BYTES)  # type: ignore[arg-type]
    del tables.tables["batches"].entities[(S, "x-00001")]
    assert await read_pieces(tables, "batches", S, "x-") is None  # type: ignore[arg-type]


async def record(store: Store, plan: Plan, *lists: PageList) -> Plan:
    return await store.batches.record_retry(S, plan, lists, [])


FIRST = Plan("p0", 1, 1, 0, 0, follows=True, is_open=True)


async def test_the_newest_plan_of_a_crawl_is_the_one_that_counts(store: Store) -> None:
    plans = [replace(FIRST, attempt=f"p{level}", level=level, pages=level + 1) for level in range(12)]
    for plan in plans:
        await record(store, plan)
        assert await store.batches.plan(S) == plan
    assert await store.batches.plans(S) == plans
    assert await store.batches.plan_of_level(S, 7) == plans[7]
    assert await store.batches.plan_of_level(S, 12) is None


async def test_a_level_is_planned_once(store: Store) -> None:
    await record(store, FIRST)
    one = await record(store, replace(FIRST, attempt="one", level=1))
    assert await record(store, replace(FIRST, attempt="other", level=1, pages=99)) == one


async def test_page_lists_of_several_levels_come_in_batch_order_and_without_those_of_lost_attempts(
    store: Store,
) -> None:
    lists = [PageList(batch, (f"u{batch}",), (0,), purposes=(BOTH,), depth=batch) for batch in range(3)]
    plans = [replace(FIRST, attempt=attempt, level=level) for level, attempt in enumerate("zyx")]
    for plan, one in zip(plans, lists, strict=True):
        await record(store, plan, one)
    await record(store, replace(FIRST, attempt="lost", level=1), PageList(1, ("lost",), (0,)))
    assert await store.batches.page_lists_of(S, plans) == lists


def test_the_rest_of_a_list_keeps_what_its_pages_are_fetched_for() -> None:
    whole = PageList(4, ("a", "b", "c"), (0, 1, 2), purposes=(Purpose.ROWS, BOTH, Purpose.LINKS), depth=2)
    rest = whole.rest([2, 1], ["c", "b"], ())
    assert (rest.urls, rest.purposes, rest.depth) == (("c", "b"), (Purpose.LINKS, BOTH), 2)


async def test_a_frontier_is_read_from_what_was_planned_and_what_was_inherited(store: Store) -> None:
    inherited = Frontier()
    inherited.know("http://s/old", Purpose.ROWS)
    first = replace(FIRST, inherits=True)
    await store.frontiers.bequeath(S, first.attempt, inherited)
    lists = [PageList(0, ("http://s/new",), (0,), purposes=(BOTH,))]
    await record(store, first, *lists)
    frontier = await store.frontiers.at_level(S, first, lists)
    assert frontier.unknown("http://s/new", BOTH) == Purpose(0)
    assert frontier.unknown("http://s/old", BOTH) == Purpose.LINKS


async def test_a_crawl_that_has_lost_what_it_inherited_does_not_go_on_without(store: Store) -> None:
    first = replace(FIRST, inherits=True)
    await record(store, first)
    with pytest.raises(MissingRecord, match="has lost the pages that it knows of earlier runs"):
        await store.frontiers.at_level(S, first, [])
