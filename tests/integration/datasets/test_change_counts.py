"""How many rows a publication added, removed and changed, as its run and its dataset tell it."""

from typing import Any

import pytest

from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.dataset_requests import ask_json, complete, delete
from tests.helpers.versioned_site import VersionedSite
from triggers.datasets.overview import get_dataset
from triggers.runs.views import progress_of_run, result_view

UNKNOWN = (None, None, None)


def changes(summary: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(summary[name] for name in ("added", "removed", "changed"))


async def published(runs: ActivityRuns) -> str:
    dataset = await runs.store.datasets.find("books")
    assert dataset is not None
    return dataset.run_id


async def test_they_are_counted_against_what_was_published_before(runs: ActivityRuns, site: VersionedSite) -> None:
    assert changes(await complete(runs, "first")) == UNKNOWN
    site.books.remove("/books/9")
    site.change("/books/4")
    assert changes(await complete(runs, "second")) == (0, 1, 2)
    assert changes(await complete(runs, "third")) == (0, 0, 0)


async def test_a_refused_snapshot_has_them_too_and_the_next_one_is_not_compared_with_it(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await complete(runs, "first")
    site.broken = set(site.books[2:])
    assert changes(await complete(runs, "second")) == (0, 16, 0)
    site.broken = set()
    assert changes(await complete(runs, "third")) == (0, 0, 0)


async def test_a_repeat_of_the_publication_counts_the_same(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    site.change("/books/4")
    await runs.claim(await runs.start("second"))
    await runs.scrape("second", "books")
    summary, repeated = [await runs.publish("second", "books") for _ in range(2)]
    assert repeated == {**summary, "ended_at": repeated["ended_at"]}
    assert changes(summary) == (0, 0, 2)


@pytest.mark.parametrize("containing", ["", "plan", "result", "memory"])
async def test_a_snapshot_is_published_also_if_the_one_before_was_purged_in_whole_or_in_part(
    runs: ActivityRuns, containing: str
) -> None:
    await complete(runs, "first")
    await delete(runs, "batches", of_epoch=1, containing=containing)
    summary = await complete(runs, "second")
    assert (summary["outcome"], changes(summary), await published(runs)) == ("published", UNKNOWN, "second")


async def test_the_run_and_the_dataset_show_them(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    site.change("/books/4")
    await complete(runs, "second")
    run = await runs.store.runs.find("second")
    assert run is not None
    assert changes(result_view(run.results[0])) == (0, 0, 2)
    _, dataset = await ask_json(get_dataset, runs)
    assert [changes(one) for one in dataset["snapshots"]] == [(0, 0, 2), UNKNOWN]


async def test_they_are_unknown_while_the_run_lasts(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    await runs.claim(await runs.start("second"))
    await runs.scrape("second", "books")
    run = await runs.store.runs.find("second")
    assert run is not None
    assert [changes(one) for one in await progress_of_run(runs.store, run)] == [UNKNOWN]
