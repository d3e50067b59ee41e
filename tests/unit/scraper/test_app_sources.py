"""The app's sources file while the app runs."""

import os
from pathlib import Path

import pytest

from scraper.app_sources import app_source
from scraper.errors import SourcesFileError
from scraper.settings import Settings

SOURCE = '[[source]]\nname = "books"\nurls = ["https://books.example/"]\nfields = { title = "h1" }\n'


def write(text: str, *, changed: int) -> None:
    """The sources file of the settings; `changed` is when, in seconds."""
    path = Path(os.environ["SOURCES_FILE"])
    path.write_text(text, encoding="utf-8")
    os.utime(path, (changed, changed))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SOURCES_FILE", str(tmp_path / "s.toml"))
    write(SOURCE, changed=1)
    return Settings()


def test_whoever_asks_next_has_the_rules_of_the_changed_file(settings: Settings) -> None:
    assert app_source(settings, "books").fields["title"].css == "h1"
    write(SOURCE.replace("h1", "h2"), changed=2)
    assert app_source(settings, "books").fields["title"].css == "h2"


def test_a_source_that_is_gone_from_the_changed_file_is_told(settings: Settings) -> None:
    app_source(settings, "books")
    write(SOURCE.replace('"books"', '"films"'), changed=2)
    with pytest.raises(SourcesFileError, match=r"no such source any more; did the file change during a run\?"):
        app_source(settings, "books")
