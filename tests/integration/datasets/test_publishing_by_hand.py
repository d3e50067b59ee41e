"""`POST datasets/{source}/publish`: against the gate, and back to an older snapshot."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from storage.data import publications
from storage.data.dataset import Dataset
from storage.data.datasets import Datasets
from storage.keys import newest_first
from storage.ledger.runs import RUNS
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.dataset_requests import ROOT, ask_json, complete, delete
from tests.helpers.ticket_stores import Status
from tests.helpers.versioned_site import VersionedSite
from triggers.datasets import publish as dataset_publish
from triggers.datasets.lookup import Chosen, chosen
from triggers.datasets.overview import get_dataset
from triggers.datasets.publish import publish_dataset
from triggers.datasets.rows import list_rows

RULE = "max_drop_percent: 3 rows after 19 (84.2 % fewer), at most 50 % may be lost"


async def post(
    runs: ActivityRuns, source: str = "books", body: bytes = b"", by: str = "", **query: str
) -> tuple[int, dict[str, Any]]:
    request = func.HttpRequest(
        "POST",
        f"{ROOT}/{source}/publish",
        params=query,
        route_params={"source": source},
        headers={"X-MS-CLIENT-PRINCIPAL-NAME": by} if by else {},
        body=body,
    )
    answer = await publish_dataset(request, runs.hub)
    return answer.status_code, json.loads(answer.get_body())


async def published(runs: ActivityRuns, **query: str) -> dict[str, Any]:
    """The answer to a request that changes something."""
    status, document = await post(runs, **query)
    assert (status, document.get("isChanged")) == (200, True), document
    return document


async def refusal(runs: ActivityRuns, source: str = "books", **query: Any) -> tuple[int, str]:
    before = await runs.store.datasets.find("books")
    status, problem = await post(runs, source, **query)
    assert problem["status"] == status
    assert await runs.store.datasets.find("books") == before
    return status, problem["detail"]


async def seen(runs: ActivityRuns) -> Counter[str]:
    """The values that readers see."""
    status, document = await ask_json(list_rows, runs)
    assert status == 200
    return Counter(row["n"] for row in document["rows"])


def rows_of(site: VersionedSite, *paths: str) -> Counter[str]:
    return Counter(value for _, _, value in site.rows_of(*paths))


async def refused_run(runs: ActivityRuns, site: VersionedSite) -> None:
    """A published run, `first`, and `second`, that its gate refused."""
    await complete(runs, "first")
    site.broken = set(site.books[2:])
    assert (await complete(runs, "second"))["reason"] == RULE
    site.broken = set()


async def two_runs(runs: ActivityRuns, site: VersionedSite) -> Counter[str]:
    """Two published runs; what readers have seen of the first."""
    await complete(runs, "first")
    before = await seen(runs)
    site.change("/books/4")
    await complete(runs, "second")
    return before


async def test_what_the_gate_refused_is_published_only_by_force(runs: ActivityRuns, site: VersionedSite) -> None:
    await refused_run(runs, site)
    status, problem = await post(runs, run="second")
    cure = "Look at its rows and at the diff; force=true publishes it all the same."
    assert status == 409
    assert problem["detail"] == f"The gate refuses what run 'second' loaded of 'books': {RULE}. {cure}"
    assert problem["rule"] == RULE
    assert problem["links"]["diff"] == f"{ROOT}/books/diff?to=second%402"
    assert await seen(runs) == rows_of(site, *site.books)
    document = await published(runs, run="second", force="true")
    assert document["published"]["runId"] == "second"
    assert document["insteadOf"]["runId"] == "first"
    assert await seen(runs) == rows_of(site, *site.books[:2])


async def test_who_has_published_when_and_against_which_rule_is_recorded(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await refused_run(runs, site)
    start = datetime.now(UTC)
    await published(runs, run="second", force="true", by="ann@example.com\r\n")
    await published(runs, run="first@1")
    _, document = await ask_json(get_dataset, runs)
    told = [
        tuple(one[name] for name in ("runId", "epoch", "publishedBy", "overridden", "rows", "failed"))
        for one in document["publications"]
    ]
    assert told == [
        ("first", 1, "http", None, 19, 0),
        ("second", 2, "ann@example.com", RULE, 3, 8),
        ("first", 1, "run", None, 19, 0),
    ]
    moments = [datetime.fromisoformat(one["publishedAt"]) for one in document["publications"]]
    assert moments[0] > moments[1] > start > moments[2]
    assert document["published"] == document["publications"][0]
    assert [one["isPublished"] for one in document["snapshots"]] == [False, True]


async def test_the_history_of_publications_is_bounded(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publications, "MOST_PUBLICATIONS", 3)
    await two_runs(runs, site)
    for run in ("first", "second", "first"):
        await published(runs, run=run)
    _, document = await ask_json(get_dataset, runs)
    assert [one["runId"] for one in document["publications"]] == ["first", "second", "first"]


async def test_going_back_shows_the_older_rows_again_and_needs_no_force(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    before = await two_runs(runs, site)
    await published(runs, run="first")
    assert await seen(runs) == before != rows_of(site, *site.books)
    await published(runs, run="second")
    assert await seen(runs) == rows_of(site, *site.books)


async def test_a_repeat_changes_nothing(runs: ActivityRuns, site: VersionedSite) -> None:
    await refused_run(runs, site)
    first = await published(runs, run="second", force="true")
    stored = await runs.store.datasets.find("books")
    for query in ({"force": "true"}, {}):
        status, again = await post(runs, run="second", **query)
        assert (status, again) == (200, first | {"isChanged": False, "insteadOf": None})
    assert await runs.store.datasets.find("books") == stored


async def test_the_next_run_publishes_and_its_drop_is_that_from_what_is_published(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await refused_run(runs, site)
    await published(runs, run="second", force="true")  # 3 rows
    site.books = site.books[:3]
    assert (await complete(runs, "third"))["outcome"] == "published"  # 6 rows
    await published(runs, run="first")  # 19 rows
    summary = await complete(runs, "fourth")
    assert summary["reason"] == "max_drop_percent: 6 rows after 19 (68.4 % fewer), at most 50 % may be lost"


async def test_a_gate_that_has_compared_with_what_is_no_longer_published_looks_again(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await refused_run(runs, site)
    await published(runs, run="second", force="true")  # 3 rows
    site.books = site.books[:3]
    usual = Datasets.publish

    async def after_a_return(*args: Any, **how: Any) -> Dataset:
        monkeypatch.setattr(Datasets, "publish", usual)
        await published(runs, run="first")  # 19 rows
        return await usual(*args, **how)

    monkeypatch.setattr(Datasets, "publish", after_a_return)
    summary = await complete(runs, "third")  # 6 rows
    assert summary["reason"] == "max_drop_percent: 6 rows after 19 (68.4 % fewer), at most 50 % may be lost"
    assert await seen(runs) != rows_of(site, *site.books)


async def test_the_next_run_counts_its_changes_from_what_is_published(runs: ActivityRuns, site: VersionedSite) -> None:
    await two_runs(runs, site)
    await published(runs, run="first")
    summary = await complete(runs, "third")
    assert [summary[name] for name in ("outcome", "added", "removed", "changed")] == ["published", 0, 0, 2]


async def test_the_next_run_carries_over_the_rows_of_what_is_published(runs: ActivityRuns, site: VersionedSite) -> None:
    await two_runs(runs, site)
    await published(runs, run="first")
    site.forget()
    assert (await complete(runs, "third"))["unchanged"] == 9
    assert site.asked_for(conditionally=True) == sorted(site.books)
    assert site.answers() == {(True, 304): 9, (True, 200): 1}
    assert await seen(runs) == rows_of(site, *site.books)


async def test_a_late_repeat_of_a_publication_does_not_undo_a_return(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    await runs.claim(await runs.start("second"))
    await runs.scrape("second", "books")
    first = await runs.publish("second", "books")
    await published(runs, run="first")  # while the run lives: it has other sources to scrape
    again = await runs.publish("second", "books")
    assert (first["outcome"], again["outcome"]) == ("published", "published")
    dataset = await runs.store.datasets.find("books")
    assert dataset is not None
    assert (dataset.run_id, dataset.by_run) == ("first", 2)


async def test_a_run_that_ended_without_publishing_cannot_do_so_after_somebody_else_has(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await two_runs(runs, site)
    await runs.claim(await runs.start("third"))
    await runs.scrape("third", "books")
    runs.terminate("third")
    await published(runs, run="first")
    runs.hub.finish("third", Status.Running)  # it was rewound
    assert (await runs.publish("third", "books"))["outcome"] == "superseded"
    runs.terminate("third")
    assert (await complete(runs, "fourth"))["outcome"] == "published"


async def test_a_live_run_decides_about_its_own_snapshot_and_publishes_over_a_return(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await two_runs(runs, site)
    await runs.claim(await runs.start("third"))
    await runs.scrape("third", "books")
    reason = "The run 'third' is still going on, and decides about 'books' itself. Wait for its end."
    assert await refusal(runs, run="third", force="true") == (409, reason)
    await published(runs, run="first")
    assert (await runs.publish("third", "books"))["outcome"] == "published"
    dataset = await runs.store.datasets.find("books")
    assert dataset is not None
    assert [one.run_id for one in dataset.publications] == ["third", "first", "second", "first"]


async def test_a_snapshot_that_never_came_to_the_gate_is_put_to_it(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    for run_id, broken in (("second", site.books[2:]), ("third", site.books[9:])):
        site.broken = set(broken)
        await runs.claim(await runs.start(run_id))
        await runs.scrape(run_id, "books")
        runs.terminate(run_id)
    status, detail = await refusal(runs, run="second")
    assert (status, RULE in detail) == (409, True)
    await published(runs, run="third")
    assert await seen(runs) == rows_of(site, *site.books[:9])


async def test_a_source_of_which_nothing_was_published_yet_can_be_published_by_force(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    site.broken = set(site.books)
    await complete(runs, "first")
    status, detail = await refusal(runs, run="first")
    assert (status, "min_rows: 0 rows, at least 1 are wanted" in detail) == (409, True)
    document = await published(runs, run="first", force="true")
    assert (document["published"]["rows"], document["insteadOf"]) == (0, None)
    site.broken = set()
    assert (await complete(runs, "second"))["outcome"] == "published"


async def test_what_is_not_there_cannot_be_published(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    assert await refusal(runs, "films", run="first") == (404, "There is no dataset 'films'. There are: books.")
    assert await refusal(runs, run="nobody") == (404, "There is no run 'nobody'. Kept are: first.")
    books, site.books = site.books, []
    await complete(runs, "second")
    site.books = books
    status, detail = await refusal(runs, run="second", force="true")
    assert (status, detail[:57]) == (404, "Of 'books', run 'second' has no snapshot: it has found no")


async def test_half_a_snapshot_cannot_be_published(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    await runs.claim(await runs.start("second"))
    await runs.scrape("second", "books", lists=[0])
    runs.terminate("second")
    status, detail = await refusal(runs, run="second", force="true")
    assert (status, detail.partition(":")[0]) == (409, "Of 'books', run 'second' has 1 of 4 batches")


@pytest.mark.parametrize(("table", "containing"), [("batches", ""), ("rows", ""), ("rows", "~000002")])
async def test_what_was_purged_cannot_be_published(
    runs: ActivityRuns, site: VersionedSite, table: str, containing: str
) -> None:
    await two_runs(runs, site)
    await delete(runs, table, of_epoch=1, containing=containing)
    detail = "What run 'first' loaded of 'books' is not kept any more. GET /api/datasets/books lists what is."
    assert await refusal(runs, run="first", force="true") == (410, detail)


async def test_what_is_about_to_be_purged_cannot_be_published(runs: ActivityRuns, site: VersionedSite) -> None:
    await two_runs(runs, site)
    await runs.store.datasets.forbid("books", 1)
    assert (await refusal(runs, run="first", force="true"))[0] == 410


async def test_what_is_purged_in_this_moment_cannot_be_published(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_runs(runs, site)

    async def chosen_then_purged(*asked: Any) -> Chosen:
        wanted = await chosen(*asked)
        del (await runs.store.tables.table("runs")).entities[RUNS, newest_first(wanted.epoch)]  # type: ignore[attr-defined]
        return wanted

    monkeypatch.setattr(dataset_publish, "chosen", chosen_then_purged)
    detail = "What run 'first' loaded of 'books' is not kept any more. GET /api/datasets/books lists what is."
    assert await refusal(runs, run="first", force="true") == (410, detail)


async def test_queries_and_bodies_that_cannot_be_right_are_refused(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    assert (await refusal(runs))[1] == "'run' must name the run whose snapshot is to be published: ?run=ID"
    wrong: list[dict[str, Any]] = [{}, {"run": ""}, {"run": "first", "force": "yes"}]
    wrong.append({"run": "first", "body": b'{"force": true}'})
    assert [(await refusal(runs, **query))[0] for query in wrong] == [400] * 4


async def test_a_dataset_of_an_older_version_of_the_app_has_no_history_and_gets_one(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await two_runs(runs, site)
    pointer: Any = (await runs.store.tables.table("datasets")).entities[("dataset", "books")]  # type: ignore[attr-defined]
    for name in ("by_run", "publications"):
        del pointer[name]
    _, document = await ask_json(get_dataset, runs)
    assert (document["publications"], document["published"]["runId"]) == ([], "second")
    dataset = await runs.store.datasets.find("books")
    assert dataset is not None
    assert dataset.by_run == 2
    await published(runs, run="first")
    _, document = await ask_json(get_dataset, runs)
    assert [one["runId"] for one in document["publications"]] == ["first"]


@pytest.mark.parametrize("name", ["run", " run\n"])
async def test_nobody_who_publishes_by_hand_is_recorded_as_a_run(
    runs: ActivityRuns, site: VersionedSite, name: str
) -> None:
    await two_runs(runs, site)
    assert (await published(runs, run="first", by=name))["published"]["publishedBy"] == "http"


async def test_a_source_that_is_not_in_the_file_any_more_has_no_gate_and_needs_force(
    runs: ActivityRuns, site: VersionedSite, tmp_path: Path
) -> None:
    await complete(runs, "first")
    await runs.start("second")
    await runs.claim("second")
    await runs.scrape("second", "books")
    runs.terminate("second")
    file = tmp_path / "sources.toml"
    file.write_text(file.read_text().replace('"books"', '"others"'))
    rule = "gate: it has none any more, since the sources file does not name it"
    status, problem = await post(runs, run="second")
    assert (status, problem["rule"]) == (409, rule)
    assert (await published(runs, run="second", force="true"))["published"]["overridden"] == rule


async def test_what_its_run_published_before_somebody_ended_it_has_passed_its_gate(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    site.broken = set(site.books[2:])
    await runs.start("small")
    await runs.claim("small")
    await runs.scrape("small", "books")
    await runs.publish("small", "books")
    runs.terminate("small")
    site.broken = set()
    await complete(runs, "second")
    _, document = await ask_json(get_dataset, runs)
    assert [one["outcome"] for one in document["snapshots"]] == ["published", "published"]
    assert (await published(runs, run="small"))["published"]["overridden"] is None
    assert await seen(runs) == rows_of(site, *site.books[:2])


async def test_a_publication_whose_answer_from_storage_was_lost_is_not_made_again_over_a_later_one(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_runs(runs, site)
    write = Datasets._write

    async def lost(self: Datasets, dataset: Dataset, etag: str) -> bool:
        monkeypatch.setattr(Datasets, "_write", write)
        assert await write(self, dataset, etag)
        await published(runs, run="second")
        return False

    monkeypatch.setattr(Datasets, "_write", lost)
    status, document = await post(runs, run="first")
    assert (status, document["published"]["runId"]) == (200, "second")
    _, document = await ask_json(get_dataset, runs)
    assert [one["runId"] for one in document["publications"]] == ["second", "first", "second", "first"]
