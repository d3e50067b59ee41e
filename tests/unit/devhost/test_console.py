import io
import logging
import sys
import threading

import pytest

from devhost.console import (
    CategoryFilter,
    LineFormatter,
    ListedFunction,
    category_of,
    console_handler,
    lowest_level,
    start_up_lines,
    verbose_hint,
    wants_color,
)
from devhost.running_function import run_of, thread_local_storage


def record(
    message: str = "text", *, name: str = "devhost.web", level: int = logging.INFO, **extra: object
) -> logging.LogRecord:
    made = logging.LogRecord(name, level, __file__, 1, message, None, None)
    made.created = 1793700000.0079  # 2026-11-03T10:00:00.0079Z
    made.__dict__.update(extra)
    return made


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.row("host/1.6/stamp")
def test_a_line_has_a_utc_stamp_with_milliseconds() -> None:
    assert LineFormatter(use_color=False).format(record()) == "[2026-11-03T10:00:00.007Z] text"


@pytest.mark.row("host/1.6/stamp")
def test_every_line_of_a_message_is_stamped() -> None:
    lines = LineFormatter(use_color=False).format(record("a\nb"))
    assert lines == "[2026-11-03T10:00:00.007Z] a\n[2026-11-03T10:00:00.007Z] b"


def test_every_line_of_a_traceback_is_stamped() -> None:
    failed = record()
    try:
        raise ValueError("boom")
    except ValueError:
        failed.exc_info = sys.exc_info()
    lines = LineFormatter(use_color=False).format(failed).split("\n")
    assert lines[-1] == "[2026-11-03T10:00:00.007Z] ValueError: boom"
    assert all(line.startswith("[2026-11-03T10:00:00.007Z] ") for line in lines)


@pytest.mark.row("host/1.6/colors")
@pytest.mark.parametrize(
    ("level", "color"),
    [
        (logging.CRITICAL, "\x1b[91m"),
        (logging.ERROR, "\x1b[91m"),
        (logging.WARNING, "\x1b[33m"),
        (logging.INFO, "\x1b[36m"),
        (logging.DEBUG, "\x1b[32m"),
    ],
)
def test_the_color_tells_the_level(level: int, color: str) -> None:
    line = LineFormatter(use_color=True).format(record(level=level))
    assert line == f"\x1b[32m[2026-11-03T10:00:00.007Z]\x1b[0m {color}text\x1b[0m"


def test_a_terminal_gets_color() -> None:
    assert wants_color(Terminal(), {}) is True


def test_a_file_gets_no_color() -> None:
    assert wants_color(io.StringIO(), {}) is False


def test_no_color_is_respected() -> None:
    assert wants_color(Terminal(), {"NO_COLOR": "1"}) is False


@pytest.mark.parametrize(
    ("name", "extra", "category"),
    [
        ("devhost.timers", {}, "Host.timers"),
        ("devhost", {}, "Host"),
        ("aiohttp.access", {}, "Host.aiohttp.access"),
        ("scraper.fetch.fetcher", {}, "Function"),
        ("root", {}, "Function"),
        ("devhost.functions", {"category": "Function.Nightly"}, "Function.Nightly"),
    ],
)
def test_the_category_follows_the_logger(name: str, extra: dict[str, object], category: str) -> None:
    assert category_of(record(name=name, **extra)) == category


@pytest.mark.row("host/1.6/default-levels")
def test_a_record_of_a_running_function_belongs_to_it() -> None:
    with run_of("Nightly", "run-1"):
        inside = category_of(record(name="scraper"))
    assert (inside, category_of(record(name="scraper"))) == ("Function.Nightly.User", "Function")


def test_a_record_of_the_host_is_the_hosts_even_while_a_function_runs() -> None:
    with run_of("Nightly", "run-1"):
        assert category_of(record(name="devhost.web")) == "Host.web"


@pytest.mark.row("host/1.7/logging-thread")
def test_a_thread_of_the_app_is_tied_to_a_run_by_its_invocation_id() -> None:
    found: list[str] = []

    def own_thread() -> None:
        found.append(category_of(record(name="root")))
        thread_local_storage.invocation_id = "run-2"
        found.append(category_of(record(name="root")))

    with run_of("Nightly", "run-2"):
        thread = threading.Thread(target=own_thread)
        thread.start()
        thread.join()
    assert found == ["Function", "Function.Nightly.User"]


@pytest.mark.parametrize(
    ("log_levels", "user_level", "lowest"),
    [
        ({}, None, logging.INFO),
        ({"default": "None", "Function": "Error"}, None, logging.INFO),
        ({"default": "Warning", "Function.a.User": "Debug"}, None, logging.DEBUG),
        ({"Host": "Trace"}, "Debug", 5),
        ({}, "debug", logging.DEBUG),
    ],
)
def test_records_below_every_level_that_is_shown_are_not_made(
    log_levels: dict[str, str], user_level: str | None, lowest: int
) -> None:
    assert lowest_level(log_levels, user_level=user_level) == lowest


