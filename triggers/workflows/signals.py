"""An event for a workflow, from whatever trigger: looked at first, so that a refusal can say why."""

from collections import Counter
from datetime import timedelta
from typing import Any, Final, Protocol

from orchestrations.workflow_request import WorkflowRequest, workflow_id
from storage.ledger.locks import TicketStore
from triggers.workflows.requests import WorkflowEvent
from triggers.workflows.state import Phase, StatusClient, WorkflowState, settled_state

ATTEMPTS: Final = 3  # for one life of a workflow


class EventRefused(Exception):
    """The event cannot be raised, and trying again is of no use."""


class WorkflowNotFound(EventRefused):
    """There is no workflow with this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no workflow '{key}': it was never started, or its history was purged.")


class WorkflowEnded(EventRefused):
    """The workflow has ended; `state` tells how."""

    def __init__(self, state: WorkflowState) -> None:
        super().__init__(f"The workflow '{state.key}' has ended: {state.outcome}.")
        self.state = state


class EventNotAwaited(EventRefused):
    """The workflow waits for other events."""

    def __init__(self, event: WorkflowEvent, request: WorkflowRequest) -> None:
        self.awaited = list(request.wait_for)
        super().__init__(
            f"'event': the workflow '{event.key}' does not wait for '{event.event}'; "
            f"it waits for {request.mode} of: {', '.join(self.awaited)}."
        )


class StillStarting(Exception):
    """A start of the workflow is on its way and does not arrive; it can be tried again later."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The workflow '{key}' is only being started; try again in a moment.")


class SignallingClient(StatusClient, Protocol):
    """The part of the SDK's durable client that raising an event needs."""

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None:
        """Send the event; raises a plain Exception when the hub refuses."""


async def raise_workflow_event(
    client: SignallingClient, tickets: TicketStore, event: WorkflowEvent, *, grace: timedelta
) -> None:
    """Raise the event; what comes of it shows later. Raises EventRefused, StillStarting, or what the hub raised."""
    tries: Counter[int] = Counter()
    while True:
        state = await _waiting_state(client, tickets, event, grace=grace)
        life = state.ticket.epoch if state.ticket else 0
        tries[life] += 1
        try:
            await client.raise_event(workflow_id(event.key), event.event, event.data)
        except Exception:
            # The SDK has no narrower type. The workflow may have ended since we looked, and even live again: the next
            # look tells. Only if it is the same life as before, the hub is at fault.
            if tries[life] == ATTEMPTS:
                raise
        else:
            return


async def _waiting_state(
    client: SignallingClient, tickets: TicketStore, event: WorkflowEvent, *, grace: timedelta
) -> WorkflowState:
    state = await settled_state(client, tickets, event.key, grace=grace)
    if state.phase is Phase.STARTING:
        raise StillStarting(event.key)
    if state.phase is Phase.ABSENT:
        raise WorkflowNotFound(event.key)
    if state.phase is Phase.ENDED:
        raise WorkflowEnded(state)
    if state.request is not None and event.event not in state.request.wait_for:
        raise EventNotAwaited(event, state.request)
    return state
