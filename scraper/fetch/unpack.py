"""Which way of compression a body came in, and how it is unpacked."""

from typing import Protocol

import brotli

from scraper.errors import CompressionError
from scraper.fetch.inflate import Inflater
from scraper.models import Reason

ACCEPTED = "gzip, deflate, br"
"""The value of Accept-Encoding."""
_PIECE_BYTES = 262_144


class Unpacker(Protocol):
    """A compressed body, unpacked piece by piece. Raises CompressionError for one that is damaged or too large."""

    def feed(self, chunk: bytes) -> bytes:
        """What `chunk` unpacks to."""

    def finish(self) -> None:
        """Raise CompressionError if the body is cut off."""


def unpacker(encoding: str, *, max_bytes: int) -> Unpacker | None:
    """How to unpack a body with this Content-Encoding to at most `max_bytes`; None if it is not packed.

    Raises ValueError for an encoding that was not asked for.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return None
    if encoding == "br":
        return _BrotliUnpacker(max_bytes)
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return Inflater("deflate" if encoding == "deflate" else "gzip", max_bytes=max_bytes)
    raise ValueError(encoding)


class _BrotliUnpacker:
    """One brotli stream. What comes after its end is ignored, as for the other encodings."""

    def __init__(self, max_bytes: int) -> None:
        self._stream = brotli.Decompressor()
        self._left = self._max_bytes = max_bytes
        self._is_fresh = True

    def feed(self, chunk: bytes) -> bytes:
        if not chunk or self._stream.is_finished():
            return b""
        self._is_fresh = False
        pieces = [self._unpack(chunk)]
        # It keeps some of the output back, whatever it says about taking more input.
        while not self._stream.is_finished() and (pieces[-1] or not self._stream.can_accept_more_data()):
            pieces.append(self._unpack(b""))
        return b"".join(pieces)

    def finish(self) -> None:
        if not self._is_fresh and not self._stream.is_finished():
            raise CompressionError(Reason.BAD_COMPRESSION, "the compressed body is cut off")

    def _unpack(self, data: bytes) -> bytes:
        try:
            piece: bytes = self._stream.process(data, output_buffer_limit=min(_PIECE_BYTES, self._left + 1))
        except brotli.error as error:
            raise CompressionError(Reason.BAD_COMPRESSION, f"the compressed body is damaged ({error})") from error
        self._left -= len(piece)
        if self._left < 0:
            raise CompressionError(Reason.BODY_TOO_LARGE, f"unpacks to more than {self._max_bytes} bytes")
        return piece
