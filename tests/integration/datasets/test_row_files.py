"""Rows as files: NDJSON and CSV, whole or in parts that are one file when they are put together."""

import csv
import io
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import pytest

from storage.__main__ import _print_rows
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.dataset_requests import ask, ask_json, complete
from tests.helpers.versioned_site import VersionedSite
from triggers.datasets.rows import list_rows

ABSENT = '{ css = "u::text", required = false }'  # no page has it


async def answer(runs: ActivityRuns, **query: str) -> func.HttpResponse:
    found = await ask(list_rows, runs, tail="/rows", **query)
    assert found.status_code == 200
    return found


async def whole(runs: ActivityRuns, **query: str) -> tuple[str, list[func.HttpResponse]]:
    """All parts put together, and each of them."""
    parts = [await answer(runs, **query)]
    while "Link" in parts[-1].headers:
        link = parts[-1].headers["Link"].removeprefix("<").partition(">")[0]
        parts.append(await answer(runs, **dict(parse_qsl(urlsplit(link).query))))
    return "".join(one.get_body().decode() for one in parts), parts


async def documents(runs: ActivityRuns, **query: str) -> list[dict[str, Any]]:
    """The rows as the JSON format has them."""
    status, document = await ask_json(list_rows, runs, **query)
    assert status == 200
    rows: list[dict[str, Any]] = document["rows"]
    return rows


@pytest.mark.parametrize("limit", ["1000", "19", "8", "1"])
async def test_the_parts_of_a_file_are_the_file(runs: ActivityRuns, limit: str) -> None:
    await complete(runs, "first")
    rows = await documents(runs)
    lines, _ = await whole(runs, format="ndjson", limit=limit)
    assert [json.loads(line) for line in lines.splitlines()] == rows
    table, parts = await whole(runs, format="csv", limit=limit)
    read = list(csv.DictReader(io.StringIO(table, newline=""), strict=True))
    assert read == [{name: str(value) for name, value in row.items()} for row in rows]
    assert len(parts) == -(-len(rows) // int(limit))


async def test_a_file_says_what_it_is_and_whether_it_is_whole(runs: ActivityRuns) -> None:
    await complete(runs, "watch:books:1")
    (lines,) = (await whole(runs, format="ndjson"))[1]
    (table,) = (await whole(runs, format="csv"))[1]
    first, *_, last = (await whole(runs, format="csv", limit="8"))[1]
    files = (lines, table, first, last)
    told = [(one.headers["Content-Type"], one.headers["Content-Disposition"]) for one in files]
    assert {(one.headers["X-Content-Type-Options"], one.headers["Cache-Control"]) for one in files} == {
        ("nosniff", "no-store")
    }
    assert told == [
        ("application/x-ndjson", 'attachment; filename="books-watch-books-1.ndjson"'),
        ("text/csv; charset=utf-8; header=present", 'attachment; filename="books-watch-books-1.csv"'),
        ("text/csv; charset=utf-8; header=present", 'attachment; filename="books-watch-books-1.part.csv"'),
        ("text/csv; charset=utf-8; header=absent", 'attachment; filename="books-watch-books-1.part.csv"'),
    ]


async def test_the_columns_are_the_fields_of_the_rules_that_made_the_rows(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await complete(runs, "first")
    site.write_sources(fields=f'{{ zero = {ABSENT}, n = "b::text", more = {ABSENT} }}')
    await complete(runs, "second")
    site.write_sources()
    assert header(await answer(runs, format="csv", run="first")) == ["n"]
    assert header(await answer(runs, format="csv")) == ["zero", "n", "more"]


async def test_a_snapshot_without_rows_has_its_columns(runs: ActivityRuns, site: VersionedSite) -> None:
    site.emptied = set(site.books)
    site.write_sources("rows_may_be_absent = true", min_rows=0)
    assert (await complete(runs, "first"))["outcome"] == "published"
    assert header(await answer(runs, format="csv")) == ["n"]


async def test_the_columns_of_a_retry_are_those_of_all_its_parts(runs: ActivityRuns, site: VersionedSite) -> None:
    site.broken = {"/books/1"}
    await complete(runs, "first")
    site.broken = set()
    site.write_sources(fields=f'{{ n = "b::text", more = {ABSENT} }}')
    await runs.complete(await runs.start_retry("first"))
    assert header(await answer(runs, format="csv")) == ["n", "more"]


async def test_rows_whose_columns_were_not_written_down_are_read_for_them(runs: ActivityRuns) -> None:
    await complete(runs, "first")
    entities = (await runs.store.tables.table("batches")).entities  # type: ignore[attr-defined]
    for key in [key for key in entities if key[1].startswith("memory-000001")]:
        del entities[key]
    assert header(await answer(runs, format="csv")) == ["n"]


def header(table: func.HttpResponse) -> list[str]:
    """The columns of a file that are fields."""
    names = next(csv.reader(io.StringIO(table.get_body().decode(), newline="")))
    return [name for name in names if not name.startswith("_")]


async def test_an_unknown_format_is_refused(runs: ActivityRuns) -> None:
    detail = "'format' must be one of json, ndjson, csv, not 'xml'."
    status, problem = await ask_json(list_rows, runs, format="xml")
    assert (status, problem["detail"]) == (400, detail)


@pytest.mark.parametrize("wanted", ["ndjson", "csv"])
async def test_the_command_prints_all_rows_as_the_route_has_them(
    runs: ActivityRuns, capsys: pytest.CaptureFixture[str], wanted: str
) -> None:
    await complete(runs, "first")
    await _print_rows(runs.store, "books", as_csv=wanted == "csv")
    assert capsys.readouterr().out == (await answer(runs, format=wanted)).get_body().decode()
