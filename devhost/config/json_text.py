"""Reads JSON configuration files as the real host does: BOM, comments and final commas allowed, places in errors.

Source: .NET's StreamReader and Newtonsoft.Json's JsonTextReader, which read both files there.
"""

import codecs
import json
import re
from dataclasses import dataclass
from pathlib import Path

STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
STRING_OR_FINAL_COMMA = re.compile(r'"(?:\\.|[^"\\])*"|(?<=[\w"}\]])([ \t\r\n]*),(?=[ \t\r\n]*[}\]])')
SPACE = re.compile(r"[ \t\r\n]*")


class JsonTextError(ValueError):
    """The text is not one JSON document; `line` and `column` count from 1."""

    def __init__(self, reason: str, *, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


class NumberText(str):
    """A number with a fraction or exponent, in the digits of the file: a setting `1.50` is not shortened."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class JsonText:
    """A parsed document beside its text, so that a later complaint can still name the place."""

    text: str
    root: dict[str, object]

    def place_of(self, root_key: str) -> tuple[int, int]:
        """Line and column (from 1) of a key of the root object, or of the object's start if it has none."""
        decoder = json.JSONDecoder()
        offset = start = _skip_space(self.text, 0)
        while self.text[offset] != "}":
            offset = _skip_space(self.text, offset + 1)  # behind "{" or ","
            if self.text[offset] == "}":
                break
            key_offset = offset
            key, offset = decoder.raw_decode(self.text, offset)
            if key.lower() == root_key.lower():
                return _place(self.text, key_offset)
            offset = _skip_space(self.text, _skip_space(self.text, offset) + 1)  # behind ":"
            _, offset = decoder.raw_decode(self.text, offset)
            offset = _skip_space(self.text, offset)
        return _place(self.text, start)


def read_json_object(path: Path) -> JsonText:
    """The one JSON object that the file holds, in UTF-8, or in UTF-16 with a BOM.

    Comments, and a comma after the last entry, are accepted. Numbers with a fraction are NumberText. Raises
    JsonTextError (what is wrong, where) and OSError.
    """
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        line, column = _place(before, len(before))
        raise JsonTextError("not UTF-8 text; save the file as UTF-8", line=line, column=column) from error
    text = STRING_OR_COMMENT.sub(_blank_comment, text)
    text = STRING_OR_FINAL_COMMA.sub(_blank_comma, text)
    try:
        root = json.loads(text, parse_float=NumberText)
    except json.JSONDecodeError as error:
        raise JsonTextError(_reason(error, text), line=error.lineno, column=error.colno) from error
    except (ValueError, RecursionError) as error:
        # Python's own bounds: a number of thousands of digits, or nesting beyond the interpreter's stack.
        raise JsonTextError(f"beyond what can be read: {error}", line=1, column=1) from error
    if not isinstance(root, dict):
        line, column = _place(text, _skip_space(text, 0))
        raise JsonTextError("the document must be an object, {...}", line=line, column=column)
    return JsonText(text, root)


def _reason(error: json.JSONDecodeError, text: str) -> str:
    if not text.strip():
        return "the file is empty"
    if error.msg == "Extra data":
        return "more text after the end of the document; keep one object and delete the rest"
    return f"{error.msg[:1].lower()}{error.msg[1:]}"


def _blank_comment(match: re.Match[str]) -> str:
    # Spaces of the same length keep every line and column where the reader of the file sees it.
    found = match.group()
    return found if found.startswith('"') else re.sub(r"[^\r\n]", " ", found)


def _blank_comma(match: re.Match[str]) -> str:
    before: str | None = match.group(1)
    return match.group() if before is None else f"{before} "


def _skip_space(text: str, offset: int) -> int:
    match = SPACE.match(text, offset)
    assert match is not None
    return match.end()


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
