"""The sources file: TOML in, checked sources out, or one readable line that says what to change."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from scraper.errors import SourcesFileError, shown
from scraper.follow_rules import Follow
from scraper.misplaced_keys import misplaced_key
from scraper.page_ranges import PageRange
from scraper.row_rules import CsvRules
from scraper.rows.field_rules import FieldRule
from scraper.source_models import Gate, Source
from scraper.toml_tables import SettingText

__all__ = ["Gate", "Source", "find_source", "load_sources"]

_REFERENCE = re.compile(r"(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# The parser keeps every beginning of such a key: 200 KB of dots would take all memory. No text of a source is like it.
_ENDLESS_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")
_TABLES: Mapping[str, type[BaseModel]] = {"gate": Gate, "follow": Follow, "csv": CsvRules, "pages": PageRange}
_MODEL_PREFIX = "Value error, "
_LIST = 'write a list in square brackets, such as ["a", "b"]'
_TABLE = 'write a table, such as { name = "value" }'
# What people write, where the model speaks of Python.
_WANTED = {
    "tuple_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "string_type": "write a text in quotation marks",
}
_PATTERNS = {
    "user_agent": "write one line of printable ASCII",
    "delimiter": "write a single character, and no quotation mark or line break",
}


def load_sources(path: Path, environ: Mapping[str, str]) -> tuple[Source, ...]:
    """All sources of the file, in its order. `${NAME}` in a string is the setting NAME of `environ`;
    `$${NAME}` is the text `${NAME}`.

    Raises SourcesFileError, which names file, source, key and reason of the first mistake, and has the others.
    """
    path = Path(path)
    tables = _read_tables(path)
    sources: list[Source] = []
    faults: list[SourcesFileError] = []
    for number, table in enumerate(tables, start=1):
        label = _label(table, number)
        try:
            settled = _settle(table, environ, path=path, source=label, key="")
            source = _validated(settled, path=path, label=label)
            if any(source.name == other.name for other in sources):
                raise SourcesFileError(path, label, "name", "another source has the same name; rename one of them")
        except SourcesFileError as fault:
            faults += [fault, *fault.more]
        else:
            sources.append(source)
    if faults:
        raise _together(faults)
    return tuple(sources)


def find_source(sources: Iterable[Source], name: str) -> Source | None:
    """The source of that name, or None."""
    return next((source for source in sources if source.name == name), None)


def _read_tables(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if _ENDLESS_KEY.search(text):
            raise ValueError("a key has more than 100 parts")
        document = tomllib.loads(text)
    except FileNotFoundError:
        raise SourcesFileError(path, None, None, "there is no such file; set SOURCES_FILE to its path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourcesFileError(path, None, None, f"the file cannot be read ({error})") from error
    except (ValueError, RecursionError) as error:  # also for numbers of thousands of digits, and nesting without end
        raise SourcesFileError(path, None, None, f"not TOML: {error}") from error
    for key in document:
        if key != "source":
            raise SourcesFileError(path, None, key, _unknown_key(key, ["source"]))
    tables = document.get("source", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SourcesFileError(path, None, "source", "write each source under [[source]], in double brackets")
    if not tables:
        raise SourcesFileError(path, None, None, "there is no source; add a [[source]] table")
    return tables


def _label(table: Mapping[str, Any], number: int) -> str:
    name = table.get("name")
    return name if isinstance(name, str) and name else f"#{number}"


def _settle(value: Any, environ: Mapping[str, str], *, path: Path, source: str, key: str) -> Any:
    """`value` with every `${NAME}` replaced, at any depth."""
    if isinstance(value, dict):
        return {
            name: _settle(part, environ, path=path, source=source, key=f"{key}.{name}" if key else name)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_settle(part, environ, path=path, source=source, key=key) for part in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        if match[2] not in environ:
            reason = f"setting {match[2]} is not set; set it, or write the value in place of ${{{match[2]}}}"
            raise SourcesFileError(path, source, key, reason)
        return environ[match[2]]

    settled = _REFERENCE.sub(replace, value)
    return SettingText(settled) if settled != value else value


def _validated(table: dict[str, Any], *, path: Path, label: str) -> Source:
    try:
        return Source.model_validate(table)
    except ValidationError as error:
        faults = []
        for problem in error.errors():
            location = [str(part) for part in problem["loc"]]
            misplaced = misplaced_key(location, problem["type"], problem["input"])
            reason = misplaced or _reason(problem, location)
            faults.append(SourcesFileError(path, label, ".".join(location) or None, reason))
        raise _together(faults) from None


def _together(faults: Sequence[SourcesFileError]) -> SourcesFileError:
    """The first, with all others."""
    faults[0].more = tuple(faults[1:])
    return faults[0]


def _reason(problem: Any, location: list[str]) -> str:
    kind, message = problem["type"], str(problem["msg"])
    if kind == "extra_forbidden":
        return _unknown_key(location[-1], list(_model_at(location).model_fields))
    if kind == "missing":
        return "the key is missing"
    if kind == "value_error":
        return message.removeprefix(_MODEL_PREFIX)
    if kind == "string_pattern_mismatch" and location == ["name"]:
        text = shown(str(problem["input"]))
        return f"{text} cannot be a source's name: 1 to 63 of a-z, 0-9 and -, not starting with -"
    wanted = _WANTED.get(kind, _lower_first(message))
    if location[0] == "headers":  # which may be secrets
        return wanted
    if kind == "string_pattern_mismatch":
        wanted = _PATTERNS.get(location[-1], wanted)
    return f"{wanted}, not {shown(str(problem['input']))}"


def _model_at(location: list[str]) -> type[BaseModel]:
    if len(location) > 1 and location[0] in _TABLES:
        return _TABLES[location[0]]
    return FieldRule if location[0] == "fields" and len(location) > 2 else Source


def _unknown_key(key: str, known: list[str]) -> str:
    near = get_close_matches(key.lower(), known, n=1, cutoff=0.5)
    if near:
        return f"there is no such key; did you mean {near[0]!r}?"
    return f"there is no such key; known are {', '.join(known)}"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
