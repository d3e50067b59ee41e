"""The event-driven workflow: sleep until something outside says that it is over, or until a deadline."""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext

from orchestrations.workflow_events import Received, received_events
from orchestrations.workflow_request import BadWorkflow, WorkflowRequest, workflow_request
from scraper.run_log import log_context, run_logger

# The SDK splits timers of more than six days, and such a one cannot be cancelled: a workflow that has its event would
# stay Running for days. So a distant deadline is reached in steps of our own.
LONGEST_TIMER: Final = timedelta(days=5)

logger = run_logger(__name__)


def workflow(context: DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Wait for any or all of the named events, or for the deadline, whichever comes first.

    Input: `input` (the key), and optional `waitFor`, `mode`, `timeoutSeconds`, `data`. Returns `input`, `outcome`
    (`completed`, `timed_out`) and `events`, each with `event`, `data` and `receivedAt`, in the order of their coming.
    Fails, naming the field, if the input cannot be used.
    """
    request = _request(context)
    deadline = _deadline(context, request)
    context.set_custom_status({"deadline": deadline.isoformat() if deadline else None})
    _log(context, f"workflow '{request.key}' waits for {request.mode} of: {', '.join(request.wait_for)}")
    received = yield from _wait(context, request, deadline)
    outcome = "completed" if received.is_complete else "timed_out"
    _log(context, f"workflow '{request.key}' has ended: {outcome}")
    return {"input": request.key, "outcome": outcome, "events": received.events}


def _log(context: DurableOrchestrationContext, text: str) -> None:
    if not context.is_replaying:
        with log_context(run_id=context.instance_id):
            logger.info("%s", text)


def _request(context: DurableOrchestrationContext) -> WorkflowRequest:
    try:
        document = context.get_input()
    except Exception as fault:
        raise BadWorkflow(f"the input of a workflow must be a JSON object; it cannot be read: {fault}") from fault
    return workflow_request(document)


def _deadline(context: DurableOrchestrationContext, request: WorkflowRequest) -> datetime | None:
    if request.timeout_s is None:
        return None
    started: datetime = context.current_utc_datetime
    return started + timedelta(seconds=request.timeout_s)


def _wait(
    context: DurableOrchestrationContext, request: WorkflowRequest, deadline: datetime | None
) -> Generator[Any, Any, Received]:
    """Everything awaited at a time stands in one yielded task: the host numbers tasks by the yields they stand in."""
    timers = 0
    received = Received([], is_complete=False)
    while True:
        waits = [context.wait_for_external_event(name) for name in received.missing(request)]
        events = context.task_any(waits) if request.mode == "any" else context.task_all(waits)
        if deadline is None:
            yield events
            return received_events(context.histories, request, timers=0)
        fire_at = min(deadline, context.current_utc_datetime + LONGEST_TIMER)
        timer = context.create_timer(fire_at)
        timers += 1
        yield context.task_any([events, timer])
        received = received_events(context.histories, request, timers=timers)
        if received.is_complete:
            timer.cancel()
            return received
        if fire_at == deadline:
            return received
