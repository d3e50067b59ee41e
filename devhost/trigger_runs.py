"""What the timers, the queues and /admin run: one call of a function for each event, with retries where they count."""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from azure.functions.meta import Datum

from devhost.clock import Clock
from devhost.errors import FunctionFailed
from devhost.functions.bindings import RunOutputs
from devhost.functions.context import RetryContext
from devhost.functions.description import LoadedFunction
from devhost.functions.invocation import Invoker
from devhost.queues.message_runs import QueueFunction
from devhost.queues.queue_message import merged_metadata
from devhost.timers.retries import run_with_retries
from devhost.timers.timer_loop import TimerFunction, TimerInfo
from devhost.web.request_router import HOST_API_REASON

_logger = logging.getLogger("devhost.host")


class TriggerRuns:
    """Runs the functions of one app. What a function raises was logged by the invoker."""

    def __init__(
        self,
        functions: Sequence[LoadedFunction],
        invoker: Invoker,
        clock: Clock,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`jitter` gives numbers from 0 to below 1, for retry policies."""
        self._functions = {function.name: function for function in functions}
        self._invoker = invoker
        self._clock, self._jitter = clock, jitter

    async def run_timer(self, timer: TimerFunction, info: TimerInfo) -> None:
        """Run a timer function, again as its retry policy says; a failed run counts as a run."""
        function = self._functions[timer.name]

        async def attempt(retry: RetryContext | None) -> RunOutputs:
            payload = Datum(info.payload_json, "json")
            return await self._invoker.call(function, payload, reason=info.reason, retry=retry)

        try:
            await run_with_retries(attempt, function.retry, clock=self._clock, logger=_logger, jitter=self._jitter)
        except FunctionFailed as failed:
            _logger.debug("%s", failed)

    async def run_message(self, trigger: QueueFunction, value: Datum, metadata: Mapping[str, Datum]) -> bool:
        """Run a queue function once; True if it succeeded. The queue itself repeats it."""
        reason = f"New queue message detected on '{trigger.queue}'."
        try:
            await self._invoker.call(self._functions[trigger.name], value, reason=reason, metadata=metadata)
        except FunctionFailed as failed:
            _logger.debug("%s", failed)
            return False
        return True

    async def run_by_hand(self, function: LoadedFunction, text: str) -> None:
        """Run any other function than a timer with a text. Raises FunctionFailed."""
        metadata: dict[str, Datum] = {}
        value = Datum(text, "string")
        if function.trigger_type == "queueTrigger":
            metadata = merged_metadata({"DequeueCount": Datum("0", "json")}, text.encode())
            value = Datum(text.encode(), "bytes") if is_binary(function.trigger) else value
        await self._invoker.call(function, value, reason=HOST_API_REASON, metadata=metadata)


def timer_functions(functions: Sequence[LoadedFunction]) -> list[TimerFunction]:
    """The functions with a timer trigger."""
    return [
        TimerFunction(
            name=function.name,
            schedule=str(function.trigger["schedule"]),
            run_on_startup=bool(function.trigger.get("runOnStartup", False)),
            use_monitor=bool(function.trigger.get("useMonitor", True)),
            is_disabled=function.disabled,
        )
        for function in functions
        if function.trigger_type == "timerTrigger"
    ]


def queue_functions(functions: Sequence[LoadedFunction]) -> list[QueueFunction]:
    """The functions with a queue trigger."""
    return [
        QueueFunction(
            name=function.name,
            queue=str(function.trigger["queueName"]).lower(),
            connection=str(function.trigger.get("connection") or ""),
            is_binary=is_binary(function.trigger),
            is_disabled=function.disabled,
        )
        for function in functions
        if function.trigger_type == "queueTrigger"
    ]


def retry_warnings(functions: Sequence[LoadedFunction]) -> tuple[str, ...]:
    """A sentence for each function whose retry policy nothing enforces."""
    return tuple(
        f"The retry policy of '{function.name}' has no effect: the host repeats runs of timers only, not of "
        f"{function.trigger_type}. {_INSTEAD.get(function.trigger_type, 'Remove @app.retry')}."
        for function in functions
        if function.retry is not None and function.trigger_type != "timerTrigger"
    )


_INSTEAD = {
    "queueTrigger": "A failed message comes again by itself, see extensions.queues.maxDequeueCount of host.json",
    "activityTrigger": "Use call_activity_with_retry in the orchestrator",
}


def is_binary(trigger: Mapping[str, Any]) -> bool:
    """True if the trigger has dataType binary."""
    return str(trigger.get("dataType") or "").upper() == "BINARY"
