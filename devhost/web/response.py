"""What a function returned becomes an HTTP answer.

Source: Azure/azure-functions-host, WebJobs.Script/Binding/Http/HttpBinding.cs.
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum
from multidict import CIMultiDict

from devhost.functions.printed_json import printed_json
from devhost.web.cookies import set_cookie_headers

_PLAIN_TEXT = "text/plain; charset=utf-8"
# The server writes these itself; a wrong one from the app would break the connection.
_SERVER_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What the real host's server accepts in a header.
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_logger = logging.getLogger("devhost.web")


class BadResult(ValueError):
    """The function's result cannot become an answer; the caller gets 500, the log says why."""


def write_response(result: Datum | None, *, function_name: str) -> web.Response:
    """The answer for the encoded result of an HTTP function. Raises BadResult."""
    if result is None or result.value is None:
        return web.Response(status=200)
    if result.type == "http":
        return _from_http_response(result.value)
    return _from_text(str(result.value), function_name)


def _from_http_response(value: Mapping[str, Any]) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict()
    for name, datum in value["headers"].items():
        # Of names that differ in case only, the last wins.
        headers[name] = datum.value
    try:
        for cookie in set_cookie_headers(value["cookies"] or []):
            headers.add("Set-Cookie", cookie)
    except ValueError as error:
        raise BadResult(str(error)) from error
    return _answer(_status(value["status_code"].value), value["body"].value, headers)


def _answer(status: int, body: bytes, headers: CIMultiDict[str]) -> web.Response:
    for name in _SERVER_HEADERS & {name.lower() for name in headers}:
        del headers[name]
    for name, value in headers.items():
        _check_header(name, value)
    # An empty body, unlike none, keeps the Content-Type that the app has set.
    return web.Response(status=status, body=body, headers=headers)


def _check_header(name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise BadResult(f"{name!r} is no valid name of a header; use letters, digits and hyphens")
    if not _HEADER_VALUE.fullmatch(value):
        raise BadResult(
            f"the value of the header {name!r} holds a line break or another character that is not printable "
            "ASCII; remove or encode it"
        )


def _status(text: str) -> int:
    if not re.fullmatch("[2-9][0-9]{2}", text):
        raise BadResult(f"the status code {text!r} is not a number from 200 to 999")
    return int(text)


def _from_text(text: str, function_name: str) -> web.Response:
    try:
        return _from_json(text, function_name)
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadResult):
            raise
        return _answer(200, _as_bytes(text), CIMultiDict({"Content-Type": _PLAIN_TEXT}))


def _as_bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadResult(f"the str cannot be written as UTF-8: it holds half of a surrogate pair ({error})") from error


def _from_json(text: str, function_name: str) -> web.Response:
    parsed = json.loads(text)
    fields = {key.lower(): value for key, value in parsed.items()} if isinstance(parsed, dict) else {}
    if "body" in fields:
        _logger.warning(
            "Function '%s' returned a str that is a JSON object with the key 'body': the host takes it for a "
            "description of the response. Return func.HttpResponse instead.",
            function_name,
        )
        return _from_description(fields)
    again = printed_json(parsed)
    if again != text:
        _logger.warning(
            "Function '%s' returned a str that is JSON: the host writes it again, so it changes. Return "
            "func.HttpResponse instead.",
            function_name,
        )
    return _answer(200, _as_bytes(again), CIMultiDict({"Content-Type": _PLAIN_TEXT}))


def _from_description(fields: Mapping[str, Any]) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict()
    given = fields.get("headers")
    for name, value in (given if isinstance(given, dict) else {}).items():
        headers[name] = printed_json(value)
    headers.setdefault("Content-Type", _PLAIN_TEXT)
    status = fields.get("statuscode", fields.get("status", 200))
    return _answer(_status(str(status)), _as_bytes(printed_json(fields["body"])), headers)
