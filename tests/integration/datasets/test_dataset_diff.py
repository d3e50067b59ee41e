"""`GET datasets/{source}/diff`: which rows one snapshot has more, less, or with other values than another one."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.dataset_requests import ROOT, ask, ask_json, complete, delete
from tests.helpers.versioned_site import VersionedSite
from triggers.datasets import diff as dataset_diff
from triggers.datasets.diff import get_diff

ALL = 19  # rows of the ten books
KEYED = r"""{ id = { css = "b::text", regex = "(.*) v" }, version = { css = "b::text", regex = "v(.*)" } }"""


async def diff(runs: ActivityRuns, **query: str) -> dict[str, Any]:
    status, document = await ask_json(get_diff, runs, **query)
    assert status == 200, document
    found: dict[str, Any] = document
    return found


async def refusal(runs: ActivityRuns, source: str = "books", **query: str) -> tuple[int, str]:
    status, problem = await ask_json(get_diff, runs, source, **query)
    assert problem["status"] == status
    return status, problem["detail"]


def counts(document: dict[str, Any]) -> tuple[int, ...]:
    return tuple(document[name] for name in ("added", "removed", "changed", "unchanged"))


def ends(document: dict[str, Any]) -> tuple[str, str]:
    return document["from"]["runId"], document["to"]["runId"]


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and value of each change."""
    return [(one["change"], one["row"]["n"]) for one in document["changes"]]


async def two_runs(runs: ActivityRuns, site: VersionedSite) -> None:
    """Of the second, `/books/1` is new and `/books/9` gone; `/books/4` has other rows."""
    site.books.remove("/books/1")
    await complete(runs, "first")
    site.books.insert(1, "/books/1")
    site.books.remove("/books/9")
    site.change("/books/4")
    await complete(runs, "second")


CHANGES = [
    ("added", "/books/1#0 v0"),
    ("added", "/books/1#1 v0"),
    ("changed", "/books/4#0 v1"),
    ("changed", "/books/4#1 v1"),
    ("removed", "/books/9#0 v0"),
]


async def test_what_is_published_is_compared_with_what_was_before(runs: ActivityRuns, site: VersionedSite) -> None:
    await two_runs(runs, site)
    found = await diff(runs)
    assert (found["source"], ends(found), found["continuation"]) == ("books", ("first", "second"), None)
    assert counts(found) == (2, 1, 2, 14)
    assert told(found) == CHANGES


