"""LOG_FORMAT=json over a whole run: every line of ours is an object that says what it is about."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scraper.run_log import use_log_format
from tests.helpers.scrape_host import app_settings, host_with_tables
from tests.helpers.tiny_site import TinySite

ROOMS = ("activities", "orchestrations", "scraper", "starts", "storage", "triggers")


class Lines(logging.Handler):
    """What a handler makes of the lines of our loggers."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(message)s"))
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))

    def about(self, text: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if text in line["message"]]


@pytest.fixture
def heard() -> Iterator[Lines]:
    lines = Lines()
    before = {room: logging.getLogger(room).level for room in ROOMS}
    for room in ROOMS:
        logging.getLogger(room).addHandler(lines)
        logging.getLogger(room).setLevel(logging.INFO)
    yield lines
    use_log_format("text")
    for room, level in before.items():
        logging.getLogger(room).removeHandler(lines)
        logging.getLogger(room).setLevel(level)


async def test_every_line_of_a_run_has_its_run_source_and_batch(
    azurite: str, table_prefix: str, site: TinySite, tmp_path: Path, heard: Lines
) -> None:
    site.broken = {"/books/4"}
    own = {"SOURCES_FILE": str(tmp_path / "sources.toml"), "PAGES_PER_BATCH": "3"}
    async with host_with_tables({**app_settings(azurite, table_prefix), **own}) as host:
        use_log_format("json")  # not before: the app of this process says LOG_FORMAT when the first host imports it
        reply = await host.request("POST", "/api/orchestrators/daily_scrape/run-1")
        assert reply.status == 202
        await host.wait_for("run-1")
    assert {line.get("run_id") for line in heard.lines} == {"run-1"}
    for text, count in (("started daily_scrape", 1), ("run claimed", 1), ("run ended", 1), ("source ended", 2)):
        assert len(heard.about(text)) == count
    batches = sorted((line["source"], line["batch"]) for line in heard.about("scraped: loaded"))
    assert batches == [("books", 0), ("books", 1), ("books", 2), ("books", 3), ("news", 0)]
    (failed,) = heard.about("page failed")
    told = {"source": "books", "batch": 1, "reason": "http_404", "attempts": 1, "level": "WARNING"}
    assert failed.items() >= told.items()
    assert failed["url"].endswith("/books/4")
