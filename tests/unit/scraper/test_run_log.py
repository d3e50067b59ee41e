"""Log lines say what they are about, and a site cannot write lines of its own."""

import ast
import asyncio
import logging
from pathlib import Path

import pytest

from scraper.run_log import log_context, one_line, run_logger

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGES = ("triggers", "activities", "starts", "orchestrations", "storage", "telemetry", "scraper")

logger = run_logger("tests.run_log")


@pytest.fixture(autouse=True)
def all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_line_ends_with_its_run_source_and_url(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run_id="daily-2026-11-21", source="books", url="https://books.example/a?b=1"):
        logger.info("loaded %d rows", 3)
    assert caplog.messages == [
        "loaded 3 rows [run_id=daily-2026-11-21 source=books url=https://books.example/a?b=1]",
    ]


def test_a_record_has_its_context_as_attributes(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run_id="r", source="books", url="https://books.example/"):
        logger.info("loaded", extra={"attempts": 2})
    fields = vars(caplog.records[0])
    assert {name: fields[name] for name in ("run_id", "source", "url", "attempts")} == {
        "run_id": "r",
        "source": "books",
        "url": "https://books.example/",
        "attempts": 2,
    }


def test_an_inner_context_adds_to_the_outer_one_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run_id="r"):
        with log_context(source="books"):
            logger.info("in")
        logger.info("out")
    logger.info("nowhere")
    assert caplog.messages == ["in [run_id=r source=books]", "out [run_id=r]", "nowhere"]


def test_a_context_ends_with_an_exception(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="broken"), log_context(run_id="r"):
        raise ValueError("broken")
    logger.info("after")
    assert caplog.messages == ["after"]


async def test_tasks_have_the_context_in_which_they_began_and_keep_their_own(caplog: pytest.LogCaptureFixture) -> None:
    async def page(number: int) -> None:
        with log_context(url=f"/{number}"):
            await asyncio.sleep(0)
            logger.info("page %d", number)

    with log_context(run_id="r"):
        tasks = [asyncio.create_task(page(number)) for number in range(3)]
    await asyncio.gather(*tasks)
    assert caplog.messages == [f"page {number} [run_id=r url=/{number}]" for number in range(3)]


async def test_a_thread_has_the_context_in_which_it_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run_id="r"):
        await asyncio.to_thread(logger.info, "in a thread")
    assert caplog.messages == ["in a thread [run_id=r]"]


HOSTILE = "a\r\n[2026-11-21] all is well\x1b[2K\u2028\u202e\x00\x85"


def test_what_a_site_sends_cannot_end_the_line_of_a_message(caplog: pytest.LogCaptureFixture) -> None:
    logger.warning("the page says %s", HOSTILE)
    escaped = "the page says a\\r\\n[2026-11-21] all is well\\x1b[2K\\u2028\\u202e\\x00\\x85"
    assert caplog.messages == [escaped]


def test_a_url_cannot_end_its_line_or_its_field(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(url='https://a.example/] [run_id=x "\nforged'):
        logger.warning("failed")
    assert caplog.messages == ['failed [url="https://a.example/] [run_id=x \\"\\nforged"]']


def test_each_line_of_a_traceback_is_marked_as_one(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError(f"not a price: {HOSTILE}\n[2026-11-21] forged")
    except ValueError:
        logger.exception("the page met a defect")
    first, *others = logging.Formatter("%(message)s").format(caplog.records[0]).splitlines()
    assert first == "the page met a defect"
    assert len(others) > 3
    assert [line for line in others if not line.startswith("  | ")] == []


def test_a_text_of_a_site_is_cut() -> None:
    assert one_line("x" * 5000) == "x" * 4000 + "…"
    assert one_line("x\n" * 10, longest=3) == "x\\nx…"


def test_percent_signs_of_a_url_are_no_format(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(url="https://a.example/%s%20d"):
        logger.info("%d %%", 7)
    assert caplog.messages == ["7 % [url=https://a.example/%s%20d]"]


def test_a_message_that_cannot_be_formatted_is_left_to_the_handler() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%d rows", ("many",), None)
    assert logger.filter(record)
    assert (record.msg, record.args) == ("%d rows", ("many",))


def test_a_logger_that_is_asked_for_twice_says_its_context_once(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run_id="r"):
        run_logger("tests.run_log").info("once")
    assert caplog.messages == ["once [run_id=r]"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_takes_its_logger_from_the_run_log(package: str) -> None:
    files = [file for file in (REPOSITORY / package).glob("*.py") if file.name != "run_log.py"]
    assert [file.name for file in files if "logging.getLogger(__name__)" in code_of(file)] == []


def code_of(file: Path) -> str:
    """The file's code, as Python spells it: no comments, one way to quote."""
    return ast.unparse(ast.parse(file.read_text("utf-8")))
