"""Bodies as they travel: compressed, wholly or nearly."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli

_ZEROS = 20_000_000


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=1))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda body: gzip.compress(body, 1),
    "deflate": lambda body: zlib.compress(body, 1),
    "deflate, raw": lambda body: zlib.compress(body, 1)[2:-4],
    "br": _brotli,
    "gzip, cut off": lambda body: gzip.compress(body, 1)[:-9],
    "br, cut off": lambda body: _brotli(body)[:-3],
    "gzip, damaged": lambda body: gzip.compress(body[: len(body) // 2], 1) + body[len(body) // 2 :],
    "gzip of many files": lambda body: gzip.compress(body[:50], 1) * min(3000, 1 + len(body) // 10),
    "gzip of zeros": lambda body: gzip.compress(b"\0" * min(len(body) * 100, _ZEROS), 1),
    "gzip of gzip": lambda body: gzip.compress(gzip.compress(body, 1), 1),
    "br of zeros": lambda body: _brotli(b"\0" * min(len(body) * 100, _ZEROS)),
    "identity": lambda body: body,
    "gzip, br": lambda body: body,
    "zstd": lambda body: body,
    "\udcff": lambda body: body,
}
"""What is done to a body, by what is told of it; the Content-Encoding ends before the comma or blank."""


def encoding_of(packing: str) -> str:
    """The Content-Encoding that a server tells for a packing."""
    return packing if packing == "gzip, br" else packing.partition(",")[0].partition(" ")[0]
