"""Compressed bodies, unpacked piece by piece within a limit."""

import zlib

from scraper.errors import CompressionError
from scraper.models import Reason

GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_MAX_MEMBERS = 1000
"""A gzip body may be several files in a row; each costs a copy of the rest, so they are counted."""


class Inflater:
    """One gzip or deflate stream. Raises CompressionError as soon as the output exceeds `max_bytes`."""

    def __init__(self, encoding: str, *, max_bytes: int) -> None:
        if encoding not in {"gzip", "deflate"}:
            raise ValueError(f"encoding {encoding!r} is neither 'gzip' nor 'deflate'")
        self._is_gzip = encoding == "gzip"
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._members = 0
        self._stream = zlib.decompressobj(_GZIP_WINDOW) if self._is_gzip else None
        self._is_fresh = True

    def feed(self, chunk: bytes) -> bytes:
        """What `chunk` unpacks to."""
        if not chunk:
            return b""
        if self._stream is None:
            self._stream = zlib.decompressobj(_deflate_window(chunk))
        output = []
        rest = chunk
        while rest:
            piece, rest = self._unpack(self._stream, rest)
            output.append(piece)
        return b"".join(output)

    def finish(self) -> None:
        """Raise CompressionError if the stream is cut off. An empty body counts as complete."""
        if self._stream is not None and not self._stream.eof and not self._is_fresh:
            raise CompressionError(Reason.BAD_COMPRESSION, "the compressed body is cut off")

    def _unpack(self, stream: "zlib._Decompress", data: bytes) -> tuple[bytes, bytes]:
        """One piece of output, and the input that is left for the next member."""
        if stream.eof:
            return b"", self._next_member(data)
        self._is_fresh = False
        try:
            piece = stream.decompress(data, self._left + 1)
        except zlib.error as error:
            raise CompressionError(Reason.BAD_COMPRESSION, f"the compressed body is damaged ({error})") from error
        self._left -= len(piece)
        if self._left < 0:
            raise CompressionError(Reason.BODY_TOO_LARGE, f"unpacks to more than {self._max_bytes} bytes")
        if stream.unconsumed_tail:
            return piece, stream.unconsumed_tail
        return piece, self._next_member(stream.unused_data) if stream.eof else b""

    def _next_member(self, data: bytes) -> bytes:
        """`data` if it starts another gzip member, else nothing: padding after the end is ignored."""
        if not self._is_gzip or not data.startswith(GZIP_MAGIC[: len(data)]):
            return b""
        if not data:
            return b""
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise CompressionError(Reason.BAD_COMPRESSION, f"more than {_MAX_MEMBERS} gzip members")
        self._stream = zlib.decompressobj(_GZIP_WINDOW)
        self._is_fresh = True
        return data


def _deflate_window(first: bytes) -> int:
    """`deflate` means zlib (RFC 1950), yet some servers send it raw: the first byte tells them apart."""
    return zlib.MAX_WBITS if first[0] & 0x0F == 8 else -zlib.MAX_WBITS
