"""One reader, fed with many inputs in this process: damaged documents, and documents that grow."""

from __future__ import annotations

import json
import pickle
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from tests.fuzz.costs import cpu_s, memory_mb
from tests.fuzz.damage import Growing, documents, growing, scratched
from tests.fuzz.readers import Reader

STEEPEST = 2.5
"""How much more than four times the cost four times the size may have; what costs the square has 4."""
_NOISE_S = 0.1
"""Less processor time than this tells nothing of growth, and may grow as it likes."""
_PAIRS_AGAIN = 4
"""A suspect is read again, both sizes in turns: on a busy machine a second of processor time is worth half a second
a moment later, and what costs the square does so in every pair."""
_FACTOR = 4
_STEPS = 4
_LONG_ENOUGH_S = 1.0
_MEMORY_MB, _MEMORY_FACTOR = 100.0, 125.0
"""What reading may take: so much, and so many times the size of what is read."""
_HANGS_AFTER_S = 120.0
_ROUND = 200
"""Hypothesis remembers all that it has tried, so it starts afresh now and then."""
_GROWING_ROUND = 10
_SCRATCHED = 9
_QUICK_BYTES = 20_000
"""Documents so short are also read with some bytes changed: making them up takes longer than reading them."""
_SHOWN = 100


@dataclass
class Report:
    """What came of it. `outcomes` counts codes, "" is accepted.

    `steepest` is the greatest growth of cost against growth of size: 1 is in proportion. `memory_factor` is the most
    memory against the size of the input, of inputs of more than a megabyte.
    """

    reader: str
    executions: int = 0
    growths: int = 0
    steepest: float = 0.0
    memory_mb: float = 0.0
    memory_factor: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> str:
        """For another process."""
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, text: str) -> Report:
        """What `as_json` wrote."""
        told = json.loads(text)
        return cls(**{**told, "outcomes": Counter(told["outcomes"])})


def feed(reader: Reader, *, most: Most, seed: int, last_input: Path, largest: int = 5_000_000) -> Report:
    """Feed `reader`; raises what it raises, or AssertionError for what costs too much, for the smallest such recipe.

    Documents grow up to `largest` bytes, or what the app gives the reader at most. `last_input` has, pickled, what is
    being read: also if that ends the process, as a hang of two minutes does.
    """
    report = Report(reader.name)
    damaged = documents(reader.kind) if reader.inputs is None else reader.inputs
    ways = st.sampled_from(list(enumerate(reader.ways)))

    def take(body: bytes, way: tuple[int, Any], scratches: int) -> None:
        last_input.write_bytes(pickle.dumps((reader.name, way[0], body, scratches)))
        bodies = [body, *scratched(body, _SCRATCHED, seed=scratches)] if len(body) < _QUICK_BYTES else [body]
        _read(reader, bodies, way[1], report)

    def grow(recipe: Growing, way: tuple[int, Any]) -> None:
        last_input.write_bytes(pickle.dumps((reader.name, way[0], recipe)))
        _grow(reader, recipe, way[1], report, min(reader.largest, largest))

    for rounds in range(most.rounds):
        this = {"seed": seed * 1_000_003 + rounds, "shrinks": most.shrinks}
        _round(take, damaged.map(_Body), ways, st.integers(0, 2**32), executions=most.damaged, **this)
        _round(grow, growing(reader.kind), ways, executions=most.growing, **this)
        if most.is_over():
            break
    return report


@dataclass
class Most:
    """How much is fed: so many rounds of so many documents, or as long as `seconds` last."""

    rounds: int = 1_000_000
    damaged: int = _ROUND
    growing: int = _GROWING_ROUND
    seconds: float | None = None
    shrinks: bool = True
    """Whether the smallest input is looked for that breaks the reader."""

    def __post_init__(self) -> None:
        self._end = time.monotonic() + (self.seconds if self.seconds is not None else float("inf"))

    def is_over(self) -> bool:
        """Whether the time is."""
        return time.monotonic() > self._end


class _Body(bytes):
    """Bytes that are not shown at length."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes: {bytes(self[:_SHOWN])!r}>"


def _round(
    take: Callable[..., None], *inputs: st.SearchStrategy[Any], executions: int, seed: int, shrinks: bool
) -> None:
    settings = hypothesis.settings(
        max_examples=executions,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if shrinks else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    hypothesis.seed(seed)(settings(hypothesis.given(*inputs)(take)))()


def _read(reader: Reader, bodies: Sequence[bytes], way: Any, report: Report) -> float:
    """Read inputs, one after the other; the seconds of processor time that they took."""

    def read() -> None:
        for body in bodies:
            report.outcomes[reader.read(body, way)] += 1

    took: list[float] = []
    signal.setitimer(signal.ITIMER_PROF, _HANGS_AFTER_S)  # the process dies, even inside of a C library
    try:
        grown_mb = memory_mb(lambda: took.append(cpu_s(read)))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    report.executions += len(bodies)
    report.memory_mb = max(report.memory_mb, grown_mb)
    size_mb = max(map(len, bodies)) / 1e6
    if size_mb > 1:
        report.memory_factor = max(report.memory_factor, grown_mb / size_mb)
    most_mb = _MEMORY_MB + _MEMORY_FACTOR * size_mb
    assert grown_mb <= most_mb, f"reading {size_mb:.1f} MB takes {grown_mb:.0f} MB, and {most_mb:.0f} MB are allowed"
    return took[0]


def _grow(reader: Reader, recipe: Growing, way: Any, report: Report, largest: int) -> None:
    """Read ever longer documents until one takes long, and see how the cost grows."""
    size = largest // _FACTOR**_STEPS
    shorter = recipe.of_size(size)
    before_s = _read(reader, [shorter], way, report)
    report.growths += 1
    while before_s < _LONG_ENOUGH_S and size * _FACTOR <= largest:
        size *= _FACTOR
        body = recipe.of_size(size)
        took_s = _read(reader, [body], way, report)
        pairs = [(before_s, took_s)]
        if _steepness(before_s, took_s) > STEEPEST:
            again = [partial(reader.read, each, way) for each in (shorter, body)]
            pairs += [(cpu_s(again[0]), cpu_s(again[1])) for _ in range(_PAIRS_AGAIN)]
        quarter_s, whole_s = min(pairs, key=lambda pair: _steepness(*pair))
        steepness = _steepness(quarter_s, whole_s)
        report.steepest = max(report.steepest, round(steepness, 2))
        told = f"{len(body)} bytes take {whole_s:.2f} s of processor time, a quarter of it {quarter_s:.2f} s"
        assert steepness <= STEEPEST, told
        before_s, shorter = took_s, body


def _steepness(before_s: float, took_s: float) -> float:
    return took_s / max(before_s, _NOISE_S) / _FACTOR
