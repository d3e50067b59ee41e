"""What docs/sources.md shows is so: its sources can be read, its pages give its rows, its commands do what they say."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from aiohttp import web

from samples.serving import serving
from scraper.__main__ import EXIT_CODES, main
from scraper.models import value_as_json
from scraper.page_ranges import PageRange, page_ranges
from scraper.rows.extract import extract_rows
from tests.helpers.documented_sources import CONTENT_TYPES, DOCUMENT, URL, Example, blocks, examples, table_under

EXAMPLES = examples()
BAKERY = EXAMPLES[0]


def named(example: Example) -> str:
    return f"line-{example.line}"


def test_the_document_has_examples_of_all_kinds_of_pages() -> None:
    assert len(EXAMPLES) == 12
    assert [one.page_kind for one in EXAMPLES if one.page] == [*["html"] * 3, "xml", "json", "csv", "html", "html"]


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_a_documented_source_can_be_used(example: Example, tmp_path: Path) -> None:
    assert example.source(tmp_path).name == "bakery"


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_every_key_of_a_documented_source_is_kept(example: Example, tmp_path: Path) -> None:
    (table,) = tomllib.loads(example.sources_file)["source"]
    assert table.keys() <= example.source(tmp_path).model_fields_set


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.page], ids=named)
def test_a_documented_page_gives_the_rows_that_are_shown(example: Example, tmp_path: Path) -> None:
    source = example.source(tmp_path)
    body = example.page.encode(source.charset or "utf-8")
    rows = extract_rows(source, body, url=URL, charset=None, content_type=CONTENT_TYPES[example.page_kind])
    lines = [
        json.dumps({name: value_as_json(value) for name, value in row.values.items()}, ensure_ascii=False)
        for row in rows
    ]
    assert lines == example.rows.splitlines()


async def test_the_documented_try_says_what_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def bakery(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/bread.html":
            return web.Response(status=301, headers={"Location": "/bread/"})
        if request.path == "/bread/":
            return web.Response(body=BAKERY.page.encode(), content_type="text/html")
        return web.Response(status=404)

    (command,) = [line for block in blocks("sh") for line in block.splitlines() if " try " in line]
    async with serving(bakery) as site:
        here = BAKERY.toml.replace("https://bakery.example", site)
        private = here.replace('name = "bakery"', 'name = "bakery"\nallow_private_hosts = ["127.0.0.1"]')
        (tmp_path / "my-sources.toml").write_text(private, encoding="utf-8")
        arguments = shlex.split(command.replace("https://bakery.example", site))[3:]
        assert arguments[-1] == "my-sources.toml"
        assert await asyncio.to_thread(main, [*arguments[:-1], str(tmp_path / "my-sources.toml")]) == 0
    shown = capsys.readouterr()
    assert shown.out == BAKERY.rows
    (told,) = blocks("text")
    assert without_times(shown.err.replace(site, "https://bakery.example")) == without_times(told.replace(":443", ""))


def without_times(text: str) -> str:
    return re.sub(r"\d+ ms", "… ms", text)


def test_the_documented_checks_find_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my-sources.toml").write_text(BAKERY.toml, encoding="utf-8")
    monkeypatch.delenv("SOURCES_FILE", raising=False)
    lines = [line for block in blocks("sh") for line in block.splitlines() if " check" in line]
    words = [shlex.split(line, comments=True) for line in lines]
    monkeypatch.chdir(tmp_path)
    assert main(words[0][3:]) == 0
    monkeypatch.chdir(DOCUMENT.parents[1])
    for setting in words[1][:2]:
        monkeypatch.setenv(*setting.split("=", 1))
    assert main(words[1][5:]) == 0
    assert capsys.readouterr().out.count("no problem found") == len(words) == 2


def test_the_exit_statuses_are_those_of_the_help() -> None:
    assert [row[0] for row in table_under("# Sources", "exit status")] == re.findall(r"^  (\d)", EXIT_CODES, re.M)


RANGES = table_under("### Ranges", "`pages`")


@pytest.mark.parametrize(("written", "listed", "count"), RANGES)
def test_a_documented_range_stands_for_what_is_shown(written: str, listed: str, count: str) -> None:
    first, last = listed.split(" … ")
    for pages in re.findall(r"`([^`]+)`", written):
        ranges = [PageRange.model_validate(one) for one in page_ranges(tomllib.loads(f"x = {pages}")["x"])]
        numbers = [text for one in ranges for text in one.texts()]
        assert (numbers[:3], numbers[-1], len(numbers)) == (first.split(", "), last, int(count))
