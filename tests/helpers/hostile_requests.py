"""What no client with good manners sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.helpers.api_description import Node, Operation, parameters, usual_path

IN_A_PATH = (
    "%00",
    "%0D%0AX-Injected:%201",
    "%FF",  # no UTF-8
    "%ED%A0%80",  # half of a surrogate pair
    "%E2%80%AE%F0%9F%98%80",  # right-to-left, and an emoji
    "%zz",
    "%",
    "%25",
    "%2F%2e%2e%2f",
    "%5C",
    "'%20or%20'1'%20eq%20'1",
    "a;b=c,d",
    "%3Cscript%3E",
    "~",
    "x" * 101,
    "x" * 2_000,
    "%F0%9F%98%80" * 2_000,
)

IN_A_QUERY = (
    "",
    "0",
    "-1",
    "%2B5",
    "1e3",
    "5.0",
    "%EF%BC%95",  # a full-width 5
    "%00",
    "%FF",
    "null",
    "9" * 30,
    "9" * 5_000,
    "1&{name}=2",
    "%5B%5D",
    "'%20or%20'1'%20eq%20'1",
)

_DEEP = 100_000

AS_A_BODY: dict[str, bytes] = {
    "spaces": b" \n\t ",
    "null": b"null",
    "a text": b'"text"',
    "a number": b"17",
    "a list": b"[]",
    "half of an object": b'{"sources": [',
    "two objects": b"{}{}",
    "a word": b"nil",
    "no UTF-8": b'{"sources": ["\xff\xfe"]}',
    "UTF-16": json.dumps({}).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a NUL": b"\x00",
    "a NUL in a text": b'{"sources": ["\\u0000"]}',
    "half of a surrogate pair": b'{"sources": ["\\ud800"]}',
    "a key twice": b'{"sources": ["books"], "sources": ["nowhere"]}',
    "NaN": b'{"sources": NaN}',
    "Infinity": b"-Infinity",
    "a number beyond every type": b'{"sources": 1e999}',
    "more digits than Python reads": b'{"sources": ' + b"9" * 5_000 + b"}",
    "deep lists": b"[" * _DEEP + b"]" * _DEEP,
    "deep objects": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "a member of the language": b'{"__proto__": {"admin": true}, "constructor": 1, "__class__": "x"}',
    "an object to the SDK": b'{"data": {"__class__": "Popen", "__module__": "subprocess", "__data__": "id"}}',
    "five megabytes": b'{"sources": ["' + b"x" * 5_000_000 + b'"]}',
    "a form": b"sources=books&sources=listing",
    "XML": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00",
}

WITH_HEADERS = (
    {"Content-Type": "text/plain"},
    {"Content-Type": "multipart/form-data"},
    {"Content-Type": "application/json; charset=utf-99"},
    {"Content-Encoding": "gzip"},
    {"Accept": "text/html"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "gopher"},
)


def hostile_requests(document: Node, operation: Operation, key: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Arguments of `Prober.send`, one request for each thing that can be wrong at each place; `key` is its header."""
    path = usual_path(document, operation)
    for name in path:
        yield from ({"path": {**path, name: text}} for text in IN_A_PATH)
    for name in [one["name"] for one in parameters(document, operation) if one["in"] == "query"]:
        yield from ({"path": path, "query": f"{name}={text.format(name=name)}"} for text in IN_A_QUERY)
    yield {"path": path, "query": "nobody-reads-this=1"}
    yield from ({"path": path, "headers": {**key, **headers}} for headers in WITH_HEADERS)
    if "requestBody" in operation.node:
        yield {"path": path, "body": b"{}", "is_chunked": True}
        yield from ({"path": path, "body": body} for body in AS_A_BODY.values())
        yield from ({"path": path, "body": b"{}", "headers": {**key, **headers}} for headers in WITH_HEADERS)
