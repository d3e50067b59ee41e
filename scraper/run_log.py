"""Log lines that say which run, source, batch and page they are about.

`with log_context(run_id=…, source=…):` holds for everything that is logged inside, asyncio tasks begun there included.
Each line ends with ` [run_id=… source=… batch=… url=…]`, for whoever reads text, or is one JSON object with these
fields: see `use_log_format`. Its record has them as attributes, too, for handlers that send fields.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final, Literal

from scraper.log_lines import Field, as_json, as_text, one_line, traceback_of

__all__ = ["log_context", "one_line", "run_logger", "use_log_format"]

LogFormat = Literal["text", "json"]

_fields: ContextVar[Mapping[str, Field]] = ContextVar("log_fields", default=MappingProxyType({}))


@contextmanager
def log_context(*, run_id: str = "", source: str = "", batch: int | None = None, url: str = "") -> Iterator[None]:
    """What the lines inside are about, beside what the lines around it are; empty adds nothing.

    Not for the body of an async generator: its caller would keep the context between two values.
    """
    texts: dict[str, Field] = {"run_id": run_id, "source": source, "url": url}
    added = {name: value for name, value in texts.items() if value}
    if batch is not None:
        added["batch"] = batch
    token = _fields.set({**_fields.get(), **added})
    try:
        yield
    finally:
        _fields.reset(token)


def run_logger(name: str) -> logging.Logger:
    """The logger of this name; every module of the app that can log takes its own from here."""
    logger = logging.getLogger(name)
    logger.addFilter(_COMPLETE)
    return logger


def use_log_format(log_format: LogFormat) -> None:
    """How the lines of all our loggers look from here on, in this process; `text` until somebody says otherwise."""
    _COMPLETE.log_format = log_format


class _Complete(logging.Filter):
    """Gives a record its context, in its line and as attributes. It runs where the line is logged, in that task."""

    log_format: LogFormat = "text"

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a log line must not break a run; the handler will say what is wrong with it
            return True
        fields = _fields.get()
        if self.log_format == "json":
            record.msg = as_json(record, text, fields)
            record.exc_info = record.exc_text = record.stack_info = None  # a handler would put more lines behind it
        else:
            record.msg = as_text(text, fields)
            if record.exc_info:
                record.exc_text = traceback_of(record)  # where formatters look before they make one
        record.args = None
        vars(record).update(fields)
        return True


_COMPLETE: Final = _Complete()
