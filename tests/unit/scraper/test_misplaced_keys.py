"""Keys of a source that were written below `[source.fields]`."""

from pathlib import Path

import pytest

from scraper.__main__ import main

HEAD = '[[source]]\nname = "books"\nurls = ["https://books.example/"]\n'
FIELDS = '[source.fields]\ntitle = "h1"\n'


def check(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], str]:
    """Exit status, the lines of stderr without the path, and stdout."""
    path = folder / "s.toml"
    path.write_text(text, encoding="utf-8")
    status = main(["check", str(path)])
    told = capsys.readouterr()
    return status, [line.replace(f"{path}: ", "") for line in told.err.splitlines()], told.out


def test_check_warns_of_every_key_of_the_source_that_became_a_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = 'rows = "table tr"\nformat = "html"\ncharset = "windows-1252"\n'
    status, warnings, out = check(tmp_path, HEAD + FIELDS + keys, capsys)
    assert status == 0
    cure = "is called like a key of the source; a key of the source stands above [source.fields]"
    assert warnings == [f"warning: source books: field {name!r} {cure}" for name in ("rows", "format", "charset")]
    assert "no problem found" not in out
    assert out.endswith("s.toml: no mistake found, number of warnings: 3, number of sources: 1\n")


def test_a_range_of_pages_that_became_a_column_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, warnings, _ = check(tmp_path, HEAD + 'format = "csv"\n' + FIELDS + 'pages = "1-200"\n', capsys)
    assert len(warnings) == 1
    assert "field 'pages'" in warnings[0]


@pytest.mark.parametrize(
    "field",
    [
        *('name = "b"', 'key = "i"', 'format = "p.format"', 'pages = "td.pages"'),
        *('rows = { css = "td", type = "int" }', 'feed = { css = "td", required = false }'),
    ],
)
def test_a_field_that_may_well_be_meant_is_not_warned_of(
    field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, warnings, out = check(tmp_path, f"{HEAD}{FIELDS}{field}\n", capsys)
    assert (status, warnings) == (0, [])
    assert "no problem found" in out


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("max_pages = 3", "max_pages"),
        ("respect_robots = false", "respect_robots"),
        ('blocked_if = ["captcha"]', "blocked_if"),
        ('key = ["title"]', "key"),
        ("pages = [1, 200]", "pages"),
        ('pages = "1-200"', "pages.css"),
        ('sitemap = "https://books.example/sitemap.xml"', "sitemap.css"),
        ("gate = { min_rows = 3 }", "gate.min_rows"),
        ('headers = { Accept-Language = "de" }', "headers.Accept-Language"),
    ],
)
def test_a_key_of_the_source_that_cannot_be_a_field_is_told_where_it_belongs(
    key: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, errors, _ = check(tmp_path, f"{HEAD}{FIELDS}{key}\n", capsys)
    name = place.partition(".")[0]
    cure = f"{name!r} is a key of the source; write it above [source.fields]"
    assert status == 1
    assert len(errors) == 1
    assert errors[0].startswith(f"error: source books: fields.{place}: {cure}")
    assert "write a table" not in errors[0]
    assert ("or under [source." in errors[0]) == (name in {"gate", "headers"})


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("name = 3", "fields.name: write a table"),
        ('pages = "td["', "fields.pages.css: 'td[' is not a CSS selector"),
        ('key = { csss = "b" }', "fields.key.csss: there is no such key; did you mean 'css'?"),
    ],
)
def test_a_mistake_in_a_real_field_is_told_as_such(
    field: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, errors, _ = check(tmp_path, f"{HEAD}{FIELDS}{field}\n", capsys)
    assert len(errors) == 1
    assert reason in errors[0]
