"""`python -m scraper check`."""

from pathlib import Path

import pytest

from scraper.__main__ import EXIT_CODES, main

GOOD = '[[source]]\nname = "books"\nurls = ["https://books.example/"]\n[source.fields]\ntitle = "h1"\n'


def test_check_of_a_good_file_succeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text(GOOD, encoding="utf-8")
    assert main(["check", str(tmp_path / "s.toml")]) == 0
    assert "books: 1 fields of html or xml, 2 requests at a time, 2 a second" in capsys.readouterr().out


def test_check_of_a_bad_file_fails_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text(GOOD.replace("h1", "h1["), encoding="utf-8")
    assert main(["check", str(tmp_path / "s.toml")]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 's.toml'}: source books: fields.title.css: ")


def test_check_tells_every_mistake_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = GOOD.replace("h1", "h1[").replace("urls", "concurency = 3\ncharset = 3\nurls")
    unset = GOOD.replace("books.example", "${NOT_SET}")
    (tmp_path / "s.toml").write_text(bad + unset.replace('"books"', '"films"') + GOOD + GOOD, encoding="utf-8")
    assert main(["check", str(tmp_path / "s.toml")]) == 1
    told = [
        line.removeprefix(f"error: {tmp_path / 's.toml'}: source ") for line in capsys.readouterr().err.splitlines()
    ]
    places = [": ".join(line.split(": ")[:2]) for line in told]
    assert sorted(places[:3]) == ["books: charset", "books: concurency", "books: fields.title.css"]
    assert places[3:] == ["films: urls", "books: name"]


@pytest.mark.parametrize(
    ("keys", "field", "place"),
    [
        ('key = ["title"]', '{ css = "h1[" }', "fields.title.css"),
        ('rows = "items[*]"', '{ path = "a[" }', "fields.title.path"),
        ('rows = "items[*]"\nformat = "jason"', '{ path = "a" }', "format"),
    ],
)
def test_what_a_mistake_leaves_undecided_is_not_a_second_mistake(
    keys: str, field: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GOOD.replace("[source.fields]", f"{keys}\n[source.fields]").replace('"h1"', field)
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    assert main(["check", str(tmp_path / "s.toml")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {tmp_path / 's.toml'}: source books: {place}: ")


def test_try_of_an_unknown_source_names_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text(GOOD, encoding="utf-8")
    assert main(["try", "films", "https://books.example/", "--file", str(tmp_path / "s.toml")]) == 1
    assert "there is no such source; known are books" in capsys.readouterr().err


def test_a_missing_file_is_told_and_has_the_exit_status_of_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path / "s.toml")]) == 1
    assert "there is no such file; set SOURCES_FILE to its path" in capsys.readouterr().err


def test_the_sources_file_of_the_settings_is_checked_if_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.toml").write_text(GOOD, encoding="utf-8")
    monkeypatch.setenv("SOURCES_FILE", str(tmp_path / "s.toml"))
    assert main(["check"]) == 0
    assert capsys.readouterr().out.endswith("s.toml: no problem found, number of sources: 1\n")


def test_wrong_arguments_and_help_tell_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as wrong:
        main(["chekc"])
    with pytest.raises(SystemExit) as helped:
        main(["--help"])
    assert (wrong.value.code, helped.value.code) == (2, 0)
    assert EXIT_CODES in capsys.readouterr().out
