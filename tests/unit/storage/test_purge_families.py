"""The purge knows whatever `storage` can write."""

from __future__ import annotations

import ast
from pathlib import Path

import storage
from storage.account.tables import TABLE_NAMES
from storage.ledger.schedule import ScheduleState
from tests.helpers.archive import Archive
from tests.helpers.past_runs import SCRAPE, day
from tests.helpers.storage_families import FAMILIES, WRITES, Family, family_of

ROOM = Path(storage.__file__).parent
WRITING = {
    "Writer",
    "create_entity",
    "replace_all",
    "submit_transaction",
    "update_entity",
    "upsert_all",
    "upsert_entity",
    "write_pieces",
}


def writes_of(module: Path) -> list[str]:
    calls = [node.func for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
    names = [func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls]
    return sorted(name for name in names if name in WRITING)


async def full_archive() -> Archive:
    """One in which everything has been written."""
    archive = Archive()
    await archive.past.run(0, publishes=())
    await archive.store.schedules.write(SCRAPE, ScheduleState(paused=True, changed_at=day(0)))
    return archive


def families_in(archive: Archive) -> set[Family | None]:
    return {
        family_of(name, partition, row)
        for name, table in archive.tables.tables.items()
        for partition, row in table.entities
    }


def test_every_call_that_writes_to_a_table_is_known() -> None:
    found = {str(module.relative_to(ROOM)): writes_of(module) for module in sorted(ROOM.rglob("*.py"))}
    assert {module: calls for module, calls in found.items() if calls} == WRITES


def test_no_table_is_without_a_family() -> None:
    assert {one.table for one in FAMILIES} == set(TABLE_NAMES)


async def test_tests_of_the_purge_write_entities_of_every_family_and_no_other() -> None:
    assert families_in(await full_archive()) == set(FAMILIES)


async def test_of_what_nobody_needs_only_what_has_to_stay_is_left() -> None:
    archive = await full_archive()
    await archive.purge(400)
    assert families_in(archive) == {one for one in FAMILIES if one.stays}
