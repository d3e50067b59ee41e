"""`GET datasets` and `GET datasets/{source}`: what is published, and what is kept."""

from typing import Any

from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.dataset_requests import ROOT, ask_json, complete, delete
from tests.helpers.versioned_site import VersionedSite
from triggers.datasets.overview import get_dataset, list_datasets


async def dataset(runs: ActivityRuns, **query: str) -> dict[str, Any]:
    status, document = await ask_json(get_dataset, runs, **query)
    assert status == 200
    found: dict[str, Any] = document
    return found


def told(document: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in names) for one in document["snapshots"]]


async def test_a_dataset_is_listed_from_the_first_step_of_its_first_run_on(runs: ActivityRuns) -> None:
    assert await ask_json(list_datasets, runs, None) == (200, {"datasets": []})
    await runs.claim(await runs.start("first"))
    links = {"self": f"{ROOT}/books", "rows": f"{ROOT}/books/rows", "diff": f"{ROOT}/books/diff"}
    listed = {"datasets": [{"source": "books", "published": None, "links": links}]}
    assert await ask_json(list_datasets, runs, None) == (200, listed)


async def test_what_is_published_is_told_with_its_run_and_counts(runs: ActivityRuns, site: VersionedSite) -> None:
    site.broken = {"/books/1"}
    await complete(runs, "first")
    _, listed = await ask_json(list_datasets, runs, None)
    found = await dataset(runs)
    published = listed["datasets"][0]["published"]
    assert (published["runId"], published["epoch"]) == ("first", 1)
    assert (published["pages"], published["failed"], published["rows"]) == (10, 1, 17)
    assert found["published"] == published


async def test_the_history_has_every_kept_snapshot_with_its_outcome_and_counts(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await complete(runs, "first")
    site.broken = set(site.books[2:])
    await complete(runs, "second")
    site.broken = set()
    await runs.claim(await runs.start("third"))
    await runs.scrape("third", "books", lists=[0])
    found = await dataset(runs)
    assert told(found, "runId", "epoch", "outcome", "isPublished", "isComplete") == [
        ("third", 3, None, False, False),
        ("second", 2, "refused", False, True),
        ("first", 1, "published", True, True),
    ]
    assert told(found, "pages", "loaded", "unchanged", "failed", "rows")[1:] == [(10, 2, 2, 8, 3), (10, 10, 0, 0, 19)]
    assert told(found, "reason")[1][0].startswith("max_drop_percent: ")
    assert found["snapshots"][1]["links"] == {
        "rows": f"{ROOT}/books/rows?run=second%402",
        "diff": f"{ROOT}/books/diff?to=second%402",
        "run": "http://localhost/api/runs/second@2",
    }


async def test_runs_that_had_other_sources_or_were_purged_are_not_in_the_history(runs: ActivityRuns) -> None:
    for run_id in ("first", "second", "third"):
        await complete(runs, run_id)
    await delete(runs, "batches", of_epoch=2)
    assert told(await dataset(runs), "runId") == [("third",), ("first",)]


async def test_pages_of_the_history_neither_lose_nor_double_a_snapshot(runs: ActivityRuns) -> None:
    for number in range(5):
        await complete(runs, f"run-{number}")
    page = await dataset(runs, limit="2")
    pages = [page]
    while page["continuation"] is not None:
        page = await dataset(runs, limit="2", continuation=page["continuation"])
        pages.append(page)
    assert [told(one, "epoch") for one in pages] == [[(5,), (4,)], [(3,), (2,)], [(1,)]]


async def test_an_unknown_dataset_is_not_found(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    status, problem = await ask_json(get_dataset, runs, "films")
    assert (status, problem["detail"]) == (404, "There is no dataset 'films'. There are: books.")


def newest(document: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(document["newestRun"][name] for name in ("runId", "epoch", "outcome", "reason"))


async def test_how_the_newest_run_ended_is_told_also_if_it_found_no_page(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    assert newest(await dataset(runs)) == ("first", 1, "published", "")
    await runs.claim(await runs.start("second"))
    assert newest(await dataset(runs)) == ("second", 2, None, "")
    down = {"source": "books", "outcome": "failed", "reason": "the sitemap could not be read"}
    await runs.finish("second", summaries=[down])
    found = await dataset(runs, continuation="2")
    assert newest(found) == ("second", 2, "failed", "the sitemap could not be read")
    assert found["newestRun"]["links"]["self"] == "http://localhost/api/runs/second@2"
    assert found["newestRun"]["finishedAt"] is not None
    assert (found["published"]["runId"], told(found, "runId")) == ("first", [("first",)])


async def test_a_newest_run_that_was_terminated_is_told_as_such_although_it_left_no_record(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    await runs.claim(await runs.start("second"))
    runs.terminate("second")
    assert newest(await dataset(runs))[:3] == ("second", 2, "terminated")


async def test_a_dataset_whose_runs_were_all_purged_has_no_newest_run(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    (await runs.store.tables.table("runs")).entities.clear()  # type: ignore[attr-defined]
    assert (await dataset(runs))["newestRun"] is None
