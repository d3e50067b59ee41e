"""What handlers read from a request: its JSON body, numbers of its query. What cannot be read is a Problem 400."""

import json
from http import HTTPStatus
from typing import Any

import azure.functions as func

from triggers.problem import Problem


def json_body(req: func.HttpRequest) -> Any:
    """The request's body as JSON, or None if it is empty. Raises Problem 400 for anything else."""
    body = req.get_body()
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"The body is not JSON that can be read: {error}.") from error


def json_object(req: func.HttpRequest) -> dict[str, Any]:
    """The body as a JSON object; no body, or null, counts as an empty object. Raises Problem 400 for anything else."""
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
