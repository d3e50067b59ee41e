"""The IDs of a run's trace, computed from the run: every process finds the same ones, and nothing has to be passed on.

A run's trace is the one of its run ID and epoch. The spans of the run and of its sources are made once all is over,
and have IDs that the spans of their steps could name as parents before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context


@dataclass(frozen=True, slots=True)
class RunTrace:
    """The trace of one run; `app` as in Sender."""

    app: str
    run_id: str
    epoch: int

    @property
    def trace_id(self) -> int:
        """128 bits, evenly spread."""
        return _number(16, self.app, self.run_id, str(self.epoch))

    def span_id(self, source: str = "") -> int:
        """The ID of the run's own span, or of that of one of its sources."""
        return _number(8, self.app, self.run_id, str(self.epoch), "source" if source else "run", source)

    def inside(self, source: str = "") -> Context:
        """The context of what happens in the run, or in one of its sources."""
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        parent = trace.SpanContext(self.trace_id, self.span_id(source), is_remote=True, trace_flags=flags)
        return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _number(size: int, *parts: str) -> int:
    digest = sha256("\n".join(parts).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:size], "big") or 1  # zero is no ID


_given: ContextVar[tuple[int, int] | None] = ContextVar("given_ids", default=None)


@contextmanager
def given_ids(trace_id: int, span_id: int) -> Iterator[None]:
    """The next span that our tracer begins inside has these IDs; the trace's only if it has no parent."""
    token = _given.set((trace_id, span_id))
    try:
        yield
    finally:
        _given.reset(token)


class _IdsGivenOrRandom:
    """An IdGenerator of the SDK, which this app can run without."""

    def __init__(self, otherwise: Any) -> None:
        self._otherwise = otherwise

    def generate_trace_id(self) -> int:
        given = _given.get()
        return given[0] if given else int(self._otherwise.generate_trace_id())

    def generate_span_id(self) -> int:
        given = _given.get()
        return given[1] if given else int(self._otherwise.generate_span_id())

    def is_trace_id_random(self) -> bool:
        return False


def with_given_ids(tracer: trace.Tracer) -> trace.Tracer:
    """Our own tracer, which heeds `given_ids`; other tracers of the same provider are as they were."""
    generator = getattr(tracer, "id_generator", None)
    if generator is not None:
        tracer.id_generator = _IdsGivenOrRandom(generator)  # type: ignore[attr-defined]
    return tracer
