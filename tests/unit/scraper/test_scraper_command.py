"""`python -m scraper check`."""

from pathlib import Path

import pytest

from scraper.__main__ import main

GOOD = '[[source]]\nname = "books"\nurls = ["https://books.example/"]\n[source.fields]\ntitle = "h1"\n'


def test_check_of_a_good_file_succeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text(GOOD, encoding="utf-8")
    assert main(["check", str(tmp_path / "s.toml")]) == 0
    assert "books: 1 fields, 2 requests at a time, 2 a second" in capsys.readouterr().out


def test_check_of_a_bad_file_fails_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text(GOOD.replace("h1", "h1["), encoding="utf-8")
    assert main(["check", str(tmp_path / "s.toml")]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 's.toml'}: source books: fields.title.css: ")


def test_try_of_an_unknown_source_names_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text(GOOD, encoding="utf-8")
    assert main(["try", "films", "https://books.example/", "--file", str(tmp_path / "s.toml")]) == 1
    assert "there is no such source; known are books" in capsys.readouterr().err
