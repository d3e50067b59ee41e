"""What a function's HttpRequest holds, made from a request of the server.

Source: Azure/azure-functions-host, WebJobs.Script.Grpc/MessageExtensions/GrpcMessageConversionExtensions.cs.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from aiohttp import web
from azure.functions.meta import Datum

from devhost.web.paths import decode_path, encode_path, split_target


async def read_request(request: web.Request, route_values: Mapping[str, str], *, body_limit_bytes: int) -> Datum:
    """The `http` datum that azure.functions turns into an HttpRequest.

    A body without Content-Length (chunked) arrives empty, as on the real host.
    Raises aiohttp's HTTPRequestEntityTooLarge if the body is larger than the limit.
    """
    if request.content_length is None:
        await _drop_body(request, body_limit_bytes)
        body = b""
    else:
        body = await request.read()
    return http_datum(
        method=request.method,
        scheme=request.scheme,
        host=request.host,
        raw_target=request.raw_path,
        headers=request.headers.items(),
        route_values=route_values,
        body=body,
    )


async def _drop_body(request: web.Request, limit_bytes: int) -> None:
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
        if size > limit_bytes:
            raise web.HTTPRequestEntityTooLarge(max_size=limit_bytes, actual_size=size)


def http_datum(
    *,
    method: str,
    scheme: str,
    host: str,
    raw_target: str,
    headers: Iterable[tuple[str, str]],
    route_values: Mapping[str, str],
    body: bytes,
) -> Datum:
    """The datum from plain values; `raw_target` is path and query as sent, or a whole URL.

    The host that a whole URL names takes the place of the Host header, as RFC 9112, section 3.2.2 demands.
    """
    authority, target = split_target(raw_target)
    raw_path, question_mark, raw_query = (target or "").partition("?")
    url = f"{scheme}://{authority or host}{encode_path(decode_path(raw_path))}{question_mark}{raw_query}"
    fields = {
        "method": _text(method.upper()),
        "url": _text(url),
        "headers": _texts(join_repeated(headers)),
        "query": _texts(query_values(raw_query)),
        "params": _texts(route_values),
        "body": Datum(body, "bytes"),
    }
    return Datum(fields, "http")


def query_values(raw_query: str) -> dict[str, str]:
    """`a=1&A=2&b=` gives `{"a": "1,2"}`: repeats joined, empty values dropped, keys compared ignoring case."""
    return join_repeated(parse_qsl(raw_query, keep_blank_values=False))


def join_repeated(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values of equal names joined with a comma; a name is spelled as at its first appearance."""
    spelling: dict[str, str] = {}
    joined: dict[str, str] = {}
    for name, value in pairs:
        key = spelling.setdefault(name.lower(), name)
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: _text(value) for name, value in values.items()}


def _text(value: str) -> Datum:
    return Datum(value, "string")
