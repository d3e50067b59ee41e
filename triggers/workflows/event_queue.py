"""The queue `workflow-events`: something other than HTTP ends a workflow."""

from contextlib import ExitStack
from typing import Final

import azure.durable_functions as df
import azure.functions as func

from orchestrations.workflow_request import BadWorkflow, workflow_id
from scraper.run_log import log_context, run_logger
from scraper.settings import Settings, app_settings
from storage.store import open_store
from triggers.workflows.requests import WorkflowEvent, queued_event
from triggers.workflows.signals import EventRefused, WorkflowEnded, raise_workflow_event
from triggers.workflows.state import WorkflowState

QUEUE: Final = "workflow-events"

logger = run_logger(__name__)


async def workflow_events(
    msg: func.QueueMessage, client: df.DurableOrchestrationClient, poison: func.Out[bytes]
) -> None:
    """Raise the event that the message names: `input` (the key), and optional `event` and `data`.

    A message that can never be served goes to the poison queue as it came. Whatever else goes wrong is raised, so
    that the host delivers the message again.
    """
    body = msg.get_body()
    with ExitStack() as context:
        try:
            event = queued_event(body)
            context.enter_context(log_context(run_id=workflow_id(event.key)))
            await _raise(msg, client, event, app_settings())
        except (BadWorkflow, EventRefused) as refusal:
            logger.error("a message of '%s' is moved to '%s-poison': %s", QUEUE, QUEUE, refusal)
            poison.set(body)


async def _raise(
    msg: func.QueueMessage, client: df.DurableOrchestrationClient, event: WorkflowEvent, settings: Settings
) -> None:
    try:
        await raise_workflow_event(client, open_store(settings).tickets, event, grace=settings.start_grace)
    except WorkflowEnded as refusal:
        # Queues deliver at least once: what ended the workflow may have been this message, before we could say so.
        if (msg.dequeue_count or 1) > 1 and _has_received(refusal.state, event):
            logger.info("workflow '%s' had the event '%s' of this message already", event.key, event.event)
            return
        raise
    logger.info("workflow '%s' gets the event '%s' from the queue", event.key, event.event)


def _has_received(state: WorkflowState, event: WorkflowEvent) -> bool:
    output = state.status.output
    received = output.get("events", []) if isinstance(output, dict) else []
    return any(one["event"] == event.event and one["data"] == event.data for one in received)