@pytest.mark.parametrize(
    ("log_levels", "options", "name", "level", "passes"),
    [
        ({}, {}, "app", logging.INFO, True),
        ({}, {}, "app", logging.DEBUG, False),
        ({}, {}, "devhost.web", logging.INFO, False),
        ({}, {}, "devhost.web", logging.WARNING, True),
        ({}, {"is_verbose": True}, "devhost.web", logging.INFO, True),
        ({"default": "Error"}, {}, "app", logging.WARNING, False),
        ({"default": "Debug"}, {}, "devhost.web", logging.DEBUG, True),
        ({"Host": "None"}, {}, "devhost.web", logging.CRITICAL, False),
        ({"host": "Error", "HOST.web": "Trace"}, {}, "devhost.web", 5, True),
        ({"default": "Error"}, {"user_level": "Debug"}, "app", logging.DEBUG, True),
        ({"Function": "Error"}, {"user_level": "Debug"}, "app", logging.DEBUG, False),
    ],
)
def test_the_filter_follows_host_json_and_options(
    log_levels: dict[str, str], options: dict[str, object], name: str, level: int, passes: bool
) -> None:
    category_filter = CategoryFilter(log_levels, **{"is_verbose": False, **options})
    assert category_filter.filter(record(name=name, level=level)) is passes


def test_a_record_marked_always_shown_passes() -> None:
    assert CategoryFilter({"default": "None"}, is_verbose=False).filter(record(always_shown=True)) is True


def test_the_handler_formats_and_filters() -> None:
    stream = io.StringIO()
    handler = console_handler(stream, {}, is_verbose=False)
    handler.handle(record("hidden"))
    handler.handle(record("shown", name="app"))
    assert stream.getvalue() == "[2026-11-03T10:00:00.007Z] shown\n"


@pytest.mark.row("host/1.6/list")
def test_the_list_has_http_first_then_others_then_disabled() -> None:
    functions = [
        ListedFunction("Alarm", "timerTrigger", is_disabled=True),
        ListedFunction("Any", "httpTrigger", url="http://localhost:7071/api/any"),
        ListedFunction("Nightly", "timerTrigger"),
        ListedFunction("Pages", "httpTrigger", ("get", "POST"), "http://localhost:7071/api/p/{id:int}"),
    ]
    hint = verbose_hint({}, is_verbose=False)
    assert start_up_lines(["devhost"], functions, has_problems=False, hint=hint, use_color=False) == [
        "devhost",
        "",
        "Functions:",
        "",
        "\tAny: http://localhost:7071/api/any",
        "",
        "\tPages: [GET,POST] http://localhost:7071/api/p/{id:int}",
        "",
        "\tNightly: timerTrigger",
        "",
        "\tAlarm is disabled.",
        "",
        "Start with --verbose to see what the host logs about itself.",
    ]


@pytest.mark.parametrize(
    ("has_problems", "why"),
    [(True, "see the messages above"), (False, "the app has none, or none that was asked for")],
)
def test_an_empty_list_says_so(has_problems: bool, why: str) -> None:
    lines = start_up_lines([], [], has_problems=has_problems, use_color=False)
    assert lines == ["", f"No functions found; {why}.", ""]


@pytest.mark.parametrize(
    ("log_levels", "is_verbose", "hint"),
    [
        ({}, False, "Start with --verbose to see what the host logs about itself."),
        ({}, True, None),
        ({"Function": "Error"}, False, "Start with --verbose to see what the host logs about itself."),
        ({"default": "Information"}, False, None),
        ({"default": "Information"}, True, None),
        (
            {"Default": "Warning"},
            True,
            "--verbose has no effect: 'logging.logLevel.Default' of host.json is 'Warning', and that counts.",
        ),
        ({"default": "Warning", "Host": "Debug"}, True, None),
    ],
)
def test_verbose_is_offered_only_where_it_shows_more(
    log_levels: dict[str, str], is_verbose: bool, hint: str | None
) -> None:
    assert verbose_hint(log_levels, is_verbose=is_verbose) == hint


def test_the_list_is_colored_on_a_terminal() -> None:
    functions = [ListedFunction("A", "httpTrigger", ("GET",), "http://x/a"), ListedFunction("B", "timerTrigger")]
    assert start_up_lines([], functions, has_problems=False, use_color=True) == [
        "",
        "\x1b[33mFunctions:\x1b[0m",
        "",
        "\t\x1b[33mA:\x1b[0m \x1b[32m[GET] http://x/a\x1b[0m",
        "",
        "\t\x1b[93mB:\x1b[0m timerTrigger",
        "",
    ]
