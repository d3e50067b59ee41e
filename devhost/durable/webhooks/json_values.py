"""JSON texts as the hub stores them and as the management API shows them."""

import json
import math
import re
from typing import Any, NoReturn

# Newtonsoft.Json 13, which reads these bodies in the product, refuses deeper documents by default.
MAX_DEPTH = 64

# What orchestrators return may be deeper than what callers may send, but Python's encoder gives up at about a
# thousand levels, less the depth of the call; the answer to a status request must not fail for that.
_MAX_SHOWN_DEPTH = 500

_TOKEN = re.compile(r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<open>[\[{])|(?P<close>[\]}])|(?P<space>[ \t\r\n]+)')


class InvalidJson(ValueError):
    """The text is no JSON document that the hub can store; the message says why."""


def compact_json(body: bytes) -> str:
    """The JSON document in `body` (UTF-8), without insignificant whitespace and otherwise letter for letter.

    Numbers and escapes keep their spelling, so that nothing is lost between a caller and an orchestrator.
    Raises InvalidJson for anything else: also for NaN, numbers beyond a double, more than MAX_DEPTH levels.
    """
    try:
        text = body.decode("utf-8-sig")
        json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise InvalidJson(f"The body is not UTF-8: {error}") from error
    except ValueError as error:
        raise InvalidJson(f"The body is not valid JSON: {error}") from error
    except RecursionError as error:
        raise InvalidJson(_too_deep()) from error
    return _without_space(text)


def stored_value(text: str | None) -> Any:
    """The value of a stored JSON text; the text itself if it is not JSON (failures, reasons); None for None.

    JSON nested so deep that it could not be written again is shown as its text, too. Not-a-number and the
    infinities, which Python writes and JSON does not have, become their names.
    """
    if text is None:
        return None
    try:
        value = json.loads(text, parse_constant=str, parse_float=_finite_or_text)
    except (ValueError, RecursionError):
        return text
    return text if _is_deeper_than(_MAX_SHOWN_DEPTH, value) else value


def dump(value: Any) -> bytes:
    """`value` as compact JSON in pure ASCII, so that lone surrogates of a caller can be sent back to it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def _without_space(text: str) -> str:
    depth = 0
    pieces: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        pieces.append(text[end : token.start()])
        end = token.end()
        depth += (token["open"] is not None) - (token["close"] is not None)
        if depth > MAX_DEPTH:
            raise InvalidJson(_too_deep())
        if token["space"] is None:
            pieces.append(token[0])
    return "".join([*pieces, text[end:]])


def _is_deeper_than(levels: int, value: Any) -> bool:
    """Level by level, since a recursive walk would fail where the encoder does."""
    nested = [value]
    for _ in range(levels):
        members = (one.values() if isinstance(one, dict) else one for one in nested if isinstance(one, dict | list))
        nested = [member for some in members for member in some if isinstance(member, dict | list)]
        if not nested:
            return False
    return True


def _too_deep() -> str:
    return f"The body is nested deeper than {MAX_DEPTH} levels."


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} does not fit a double")
    return number


def _finite_or_text(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text
