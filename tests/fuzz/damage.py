"""Hostile documents as recipes: a whole one, and a few steps that damage it, or one that makes it grow.

Hypothesis chooses recipes, not bytes: so nearly every input is still read for a good part, and the smallest recipe that
breaks a reader is also one that a person understands.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from tests.fuzz.documents import COMMON, Kind

LARGEST = 300_000
"""Bytes of one damaged document."""
_SCALE = 1024
_LONGEST_WORD = 200
_END_OF_WORD = re.compile(rb"[>\[\]{},:;\n]")
_TIMES = (1, 1, 2, 3, 40, 300, 1200, 30_000)


class Step(NamedTuple):
    """One act of damage: where and over how much (as parts of `_SCALE`), with which word, and how often.

    Of even places, the nearest end of a word before is meant: so the document stays nearly right.
    """

    act: Callable[[bytes, int, int, Step], bytes]
    place: int
    extent: int
    word: bytes
    close: bytes
    times: int


class Growing(NamedTuple):
    """A document in which something comes as often as it takes for a size."""

    head: bytes
    word: bytes
    close: bytes
    tail: bytes

    def of_size(self, size: int) -> bytes:
        """The document, of about `size` bytes."""
        return self.head + _repeated(self.word, self.close, size) + self.tail


def documents(kind: Kind) -> st.SearchStrategy[bytes]:
    """Documents of a kind, most of them damaged, some only nearly of that kind, some in another encoding."""
    word = _word(kind)
    whole = st.builds(
        _damaged,
        st.sampled_from(kind.documents),
        st.one_of(st.lists(_steps(kind), max_size=1), st.lists(_steps(kind), max_size=4)),
    )
    crossed = st.builds(_crossed, whole, whole, _place, _place)
    soup = st.lists(word, max_size=12).map(b"".join)
    encoded = st.builds(lambda encode, body: encode(body), st.sampled_from(_ENCODINGS), whole)
    return st.one_of(whole, whole, whole, whole, crossed, soup, encoded, st.binary(max_size=60))


def growing(kind: Kind) -> st.SearchStrategy[Growing]:
    """Documents that can be as long as one likes by what they have in them."""

    def grows(document: bytes, place: int, words: tuple[bytes, bytes], more: bytes) -> Growing:
        at = _place_in(document, place)
        return Growing(document[:at], words[0] + more, words[1], document[at:])

    more = st.one_of(st.just(b""), _word(kind))
    return st.builds(grows, st.sampled_from((*kind.documents, b"")), _place, _words(kind), more)


def scratched(body: bytes, count: int, *, seed: int) -> Iterator[bytes]:
    """`count` times `body` with some of its bytes changed, left out or doubled."""
    random = Random(seed)
    for _ in range(count if body else 0):
        text = bytearray(body)
        for _ in range(random.choice((1, 1, 2, 5))):
            start = random.randrange(len(text) + 1)
            end = start + random.choice((0, 1, 1, 2, 8))
            text[start:end] = random.choice((b"", random.randbytes(1), bytes(text[start:end] * 2), b"\0"))
        yield bytes(text)


_place = st.integers(0, _SCALE)


def _word(kind: Kind) -> st.SearchStrategy[bytes]:
    own = st.sampled_from(kind.words)
    return st.one_of(own, own, own, st.sampled_from(COMMON))


def _words(kind: Kind) -> st.SearchStrategy[tuple[bytes, bytes]]:
    return st.one_of(_word(kind).map(lambda word: (word, b"")), st.sampled_from(kind.nests))


def _steps(kind: Kind) -> st.SearchStrategy[Step]:
    return st.builds(
        lambda act, place, extent, words, times: Step(act, place, extent, *words, times),
        st.sampled_from(_ACTS),
        _place,
        _place,
        _words(kind),
        st.sampled_from(_TIMES),
    )


def _damaged(body: bytes, steps: list[Step]) -> bytes:
    for step in steps:
        start = _place_in(body, step.place)
        end = min(len(body), start + 1 + len(body) * step.extent // _SCALE // 8)
        body = step.act(body, start, end, step)[:LARGEST]
    return body


def _place_in(body: bytes, place: int) -> int:
    start = len(body) * place // _SCALE
    if place % 2:
        return start
    nearest = max(start - _LONGEST_WORD, 0)
    ends = [found.end() for found in _END_OF_WORD.finditer(body, nearest, start)]
    return ends[-1] if ends else nearest


def _insert(body: bytes, start: int, _end: int, step: Step) -> bytes:
    return body[:start] + step.word + step.close + body[start:]


def _replace(body: bytes, start: int, end: int, step: Step) -> bytes:
    return body[:start] + step.word + body[end:]


def _delete(body: bytes, start: int, end: int, _step: Step) -> bytes:
    return body[:start] + body[end:]


def _repeat(body: bytes, start: int, end: int, step: Step) -> bytes:
    return body[:start] + body[start:end] * min(step.times, LARGEST // max(1, end - start)) + body[end:]


def _nest(body: bytes, start: int, _end: int, step: Step) -> bytes:
    size = min(LARGEST, step.times * len(step.word + step.close))
    return body[:start] + _repeated(step.word, step.close, size) + body[start:]


def _cut_off(body: bytes, start: int, _end: int, _step: Step) -> bytes:
    return body[:start]


def _flip(body: bytes, start: int, _end: int, step: Step) -> bytes:
    if start >= len(body):
        return body
    return body[:start] + bytes([body[start] ^ (1 << step.extent % 8)]) + body[start + 1 :]


_ACTS = (_insert, _insert, _replace, _delete, _repeat, _nest, _nest, _cut_off, _flip)


def _repeated(word: bytes, close: bytes, size: int) -> bytes:
    times = max(1, size // max(1, len(word + close)))
    if b"{n}" not in word:
        return word * times + close * times
    return b"".join(word.replace(b"{n}", b"%d" % number) for number in range(times)) + close * times


def _crossed(one: bytes, other: bytes, place: int, at: int) -> bytes:
    return (one[: len(one) * place // _SCALE] + other[len(other) * at // _SCALE :])[:LARGEST]


def _in_codec(codec: str) -> Callable[[bytes], bytes]:
    return lambda body: body.decode("utf-8", "replace").encode(codec, "replace")


_ENCODINGS: tuple[Callable[[bytes], bytes], ...] = (
    *map(_in_codec, ("utf-16", "utf-16-le", "utf-32", "latin-1", "cp932", "gb18030", "utf-7", "iso2022_jp")),
    lambda body: gzip.compress(body, 1),
    lambda body: gzip.compress(body, 1)[:-5],
    lambda body: gzip.compress(gzip.compress(body, 1), 1),
)
