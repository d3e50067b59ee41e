"""What handlers read from a request: its JSON body, numbers of its query. What cannot be read is a Problem 400."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import azure.functions as func

from triggers.web.problem import Problem

DEEPEST = 50  # levels of nesting; the durable host reads no JSON deeper than 64, and wraps ours in its own


def json_body(req: func.HttpRequest) -> Any:
    """The request's body as JSON, or None if it is empty. Raises Problem 400 for anything else, 411 for a lost one."""
    body = req.get_body()
    if not body.strip():
        _refuse_if_lost(req)
        return None
    try:
        return strict_json(body)
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"The body is not JSON that can be read: {error}.") from error


def _refuse_if_lost(req: func.HttpRequest) -> None:
    # Azure Functions hands a body without Content-Length to Python as an empty one, which would mean: everything.
    if "chunked" in req.headers.get("transfer-encoding", "").lower():
        reason = "The body came in chunks, and was lost on the way to the app: send it with a Content-Length."
        raise Problem(HTTPStatus.LENGTH_REQUIRED, reason)


def strict_json(body: bytes) -> Any:
    """`body` as JSON in UTF-8 that can be sent on as JSON. Raises ValueError that says why not.

    Python's own reader also takes other encodings, NaN, numbers that become infinite, and halves of surrogate pairs,
    none of which anybody else would read again; and of a name that is there twice it takes the last, others the first.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), object_pairs_hook=_object)
        if _is_deep(value, DEEPEST):
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep") from None
    except UnicodeEncodeError:
        raise ValueError("it has a half of a surrogate pair, which is no character") from None
    return value


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in members:
        if name in made:
            raise ValueError(f"{name[:100]!r} is there twice in one object")
        made[name] = value
    return made


def _is_deep(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deep(one, levels - 1) for one in inner)


def json_object(req: func.HttpRequest, *, most_bytes: int | None = None) -> dict[str, Any]:
    """The body as a JSON object; no body, or null, counts as an empty object.

    Raises Problem 400 for anything else, and 413 for a body of more than `most_bytes`.
    """
    if most_bytes is not None and len(req.get_body()) > most_bytes:
        reason = f"The body has {len(req.get_body()):,} bytes; at most {most_bytes:,} are allowed."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
    body = json_body(req)
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, f"The body must be a JSON object, not {json_type(body)}.")
    return body


def whole_number(req: func.HttpRequest, name: str, *, default: int, low: int, high: int) -> int:
    """A whole number from the query. Raises Problem 400 that names the parameter and its bounds."""
    text = req.params.get(name)
    if text is None:
        return default
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(high))
    if not is_number or not low <= int(text) <= high:
        reason = f"'{name}' must be a whole number from {low} to {high}, not '{text[:100]}'."
        raise Problem(HTTPStatus.BAD_REQUEST, reason)
    return int(text)


def one_of(req: func.HttpRequest, name: str, words: Iterable[str]) -> str:
    """A word from the query, the first of them by default. Raises Problem 400 that names them."""
    known = list(words)
    text = req.params.get(name) or known[0]
    if text not in known:
        reason = f"'{name}' must be one of {', '.join(known)}, not '{text[:100]}'."
        raise Problem(HTTPStatus.BAD_REQUEST, reason)
    return text


def json_type(value: Any) -> str:
    """What JSON calls a value's type."""
    kinds = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return kinds.get(type(value), "null")


def given_numbers(text: str, *digits: int, before: str = "page") -> tuple[int, ...]:
    """The numbers of a `continuation`, which have hyphens between them, and `digits` digits each at most.

    Raises Problem 400 for any other text.
    """
    parts = text.split("-")
    if len(parts) != len(digits) or not all(map(_is_number, parts, digits)):
        raise not_given(text, before=before)
    return tuple(map(int, parts))


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits


def not_given(text: str, *, before: str = "page") -> Problem:
    """400 for a `continuation` that no page, or whatever came `before`, has given."""
    reason = f"'continuation' must be one that the {before} before has given, not '{text[:100]}'."
    return Problem(HTTPStatus.BAD_REQUEST, reason)
