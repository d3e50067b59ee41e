"""The spans of a run's steps: one for each execution of an activity, so a step that is repeated has several."""

from collections.abc import Mapping
from contextvars import ContextVar, Token
from datetime import datetime
from types import TracebackType
from typing import Any, Final
from uuid import uuid4

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Status, StatusCode

from scraper import clock
from scraper.log_lines import one_line
from telemetry.finished_runs import LONGEST_REASON, NOT_WELL, nanoseconds
from telemetry.harmless import harmless
from telemetry.run_ids import RunTrace
from telemetry.switch import Sender, sender

_COUNTS: Final = frozenset({"loaded", "unchanged", "failed", "rows", "pages", "batches", "pause", "seconds", "level"})
_ATTRIBUTES: Final = frozenset({"code", "outcome", *_COUNTS})

_step: ContextVar["Step | None"] = ContextVar("step", default=None)


def note(**attributes: str | int | float | bool) -> None:
    """Say more about the step that is running, if telemetry is on."""
    step = _step.get()
    if step is not None:
        step.note(attributes)


class Step:
    """`with Step(name, payload) as step:` around an activity with `run_id`, `epoch` and maybe `source` in its payload.

    The span is part of the run's trace, below the source or the run. While it lasts, log lines that an exporter takes
    belong to it. A run that gets its epoch by this very step has its span then.
    """

    def __init__(self, name: str, payload: Mapping[str, Any]) -> None:
        self._name, self._payload = name, payload
        self._to: Sender | None = None
        self._span: trace.Span | None = None
        self._tokens: tuple[Token[Context], Token[Step | None]] | None = None
        self._answer: Mapping[str, Any] = {}
        self._began: datetime | None = None

    def __enter__(self) -> "Step":
        self._to = sender()
        if self._to is not None:
            self._enter(self._to)
        return self

    @harmless
    def _enter(self, to: Sender) -> None:
        self._began = clock.utc_now()
        if isinstance(self._payload.get("epoch"), int):
            self._span = self._begin(to, self._payload["epoch"], self._began)
            self._tokens = context.attach(trace.set_span_in_context(self._span)), _step.set(self)

    def _begin(self, to: Sender, epoch: int, began: datetime) -> trace.Span:
        run_id, source = str(self._payload["run_id"]), str(self._payload.get("source") or "")
        # The host's own span of this invocation is in a trace of its own.
        host = trace.get_current_span().get_span_context()
        attributes: dict[str, Any] = {"run_id": run_id, "epoch": epoch, "attempt": uuid4().hex[:12]}
        if source:
            attributes["source"] = source
        if self._payload.get("level"):
            attributes["level"] = self._payload["level"]
        return to.tracer.start_span(
            self._name,
            context=RunTrace(to.app, run_id, epoch).inside(source),
            attributes=attributes,
            links=[trace.Link(host)] if host.is_valid else [],
            start_time=nanoseconds(began),
        )

    def answered(self, answer: Mapping[str, Any]) -> None:
        """What the activity returned."""
        self._answer = answer

    @harmless
    def note(self, attributes: Mapping[str, Any]) -> None:
        """More about the step."""
        if self._span is not None:
            self._span.set_attributes(dict(attributes))

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None) -> None:
        if self._to is not None:
            self._exit(self._to, fault)

    @harmless
    def _exit(self, to: Sender, fault: BaseException | None) -> None:
        if self._tokens is not None:
            context.detach(self._tokens[0])
            _step.reset(self._tokens[1])
        if self._span is None:
            epoch = self._answer.get("epoch")
            if not isinstance(epoch, int) or self._began is None:
                return  # no run came of it, so there is no trace
            self._span = self._begin(to, epoch, self._began)
        told = {name: value for name, value in self._answer.items() if name in _ATTRIBUTES and value is not None}
        self._span.set_attributes(told)
        outcome, reason = str(told.get("outcome", told.get("code", ""))), str(self._answer.get("reason") or "")
        if reason:
            self._span.set_attribute("reason", one_line(reason, LONGEST_REASON))
        if fault is not None:
            outcome, reason = "failed", f"{type(fault).__name__}: {fault}"
        if outcome in NOT_WELL:
            self._span.set_status(Status(StatusCode.ERROR, one_line(reason, LONGEST_REASON)))
        self._span.end(nanoseconds(clock.utc_now()))
