"""One contract for every ticket store: the memory one that fast tests use tells the truth about the table."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from scraper.settings import Settings
from storage.account.tables import open_tables
from storage.errors import StorageUnreachable, TicketChanged
from storage.ledger.locks import TableTickets, TicketStore
from storage.ticket import StopMode, Ticket, TicketState
from tests.helpers.memory_tables import MemoryTables
from tests.helpers.ticket_stores import MemoryTickets

WANTED = Ticket("daily_scrape", "run-1", TicketState.STARTING, datetime(2026, 11, 21, 6, tzinfo=UTC), "http", "c1", 1)


@pytest.fixture(params=["memory", "memory-table", "table"])
async def tickets(request: pytest.FixtureRequest, table_prefix: str) -> AsyncIterator[TicketStore]:
    if request.param == "memory":
        yield MemoryTickets()
        return
    if request.param == "memory-table":
        yield TableTickets(MemoryTables())  # type: ignore[arg-type]
        return
    connection = request.getfixturevalue("azurite")
    tables = open_tables(Settings(storage_connection=connection, table_prefix=table_prefix))
    yield TableTickets(tables)
    await tables.close()


async def test_a_key_that_was_never_taken_has_no_ticket(tickets: TicketStore) -> None:
    assert await tickets.read("daily_scrape") is None


async def test_a_ticket_is_read_as_it_was_stored(tickets: TicketStore) -> None:
    stored = await tickets.insert(WANTED)
    assert await tickets.read("daily_scrape") == stored == replace(WANTED, etag=stored.etag)


async def test_a_second_insert_of_one_key_is_refused(tickets: TicketStore) -> None:
    await tickets.insert(WANTED)
    with pytest.raises(TicketChanged):
        await tickets.insert(replace(WANTED, instance_id="run-2"))


async def test_a_replace_with_the_etag_that_was_read_holds(tickets: TicketStore) -> None:
    stored = await tickets.insert(WANTED)
    newer = await tickets.replace(replace(stored, epoch=2, instance_id="run-2"))
    assert await tickets.read("daily_scrape") == newer
    assert (newer.epoch, newer.instance_id) == (2, "run-2")


async def test_a_replace_with_an_older_etag_is_refused(tickets: TicketStore) -> None:
    stored = await tickets.insert(WANTED)
    await tickets.replace(replace(stored, epoch=2))
    with pytest.raises(TicketChanged):
        await tickets.replace(replace(stored, epoch=3))


async def test_a_replace_of_a_ticket_that_is_not_there_is_refused(tickets: TicketStore) -> None:
    with pytest.raises(TicketChanged):
        await tickets.replace(replace(WANTED, etag='W/"nothing"'))


async def test_who_stopped_the_holder_and_how_is_read_as_it_was_stored(tickets: TicketStore) -> None:
    stored = await tickets.insert(WANTED)
    drained = await tickets.replace(replace(stored, stop=StopMode.DRAIN, stopped_by="the operator"))
    assert await tickets.read("daily_scrape") == drained
    assert (stored.stop, drained.stop, drained.stopped_by) == (StopMode.NONE, StopMode.DRAIN, "the operator")


async def test_a_ticket_that_was_stored_before_stops_were_known_has_none() -> None:
    tables = MemoryTables()
    tickets = TableTickets(tables)  # type: ignore[arg-type]
    stored = await tickets.insert(WANTED)
    row = dict(tables.tables["locks"].entities["singleton", "daily_scrape"])
    await tables.tables["locks"].upsert_entity({name: row[name] for name in row.keys() - {"stop", "stopped_by"}})
    found = await tickets.read("daily_scrape")
    assert found is not None
    assert replace(found, etag=stored.etag) == stored


async def test_keys_that_tables_refuse_are_kept_apart(tickets: TicketStore) -> None:
    one, two = replace(WANTED, key="welcome:a/b"), replace(WANTED, key="welcome:a?b", instance_id="other")
    await tickets.insert(one)
    await tickets.insert(two)
    found = [await tickets.read(one.key), await tickets.read(two.key)]
    assert [ticket.instance_id for ticket in found if ticket] == ["run-1", "other"]


async def test_a_ticket_whose_table_has_vanished_is_refused_once_and_stored_by_the_next_try(
    azurite: str, table_prefix: str
) -> None:
    tables = open_tables(Settings(storage_connection=azurite, table_prefix=table_prefix))
    tickets = TableTickets(tables)
    await (await tables.table("locks")).delete_table()
    assert await tickets.read("daily_scrape") is None
    with pytest.raises(StorageUnreachable, match="vanished"):
        await tickets.insert(WANTED)
    stored = await tickets.insert(WANTED)
    assert await tickets.read("daily_scrape") == stored
    await tables.close()
