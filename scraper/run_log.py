"""Log lines that say which run, source and page they are about.

`with log_context(run_id=…, source=…):` holds for everything that is logged inside, asyncio tasks begun there included.
Each line ends with ` [run_id=… source=… url=…]`, for whoever reads text, and its record has these as attributes, for
handlers that send fields.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

LONGEST_LINE: Final = 4000
LONGEST_FIELD: Final = 1000
_NEEDS_NO_QUOTES = re.compile(r"[!#-\\^-~]+")  # visible ASCII but the two that end a field: the quote and ]

_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default=MappingProxyType({}))


@contextmanager
def log_context(*, run_id: str = "", source: str = "", url: str = "") -> Iterator[None]:
    """What the lines inside are about, beside what the lines around it are; empty adds nothing.

    Not for the body of an async generator: its caller would keep the context between two values.
    """
    added = {"run_id": run_id, "source": source, "url": url}
    token = _fields.set({**_fields.get(), **{name: value for name, value in added.items() if value}})
    try:
        yield
    finally:
        _fields.reset(token)


def run_logger(name: str) -> logging.Logger:
    """The logger of this name; every module of the app that can log takes its own from here."""
    logger = logging.getLogger(name)
    logger.addFilter(_COMPLETE)
    return logger


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """`text` without anything that could end its line or change how others look, cut if it is long.

    Sites choose their URLs and texts, and could otherwise write lines into our log.
    """
    cut = text if len(text) <= longest else f"{text[:longest]}…"
    if cut.isprintable():
        return cut
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in cut)


class _Complete(logging.Filter):
    """Gives a record its context, as text and as attributes. It runs where the line is logged, in that task."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a log line must not break a run; the handler will say what is wrong with it
            return True
        fields = _fields.get()
        record.msg, record.args = one_line(text) + _suffix(fields), None
        vars(record).update(fields)
        if record.exc_info:
            record.exc_text = _traceback(record)  # where formatters look before they make one
        return True


_COMPLETE: Final = _Complete()


def _suffix(fields: Mapping[str, str]) -> str:
    shown = " ".join(f"{name}={_field(fields[name])}" for name in ("run_id", "source", "url") if name in fields)
    return f" [{shown}]" if shown else ""


def _field(value: str) -> str:
    cut = value if len(value) <= LONGEST_FIELD else f"{value[:LONGEST_FIELD]}…"
    return cut if _NEEDS_NO_QUOTES.fullmatch(cut) else json.dumps(cut)


def _traceback(record: logging.LogRecord) -> str:
    """The traceback, each line marked as one: the message of an exception may hold line breaks of a site's text."""
    assert record.exc_info
    text = logging.Formatter().formatException(record.exc_info)
    return "\n".join(f"  | {one_line(line)}" for line in text.split("\n"))
