"""What a log line looks like, as text for people or as one JSON object for machines.

Sites choose their URLs and texts, and could otherwise write lines, or fields, into our log.
"""

import json
import logging
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

Field = str | int

LONGEST_LINE: Final = 4000
LONGEST_FIELD: Final = 1000
LONGEST_TRACEBACK: Final = 16_000
_NEEDS_NO_QUOTES = re.compile(r"[!#-\\^-~]+")  # visible ASCII but the two that end a field: the quote and ]
_FIELDS: Final = ("run_id", "source", "batch", "url")
# What every record has is no field of ours; what else it has was given to the call as `extra`.
_OF_EVERY_RECORD: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """`text` without anything that could end its line or change how others look, cut if it is long."""
    cut = text if len(text) <= longest else f"{text[:longest]}…"
    if cut.isprintable():
        return cut
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in cut)


def as_text(text: str, fields: Mapping[str, Field]) -> str:
    """`text` with its fields behind it, as ` [run_id=… source=… batch=… url=…]`; without any, only the text."""
    shown = " ".join(f"{name}={_quoted(str(fields[name]))}" for name in _FIELDS if name in fields)
    return one_line(text) + (f" [{shown}]" if shown else "")


def as_json(record: logging.LogRecord, text: str, fields: Mapping[str, Field]) -> str:
    """One JSON object in ASCII: `time`, `level`, `logger`, `message`, the fields, what `extra` gave, `exception`.

    `time` is UTC in ISO 8601. Names that are taken keep their meaning, whatever `extra` holds.
    """
    extra = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "message": one_line(text),
        **{name: _plain(fields[name]) for name in _FIELDS if name in fields},
    }
    line |= {one_line(name, 100): _plain(value) for name, value in extra.items() if name not in line}
    if record.exc_info:
        line["exception"] = traceback_of(record)[-LONGEST_TRACEBACK:]
    return json.dumps(line)


def traceback_of(record: logging.LogRecord) -> str:
    """The traceback, each line marked as one: the message of an exception may hold line breaks of a site's text."""
    assert record.exc_info
    text = logging.Formatter().formatException(record.exc_info)
    return "\n".join(f"  | {one_line(line)}" for line in text.split("\n"))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return one_line(str(value), LONGEST_FIELD)


def _quoted(value: str) -> str:
    cut = value if len(value) <= LONGEST_FIELD else f"{value[:LONGEST_FIELD]}…"
    return cut if _NEEDS_NO_QUOTES.fullmatch(cut) else json.dumps(cut)