async def test_a_changed_row_has_its_fields_as_they_were_and_are_and_the_lineage_of_both(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await two_runs(runs, site)
    added, _, changed, _, removed = (await diff(runs))["changes"]
    assert changed["fields"] == {"n": {"old": "/books/4#0 v0", "new": "/books/4#0 v1"}}
    assert (changed["row"]["_run"], changed["was"]["_run"]) == ("second", "first")
    assert changed["row"]["_url"] == changed["was"]["_url"]
    assert {"fields", "was"}.isdisjoint({*added, *removed})
    assert (added["row"]["_run"], removed["row"]["_run"]) == ("second", "first")


async def test_records_are_told_apart_by_the_fields_of_the_key_wherever_they_stand(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    site.write_sources('key = ["id"]', fields=KEYED)
    await complete(runs, "first")
    site.books.reverse()
    site.change("/books/5")
    await complete(runs, "second")
    found = await diff(runs)
    assert counts(found) == (0, 0, 3, 16)
    assert [one["row"]["id"] for one in found["changes"]] == [f"/books/5#{number}" for number in range(3)]
    assert [one["fields"] for one in found["changes"]] == [{"version": {"old": "0", "new": "1"}}] * 3


async def test_rows_that_the_key_does_not_tell_apart_are_counted_in_the_log(
    runs: ActivityRuns, site: VersionedSite, caplog: pytest.LogCaptureFixture
) -> None:
    fields = r"""{ n = "b::text", v = { css = "b::text", regex = "v.*" }, none = { css = "i", required = false } }"""
    site.write_sources('key = ["v"]', fields=fields)
    await complete(runs, "first")
    assert f"rows that have the key of another one: {ALL - 1}; such rows are paired in page order" in caplog.text
    caplog.clear()
    site.write_sources('key = ["n", "none"]', fields=fields)
    await complete(runs, "second")
    assert "rows that have the key of another one" not in caplog.text
    assert "rows that have no value in a field of key" in caplog.text


async def test_a_field_that_came_or_went_has_null_in_its_place(runs: ActivityRuns, site: VersionedSite) -> None:
    await complete(runs, "first")
    site.write_sources(fields=r"""{ m = "b::text" }""")
    await complete(runs, "second")
    found = await diff(runs, limit="1")
    assert counts(found) == (0, 0, ALL, 0)
    value = "/books/0#0 v0"
    assert found["changes"][0]["fields"] == {"m": {"old": None, "new": value}, "n": {"old": value, "new": None}}


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
async def test_pages_of_every_size_have_each_change_once(runs: ActivityRuns, site: VersionedSite, limit: int) -> None:
    await two_runs(runs, site)
    query, pages = {"limit": f"{limit}"}, []
    while True:
        pages.append(await diff(runs, **query))
        link = (await ask(get_diff, runs, tail="/diff", **query)).headers.get("Link", "")
        if not link:
            break
        found = re.fullmatch(r'<(.*)>; rel="next"', link)
        assert found is not None
        assert found[1].startswith(f"{ROOT}/books/diff?")
        query = dict(parse_qsl(urlsplit(found[1]).query))
        assert query == {"limit": f"{limit}", "continuation": pages[-1]["continuation"]}
    assert [change for page in pages for change in told(page)] == CHANGES
    assert [len(page["changes"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert {counts(page) for page in pages} == {(2, 1, 2, 14)}


async def test_all_pages_compare_the_same_two_snapshots_whatever_is_published_meanwhile(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await two_runs(runs, site)
    page = await diff(runs, limit="2")
    site.change("/books/0")
    await complete(runs, "third")
    rest = await diff(runs, continuation=page["continuation"])
    assert told(page) + told(rest) == CHANGES
    assert ends(rest) == ("first", "second")
    assert ends(await diff(runs)) == ("second", "third")


async def test_any_two_snapshots_that_are_kept_can_be_compared_in_either_direction(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await two_runs(runs, site)
    await complete(runs, "third")
    assert counts(await diff(runs)) == (0, 0, 0, 18)
    assert counts(await diff(runs, **{"from": "first", "to": "third"})) == (2, 1, 2, 14)
    back = await diff(runs, **{"from": "third@3", "to": "first@1"})
    assert (counts(back), back["from"]["epoch"], back["to"]["epoch"]) == ((1, 2, 2, 14), 3, 1)
    assert counts(await diff(runs, **{"from": "first", "to": "first"})) == (0, 0, 0, 17)


async def test_a_snapshot_that_the_gate_refused_is_compared_with_what_is_published(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await complete(runs, "first")
    site.broken = set(site.books[2:])
    assert (await complete(runs, "second"))["outcome"] == "refused"
    found = await diff(runs, to="second")
    assert (ends(found), counts(found)) == (("first", "second"), (0, 16, 0, 3))


async def test_rows_that_a_retry_took_over_are_found_where_they_are(runs: ActivityRuns, site: VersionedSite) -> None:
    site.broken = {"/books/1"}
    await complete(runs, "first")
    site.broken = set()
    site.change("/books/0")  # which the retry does not ask for: it has been loaded
    await runs.complete(retry := await runs.start_retry("first"))
    assert told(found := await diff(runs)) == CHANGES[:2]
    assert (ends(found), counts(found)) == (("first", retry), (2, 0, 0, 17))
    await complete(runs, "third")
    assert told(await diff(runs)) == [("changed", "/books/0#0 v1")]


async def test_a_page_ends_when_its_changes_have_so_many_bytes(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_runs(runs, site)
    monkeypatch.setattr(dataset_diff, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(dataset_diff, "MOST_BYTES", 1)
    page = await diff(runs)
    assert told(page) == CHANGES[:2]
    assert told(await diff(runs, continuation=page["continuation"])) == CHANGES[2:4]


async def test_of_all_rows_only_those_of_the_page_are_read(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_runs(runs, site)
    table: Any = await runs.store.tables.table("rows")
    usual, read = table.query_entities, []

    async def counted(*args: Any, **how: Any) -> AsyncIterator[Any]:
        async for entity in usual(*args, **how):
            read.append(entity["n"])
            yield entity

    monkeypatch.setattr(table, "query_entities", counted)
    assert len((await diff(runs, limit="3"))["changes"]) == 3
    assert sorted(read) == ["/books/1#0 v0", "/books/1#1 v0", "/books/4#0 v0", "/books/4#0 v1"]


async def test_without_a_publication_before_there_is_nothing_to_compare_with(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    site.broken = set(site.books)
    await complete(runs, "refused")
    assert (await refusal(runs))[0] == 404
    detail = "Nothing of 'books' was published before run '{}': name a run in 'from'."
    assert await refusal(runs, to="refused") == (404, detail.format("refused"))
    site.broken = set()
    await complete(runs, "first")
    assert await refusal(runs) == (404, detail.format("first"))
    assert counts(await diff(runs, **{"from": "refused"})) == (ALL, 0, 0, 0)


async def test_unknown_sources_and_runs_are_not_found(runs: ActivityRuns, site: VersionedSite) -> None:
    await two_runs(runs, site)
    assert await refusal(runs, "films") == (404, "There is no dataset 'films'. There are: books.")
    detail = "There is no run 'nobody'. Kept are: second, first."
    assert await refusal(runs, **{"from": "nobody"}) == (404, detail)
    assert await refusal(runs, to="nobody") == (404, detail)


async def test_a_run_that_is_not_through_cannot_be_compared(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    await runs.claim(await runs.start("second"))
    await runs.scrape("second", "books", lists=[0])
    status, detail = await refusal(runs, to="second")
    assert (status, detail.partition(":")[0]) == (409, "Of 'books', run 'second' has 1 of 4 batches")


CANNOT = (
    "What run 'first' and run 'second' loaded of 'books' cannot be compared: of one of them not all is kept any more"
)


@pytest.mark.parametrize(
    ("table", "reason"), [("batches", "What run 'first' loaded of 'books' is not kept any more."), ("rows", CANNOT)]
)
async def test_what_was_purged_is_gone_also_between_two_pages(
    runs: ActivityRuns, site: VersionedSite, table: str, reason: str
) -> None:
    await two_runs(runs, site)
    continuation = (await diff(runs, limit="2"))["continuation"]
    await delete(runs, table, of_epoch=1)
    answers = [await refusal(runs), await refusal(runs, continuation=continuation)]
    assert [(status, detail[: len(reason)]) for status, detail in answers] == [(410, reason)] * 2


async def test_rows_that_nobody_remembers_cannot_be_compared(runs: ActivityRuns, site: VersionedSite) -> None:
    site.broken = {"/books/1"}
    await complete(runs, "first")
    await delete(runs, "batches", of_epoch=1, containing="memory-000001")
    site.broken = set()
    summary = await complete(runs, "second")
    assert [summary[name] for name in ("outcome", "added", "removed", "changed")] == ["published", None, None, None]
    status, detail = await refusal(runs)
    assert (status, detail[: len(CANNOT)]) == (410, CANNOT)


async def test_queries_that_cannot_be_right_are_refused(runs: ActivityRuns, site: VersionedSite) -> None:
    await two_runs(runs, site)
    for text in ["4", "1-2", "1-2-x", "-1-2-0", "1-2-0-0"]:
        detail = f"'continuation' must be one that the page before has given, not '{text}'."
        assert await refusal(runs, continuation=text) == (400, detail)
    assert (await refusal(runs, continuation="7-8-0"))[0] == 410
    assert (await diff(runs, continuation="1-2-999"))["changes"] == []
    assert [(await refusal(runs, limit=text))[0] for text in ("0", "1001", "x")] == [400] * 3


async def test_a_continuation_with_other_runs_than_its_own_is_refused(runs: ActivityRuns, site: VersionedSite) -> None:
    await two_runs(runs, site)
    page = await diff(runs, limit="2")
    same = {"from": "first", "to": "second@2", "limit": "2", "continuation": page["continuation"]}
    assert told(await diff(runs, **same)) == CHANGES[2:4]
    detail = "'from' is 'second', but 'continuation' goes on with run 'first': leave 'from' out."
    assert await refusal(runs, **{**same, "from": "second"}) == (400, detail)
    assert (await refusal(runs, **{**same, "to": "x" * 300}))[0] == 400
