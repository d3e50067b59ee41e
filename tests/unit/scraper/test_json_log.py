"""LOG_FORMAT=json: every line of ours is one JSON object, whatever a site sends."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.log_lines import as_json
from scraper.run_log import log_context, run_logger, use_log_format

logger = run_logger("tests.json_log")
HOSTILE = 'a\r\n{"run_id": "forged"}\x1b[2K\u2028\u202e\x00\x85"'


@pytest.fixture(autouse=True)
def json_lines(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO)
    use_log_format("json")
    yield
    use_log_format("text")


def formatted(record: logging.LogRecord) -> dict[str, Any]:
    """The one line that a handler makes of a record."""
    (line,) = logging.Formatter("%(message)s").format(record).splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_line_has_its_run_source_batch_and_url_as_fields(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run_id="daily", source="books", batch=0, url="https://books.example/a"):
        logger.warning("loaded %d rows", 3, extra={"reason": "http_404", "attempts": 2})
    line = formatted(caplog.records[0])
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "WARNING",
        "logger": "tests.json_log",
        "message": "loaded 3 rows",
        "run_id": "daily",
        "source": "books",
        "batch": 0,
        "url": "https://books.example/a",
        "reason": "http_404",
        "attempts": 2,
    }


def test_what_a_site_sends_can_neither_end_a_line_nor_forge_a_field(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run_id="daily", url=HOSTILE):
        logger.warning("the page says %s", HOSTILE)
    line = formatted(caplog.records[0])
    assert line["run_id"] == "daily"
    escaped = 'a\\r\\n{"run_id": "forged"}\\x1b[2K\\u2028\\u202e\\x00\\x85"'
    assert (line["message"], line["url"]) == (f"the page says {escaped}", escaped)


def test_a_traceback_is_a_field_of_its_line(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError(f"not a price: {HOSTILE}")
    except ValueError:
        logger.exception("the page met a defect")
    line = formatted(caplog.records[0])
    assert line["message"] == "the page met a defect"
    assert [one for one in line["exception"].split("\n") if not one.startswith("  | ")] == []


def test_extra_fields_never_replace_those_of_the_line(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run_id="daily"):
        logger.info("loaded", extra={"level": "CRITICAL", "logger": "x", "time": "never"})
    line = formatted(caplog.records[0])
    assert (line["level"], line["logger"], line["run_id"]) == ("INFO", "tests.json_log", "daily")
    assert line["time"] != "never"


VALUES = st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.binary(), st.lists(st.text()))


@given(text=st.text(), fields=st.dictionaries(st.sampled_from(("run_id", "source", "url")), st.text()), value=VALUES)
def test_any_line_is_one_line_of_ascii_json(text: str, fields: dict[str, str], value: Any) -> None:
    record = logging.makeLogRecord({"levelname": "INFO", "name": "x", "of_the_call": value})
    line = as_json(record, text, fields)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line, parse_constant=pytest.fail).keys() >= {"message", "of_the_call", *fields}


def test_text_lines_name_their_batch_between_source_and_url(caplog: pytest.LogCaptureFixture) -> None:
    use_log_format("text")
    with log_context(run_id="daily", source="books", batch=7, url="/a"):
        logger.info("loaded")
    assert caplog.messages == ["loaded [run_id=daily source=books batch=7 url=/a]"]
    assert vars(caplog.records[0])["batch"] == 7
