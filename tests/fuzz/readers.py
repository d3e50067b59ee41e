"""What a reader of foreign bytes is, for fuzzing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.documents import Kind


@dataclass(frozen=True)
class Reader:
    """Something that reads what a stranger wrote, of one `kind`, in one of several `ways`.

    `read` takes the bytes and the way, and returns what became of them: "" if they were accepted, or else a short code
    for why they were not. Whatever it raises is a bug. The app gives it at most so many bytes as `largest` says.
    """

    name: str
    kind: Kind
    read: Callable[[bytes, Any], str]
    ways: Sequence[Any] = (None,)
    largest: int = 5_000_000
    inputs: st.SearchStrategy[bytes] | None = None
    """Others than the documents of the kind."""


def text_of(body: bytes) -> str:
    """The text of a header, as the HTTP client decodes it."""
    return body.decode("utf-8", "surrogateescape")
