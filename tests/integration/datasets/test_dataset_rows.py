"""`GET datasets/{source}/rows`: parts of one snapshot, while others are published."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from storage.data.row_formats import json_line
from storage.data.rows import Rows
from storage.data.stored_rows import StoredRow
from storage.snapshots.snapshots import Snapshot
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.dataset_requests import ROOT, ask, ask_json, complete, delete
from tests.helpers.versioned_site import VersionedSite
from triggers.datasets import rows as dataset_rows
from triggers.datasets.lookup import opened
from triggers.datasets.rows import list_rows

ALL = 19  # rows of the ten books
GONE = "What run 'first' loaded of 'books' is not kept any more. GET /api/datasets/books lists what is."


def seen(rows: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    """Path, position and value, as the site tells them."""
    return [("/" + row["_url"].split("/", 3)[3], row["_position"], row["n"]) for row in rows]


async def page(runs: ActivityRuns, **query: str) -> tuple[list[dict[str, Any]], str | None]:
    status, document = await ask_json(list_rows, runs, **query)
    assert status == 200, document
    return document["rows"], document["continuation"]


async def refusal(runs: ActivityRuns, source: str = "books", **query: str) -> tuple[int, str]:
    status, problem = await ask_json(list_rows, runs, source, **query)
    assert problem["status"] == status
    return status, problem["detail"]


async def refused_run(runs: ActivityRuns, site: VersionedSite) -> None:
    """A published run, and one that its gate refused."""
    await complete(runs, "first")
    site.broken = set(site.books[2:])
    assert (await complete(runs, "second"))["outcome"] == "refused"


@pytest.mark.parametrize("limit", [1, 7, ALL, ALL + 1])
async def test_parts_of_every_size_have_each_row_once_in_page_order(
    runs: ActivityRuns, site: VersionedSite, limit: int
) -> None:
    await complete(runs, "first")
    rows, continuation = await page(runs, limit=f"{limit}")
    sizes = [len(rows)]
    while continuation is not None:
        more, continuation = await page(runs, limit=f"{limit}", continuation=continuation)
        sizes.append(len(more))
        rows += more
    assert seen(rows) == site.rows_of(*site.books)
    assert sizes == [limit] * (ALL // limit) + ([ALL % limit] if ALL % limit else [])


async def test_the_link_to_the_next_part_can_be_followed_as_it_is(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    rows, query, links = [], {"limit": "8"}, []
    while True:
        answer = await ask(list_rows, runs, tail="/rows", **query)
        rows += (await page(runs, **query))[0]
        if "Link" not in answer.headers:
            break
        found = re.fullmatch(r'<(.*)>; rel="next"', answer.headers["Link"])
        assert found is not None
        links.append(urlsplit(found[1]))
        query = dict(parse_qsl(links[-1].query))
    assert seen(rows) == site.rows_of(*site.books)
    assert {f"{link.scheme}://{link.netloc}{link.path}" for link in links} == {f"{ROOT}/books/rows"}
    assert len(links) == 2


async def test_all_parts_are_of_the_snapshot_that_was_published_when_the_first_was_read(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await complete(runs, "first")
    before = site.rows_of(*site.books)
    rows, continuation = await page(runs, limit="5")
    site.change("/books/0")
    site.change("/books/9")
    await complete(runs, "second")
    while continuation is not None:
        more, continuation = await page(runs, limit="5", continuation=continuation)
        rows += more
    assert seen(rows) == before
    assert seen((await page(runs))[0]) == site.rows_of(*site.books) != before


async def test_a_part_ends_when_it_has_so_many_bytes_but_has_one_row_at_least(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await complete(runs, "first")
    size = len((await ask(list_rows, runs, limit="1")).get_body())
    monkeypatch.setattr(dataset_rows, "MOST_BYTES", 2 * size)
    rows, continuation = await page(runs)
    assert 2 <= len(rows) <= 4
    monkeypatch.setattr(dataset_rows, "MOST_BYTES", 1)
    assert continuation is not None
    assert len((await page(runs, continuation=continuation))[0]) == 1


async def test_a_row_names_the_run_that_fetched_it_its_page_and_when(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    site.change("/books/4")
    await complete(runs, "second")
    rows, _ = await page(runs)
    runs_of = {(row["_url"].rpartition("/")[2], row["_run"], row["_epoch"]) for row in rows}
    assert runs_of == {(f"{n}", "second", 2) if n == 4 else (f"{n}", "first", 1) for n in range(10)}
    stored: list[StoredRow] = [row async for row in runs.store.published_rows("books")]
    assert [datetime.fromisoformat(row["_fetched_at"]) for row in rows] == [row.fetched_at for row in stored]


async def test_rows_that_were_carried_over_outlive_the_record_of_the_run_that_fetched_them(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    await complete(runs, "second")
    (await runs.store.tables.table("runs")).entities.pop(("run", "9999999998"))  # type: ignore[attr-defined]
    rows, _ = await page(runs)
    assert {(row["_run"], row["_epoch"]) for row in rows} == {(None, 1)}


async def test_a_snapshot_that_the_gate_refused_is_read_by_its_run(runs: ActivityRuns, site: VersionedSite) -> None:
    await refused_run(runs, site)
    assert seen((await page(runs, run="second"))[0]) == site.rows_of(*site.books[:2])
    rows, continuation = await page(runs, run="second@2", limit="2")
    assert continuation is not None
    more, _ = await page(runs, continuation=continuation)
    assert seen(rows + more) == site.rows_of(*site.books[:2])
    assert seen((await page(runs))[0]) == site.rows_of(*site.books)


async def test_an_id_that_was_used_again_means_its_newest_run_and_the_epoch_another(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await complete(runs, "daily")
    before = site.rows_of(*site.books)
    site.change("/books/0")
    await complete(runs, "daily")
    assert seen((await page(runs, run="daily"))[0]) == site.rows_of(*site.books)
    assert seen((await page(runs, run="daily@1"))[0]) == before


async def test_a_published_snapshot_is_read_by_its_run_when_that_ones_record_is_gone(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    entities = (await runs.store.tables.table("runs")).entities  # type: ignore[attr-defined]
    entities.clear()
    assert len((await page(runs, run="first"))[0]) == len((await page(runs, run="first@1"))[0]) == ALL


async def test_an_unknown_source_is_not_found_and_the_known_ones_are_named(runs: ActivityRuns) -> None:
    detail = "There is no dataset 'films'. No run has begun to work on any source yet."
    assert await refusal(runs, "films") == (404, detail)
    await complete(runs, "first")
    assert await refusal(runs, "films") == (404, "There is no dataset 'films'. There are: books.")
    assert (await refusal(runs, "bo/../oks"))[0] == 404


async def test_an_unknown_run_is_not_found_and_the_kept_ones_are_named(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    await complete(runs, "second")
    unknown = ["third", "first@2", "a b", "x" * 200, "@", "first@", "first@x", "first@99999999999"]
    answers = {run: await refusal(runs, run=run) for run in unknown}
    assert answers == {run: (404, f"There is no run '{run[:100]}'. Kept are: second, first.") for run in unknown}


async def test_a_source_of_which_nothing_is_published_is_not_found_and_the_reason_is_told(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    site.broken = set(site.books)
    await complete(runs, "first")
    detail = (
        "Nothing of 'books' is published yet. Its newest snapshot is of run 'first', where it ended as refused: "
        "min_rows: 0 rows, at least 1 are wanted"
    )
    assert await refusal(runs) == (404, f"{detail}.")


async def test_what_a_run_has_not_scraped_to_its_end_is_not_shown(runs: ActivityRuns) -> None:
    await runs.claim(await runs.start("first"))
    await runs.scrape("first", "books", lists=[0, 1, 2])
    status, detail = await refusal(runs, run="first")
    assert (status, detail.partition(":")[0]) == (409, "Of 'books', run 'first' has 3 of 4 batches")
    await runs.scrape("first", "books", lists=[3])
    assert len((await page(runs, run="first"))[0]) == ALL  # nothing will be added any more


@pytest.mark.parametrize(("table", "containing"), [("batches", ""), ("rows", ""), ("rows", "~000002")])
async def test_what_was_purged_is_gone_and_never_half_of_it_is_shown(
    runs: ActivityRuns, table: str, containing: str
) -> None:
    await complete(runs, "first")
    await complete(runs, "second")
    _, continuation = await page(runs, run="first", limit="2")
    assert continuation is not None
    await delete(runs, table, of_epoch=1, containing=containing)
    assert await refusal(runs, run="first") == (410, GONE)
    assert await refusal(runs, continuation=continuation) == (410, GONE)
    assert len((await page(runs))[0]) == ALL


async def test_a_run_that_found_no_pages_has_no_snapshot(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    site.books = []
    assert (await complete(runs, "second"))["outcome"] == "failed"
    status, detail = await refusal(runs, run="second")
    reason = "Of 'books', run 'second' has no snapshot: it has found no pages: no page found: "
    assert (status, detail[: len(reason)]) == (404, reason)


async def test_a_continuation_that_cannot_be_one_is_refused(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    texts = ["4", "1-0-0-0", "1-0-0-0-x", "-1-0-0-0-0", "1-0-0-0-0-0"]
    detail = "'continuation' must be one that the part before has given, not"
    assert [await refusal(runs, continuation=text) for text in texts] == [
        (400, f"{detail} '{text}'.") for text in texts
    ]
    assert (await refusal(runs, continuation="7-0-0-0-0"))[0] == 410
    assert (await refusal(runs, limit="10001"))[0] == 400


@pytest.mark.parametrize("most_bytes", [200, 1000, 4 * 1024 * 1024])
async def test_rows_are_asked_for_a_few_at_a_time_until_it_is_known_how_large_they_are(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch, most_bytes: int
) -> None:
    await complete(runs, "first")
    placed, asked = runs.store.rows.placed, list[int]()

    def told(*which: Any, at_once: int, **more: Any) -> Any:
        asked.append(at_once)
        return placed(*which, at_once=at_once, **more)

    monkeypatch.setattr(Rows, "placed", lambda _, *which, **more: told(*which, **more))
    monkeypatch.setattr(dataset_rows, "AT_FIRST", 2)
    monkeypatch.setattr(dataset_rows, "MOST_BYTES", most_bytes)
    rows, continuation = await page(runs)
    assert asked[0] == 2
    while continuation is not None:
        more, continuation = await page(runs, continuation=continuation)
        rows += more
    assert seen(rows) == site.rows_of(*site.books)
    of_a_row = min(len(json_line(row)) for row in rows)
    assert all(number == 2 or number * of_a_row <= 2 * most_bytes for number in asked)
    assert max(asked) > 2 or most_bytes == 200


async def test_a_part_of_what_is_being_purged_is_410_and_never_other_rows(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await complete(runs, "first")

    async def opened_just_before(*request: Any) -> Snapshot:
        snapshot = await opened(*request)
        await delete(runs, "batches", of_epoch=1, containing="plan")
        await delete(runs, "rows", of_epoch=1, containing="-0000-")  # of each batch the first page
        return snapshot

    monkeypatch.setattr(dataset_rows, "opened", opened_just_before)
    assert await refusal(runs, limit="1") == (410, GONE)


async def test_what_was_purged_of_a_run_that_somebody_had_ended_is_gone_and_not_never_found(runs: ActivityRuns) -> None:
    await runs.start("first")
    await runs.claim("first")
    await runs.scrape("first", "books")
    runs.terminate("first")
    await complete(runs, "second")
    await runs.store.datasets.forbid("books", 1)
    await delete(runs, "batches", of_epoch=1)
    assert await refusal(runs, run="first") == (410, GONE)


async def test_runs_whose_id_was_used_again_are_named_with_their_epochs(runs: ActivityRuns) -> None:
    for _ in range(2):
        await complete(runs, "race")
    answers = [await ask_json(list_rows, runs, run=run) for run in ("race@99", "nobody")]
    named = "Kept are: race@2, race@1."
    assert [problem["detail"] for _, problem in answers] == [
        f"There is no run 'race@99'. {named}",
        f"There is no run 'nobody'. {named}",
    ]


async def test_a_continuation_of_another_source_is_refused_with_the_source_that_lacks_it(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    _, document = await ask_json(list_rows, runs, limit="1")
    await runs.store.datasets.raise_fence("news", 1)
    status, problem = await ask_json(list_rows, runs, "news", continuation=document["continuation"])
    assert (status, problem["detail"]) == (
        404,
        "The continuation is of run 'first', which did not have 'news': give it to the source that it came from.",
    )


async def test_a_continuation_with_another_run_than_its_own_is_refused(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    rows, continuation = await page(runs, limit="5")
    assert continuation is not None
    following, _ = await page(runs, limit="5", run="first", continuation=continuation)
    assert following != rows
    detail = "'run' is 'second', but 'continuation' goes on with run 'first': leave 'run' out."
    assert await refusal(runs, run="second", continuation=continuation) == (400, detail)
