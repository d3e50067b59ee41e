"""Compressed streams, whole, cut and hostile."""

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import CompressionError
from scraper.fetch.inflate import Inflater
from scraper.models import Reason


def inflate(encoding: str, data: bytes, *, step: int = 7, max_bytes: int = 10_000) -> bytes:
    inflater = Inflater(encoding, max_bytes=max_bytes)
    output = b"".join(inflater.feed(data[start : start + step]) for start in range(0, len(data), step))
    inflater.finish()
    return output


@given(st.binary(max_size=2000), st.integers(1, 500))
def test_gzip_comes_back_in_any_chunking(data: bytes, step: int) -> None:
    assert inflate("gzip", gzip.compress(data), step=step) == data


@given(st.binary(max_size=2000))
def test_deflate_comes_back_with_and_without_its_header(data: bytes) -> None:
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    assert inflate("deflate", zlib.compress(data)) == inflate("deflate", raw.compress(data) + raw.flush()) == data


@pytest.mark.parametrize("step", [1, 40, 4000])
def test_several_gzip_members_are_one_body_and_padding_is_ignored(step: int) -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 50
    assert inflate("gzip", data, step=step) == b"one two"


def test_a_cut_off_body_is_refused() -> None:
    with pytest.raises(CompressionError, match="cut off"):
        inflate("gzip", gzip.compress(b"x" * 500)[:-4])


def test_output_beyond_the_limit_is_refused() -> None:
    with pytest.raises(CompressionError) as caught:
        inflate("gzip", gzip.compress(b"x" * 10_001), step=10_000)
    assert caught.value.reason == Reason.BODY_TOO_LARGE


def test_output_of_exactly_the_limit_is_accepted() -> None:
    assert len(inflate("gzip", gzip.compress(b"x" * 10_000))) == 10_000


def test_endless_empty_members_are_refused() -> None:
    with pytest.raises(CompressionError, match="gzip members"):
        inflate("gzip", gzip.compress(b"") * 2000, step=4000)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_random_bytes_raise_only_compression_errors(data: bytes, encoding: str) -> None:
    with suppress(CompressionError):
        inflate(encoding, data)
