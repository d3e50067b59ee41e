"""What the host prints: stamped log lines, the filter by category, and the list of functions at the start."""

import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from devhost.running_function import running_function

TRACE = 5
LEVELS: Mapping[str, float] = {
    "trace": TRACE,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": math.inf,
}
DARK_GREEN, DARK_YELLOW, DARK_CYAN, RED, YELLOW = "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[91m", "\x1b[93m"
RESET = "\x1b[0m"


class LineFormatter(logging.Formatter):
    """`[2026-11-03T10:00:00.000Z] text`, in UTC; every line of a message and of its traceback is stamped."""

    def __init__(self, *, use_color: bool) -> None:
        super().__init__("%(message)s")
        self._use_color = use_color

    def format(self, record: logging.LogRecord) -> str:
        """One or more stamped lines, without a line end after the last."""
        moment = datetime.fromtimestamp(record.created, UTC)
        stamp = f"[{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z]"
        lines = super().format(record).splitlines() or [""]
        if not self._use_color:
            return "\n".join(f"{stamp} {line}" for line in lines)
        color = _level_color(record.levelno)
        return "\n".join(f"{DARK_GREEN}{stamp}{RESET} {color}{line}{RESET}" for line in lines)


class CategoryFilter(logging.Filter):
    """Passes a record if its category is enabled for its level.

    The longest key of `log_levels` (host.json `logging.logLevel`) that the category starts with decides,
    ignoring case; then `user_level` for functions, then the key `default`; then Information for
    functions and, unless `is_verbose`, Warning for the host. A record logged with
    `extra={"always_shown": True}` passes in any case.
    Source: azure-functions-core-tools, Common/LoggingFilterHelper.cs.
    """

    def __init__(self, log_levels: Mapping[str, str], *, is_verbose: bool, user_level: str | None = None) -> None:
        super().__init__()
        self._levels = {key.lower(): LEVELS[level.lower()] for key, level in log_levels.items()}
        self._default = self._levels.pop("default", None)
        self._user_level = None if user_level is None else LEVELS[user_level.lower()]
        self._host_level = logging.INFO if is_verbose else logging.WARNING

    def filter(self, record: logging.LogRecord) -> bool:
        """True if the record is to be printed."""
        if getattr(record, "always_shown", False):
            return True
        return record.levelno >= self._minimum(category_of(record).lower())

    def _minimum(self, category: str) -> float:
        matching = [key for key in self._levels if category.startswith(key)]
        if matching:
            return self._levels[max(matching, key=len)]
        is_user = category.startswith("function")
        if is_user and self._user_level is not None:
            return self._user_level
        if self._default is not None:
            return self._default
        return logging.INFO if is_user else self._host_level


def category_of(record: logging.LogRecord) -> str:
    """The category that host.json speaks of: `Function.NAME.User` for what a function logs, else one of the host.

    A record says it itself (`extra={"category": …}`). Otherwise the loggers of this package and of its web server
    are the host's (`devhost.timers` is `Host.timers`), all others belong to the function that runs at the call of
    this, or just to the app (`Function`): call it where the record is made, in the same thread and task.
    """
    category = getattr(record, "category", None)
    if isinstance(category, str):
        return category
    room, _, rest = record.name.partition(".")
    if room == "devhost":
        return f"Host.{rest}" if rest else "Host"
    if room in ("aiohttp", "asyncio"):
        return f"Host.{record.name}"
    function_name = running_function()
    return "Function" if function_name is None else f"Function.{function_name}.User"


def lowest_level(log_levels: Mapping[str, str], *, user_level: str | None = None) -> int:
    """The lowest level that any category is shown from, Information at most: nothing below needs to be recorded."""
    named = [*log_levels.values(), "information" if user_level is None else user_level]
    return int(min(logging.INFO, *(LEVELS[level.lower()] for level in named)))


def console_handler(
    stream: TextIO, log_levels: Mapping[str, str], *, is_verbose: bool, user_level: str | None = None
) -> logging.StreamHandler[TextIO]:
    """A handler that prints to `stream`, coloured only if it is a terminal; see CategoryFilter."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(use_color=wants_color(stream, os.environ)))
    handler.addFilter(CategoryFilter(log_levels, is_verbose=is_verbose, user_level=user_level))
    return handler


def wants_color(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True for a terminal, unless the variable NO_COLOR is set to anything."""
    return stream.isatty() and not environ.get("NO_COLOR")


@dataclass(frozen=True, slots=True)
class ListedFunction:
    """One line of the list at the start."""

    name: str
    trigger_type: str
    """As in the binding, for example `timerTrigger`."""
    methods: tuple[str, ...] = ()
    """Empty: any method."""
    url: str | None = None
    """With the raw route template; only for HTTP functions."""
    is_disabled: bool = False


def start_up_lines(
    header: Sequence[str],
    functions: Sequence[ListedFunction],
    *,
    has_problems: bool,
    hint: str | None = None,
    use_color: bool,
) -> list[str]:
    """The lines printed once the host runs: `header`, HTTP functions, the others, disabled ones, then `hint`.

    Each group keeps the given order. `has_problems` says that messages above explain why functions are left out.
    """
    lines = [*header, ""]
    if functions:
        lines += [_painted("Functions:", DARK_YELLOW, use_color), ""]
    else:
        why = "see the messages above" if has_problems else "the app has none, or none that was asked for"
        lines += [_painted(f"No functions found; {why}.", DARK_YELLOW, use_color), ""]
    for line in _function_lines(functions, use_color):
        lines += [f"\t{line}", ""]
    if hint is not None:
        lines.append(hint)
    return lines


def verbose_hint(log_levels: Mapping[str, str], *, is_verbose: bool) -> str | None:
    """What there is to say about --verbose: levels of host.json win over it, as with Core Tools."""
    named = {key.lower(): key for key in log_levels}
    key = named.get("host") or named.get("default")
    if key is None:
        return None if is_verbose else "Start with --verbose to see what the host logs about itself."
    if not is_verbose or LEVELS[log_levels[key].lower()] <= logging.INFO:
        return None
    return f"--verbose has no effect: 'logging.logLevel.{key}' of host.json is '{log_levels[key]}', and that counts."


def _function_lines(functions: Sequence[ListedFunction], use_color: bool) -> Iterator[str]:
    enabled = [function for function in functions if not function.is_disabled]
    for function in enabled:
        if function.url is not None:
            methods = f"[{','.join(method.upper() for method in function.methods)}] " if function.methods else ""
            name = _painted(f"{function.name}:", DARK_YELLOW, use_color)
            yield f"{name} {_painted(f'{methods}{function.url}', DARK_GREEN, use_color)}"
    for function in enabled:
        if function.url is None:
            yield f"{_painted(f'{function.name}:', YELLOW, use_color)} {function.trigger_type}"
    for function in functions:
        if function.is_disabled:
            yield _painted(f"{function.name} is disabled.", YELLOW, use_color)


def _level_color(level: int) -> str:
    if level >= logging.ERROR:
        return RED
    if level >= logging.WARNING:
        return DARK_YELLOW
    return DARK_CYAN if level >= logging.INFO else DARK_GREEN


def _painted(text: str, color: str, use_color: bool) -> str:
    return f"{color}{text}{RESET}" if use_color else text
