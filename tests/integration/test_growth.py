"""docs/cost.md: it names every table, and a run leaves in them what it says, whatever the size of the site."""

from __future__ import annotations

import pytest

from scripts.checkout import ROOT
from storage.account.tables import TABLE_NAMES
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.table_sizes import entity_bytes, table_sizes

TEXT = (ROOT / "docs/cost.md").read_text()


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_what_each_table_holds_and_how_it_grows_is_documented(table: str) -> None:
    assert f"\n| `{table}` |" in TEXT


def test_an_entity_is_as_large_as_the_service_says() -> None:
    # 4 + 2 x 4 for the keys, 8 for the timestamp; 8 + 2 x 1 and the value for each other property
    assert entity_bytes({"PartitionKey": "ab", "RowKey": "cd", "t": "xyz", "n": 1}) == 20 + 10 + 10 + 10 + 4


async def test_a_run_leaves_a_plan_a_source_three_entities_a_batch_and_one_a_robots_txt_a_row_and_a_failure(
    runs: ActivityRuns,
) -> None:
    runs.site.broken = {"/books/3"}
    before = await table_sizes(runs.store.tables)
    await runs.start("run-1")
    await runs.complete("run-1")
    after = await table_sizes(runs.store.tables)
    grown = {name: after[name].entities - before[name].entities for name in TABLE_NAMES}
    batches = 4 + 1  # of twelve books, with two rows each, and two news, with one
    assert grown["batches"] == 2 + 3 * batches + 1
    assert (grown["rows"], grown["failures"], grown["runs"], grown["datasets"]) == (11 * 2 + 2, 1, 2, 2)
