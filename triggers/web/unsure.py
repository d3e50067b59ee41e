"""What to say of a command that met a storage that does not answer: it may have taken effect all the same."""

from typing import Final

WHERE_TO_LOOK: Final = {
    "start_orchestrator": "PUT orchestrators/{functionName}/{instanceId}",  # which never starts again what has ended
    "poll_orchestrator": "PUT orchestrators/{functionName}/{instanceId}",
    "start_run": "GET runs and GET starts",
    "request_stop": "GET runs/{runId}",
    "retry_run": "GET runs",
    "cancel_start": "GET starts",
    "put_schedule": "GET schedule",
    "publish_dataset": "GET datasets/{source}",
    "start_workflow": "GET check/{input}",
    "stop_workflow": "GET check/{input}",
}
"""For each command, by its handler, what tells whether it was done."""


def unsure(command: str) -> str:
    """A sentence for the caller of a command; nothing of what only reads.

    A write that was sent may arrive long after nobody waits for its answer any more.
    """
    where = WHERE_TO_LOOK.get(command)
    return f" It may have been done all the same: ask {where} before you repeat it." if where else ""
