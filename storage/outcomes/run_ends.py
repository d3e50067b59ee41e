"""How a run ended that could not write it down itself: its orchestration was terminated, or broke."""

from dataclasses import replace
from typing import Any

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from storage.ledger.hub import LIVE, HubClient, is_of
from storage.ledger.runs import RunRecord, RunRef
from storage.store import Store


async def with_its_end(client: HubClient, store: Store, run: RunRecord, *, of: str) -> RunRecord:
    """`run`, with an outcome if its orchestration, one of `of`, has ended without writing one.

    That it was terminated is final, and written down as soon as it is seen: the hub forgets it with the next execution
    of the ID, and with a purge. One that failed may yet be rewound.
    """
    if run.outcome is not None:
        return run
    status: Any = None
    newest = await store.runs.find(run.run_id)
    # The hub speaks of the newest execution of this ID. While a run takes its first step its ID leads to an earlier run
    # still, or to none: the record is written first.
    if newest is None or newest.epoch <= run.epoch:
        status = await client.get_status(run.run_id)
        if is_of(status, of) and status.runtime_status in LIVE:
            return run
    # It may have ended, and written its record, since our reading of the record.
    written = await store.runs.of_execution(RunRef(run.run_id, run.epoch))
    if written is not None and written.outcome is not None:
        return written
    # One that completed has written its record: so that is a later execution, which did not become a run.
    if not is_of(status, of) or status.runtime_status is Status.Completed:
        return replace(run, outcome="failed", reason="the orchestration is gone and left no record")
    ended = ended_by_the_hub(run, status)
    is_final = written is not None and status.runtime_status is Status.Terminated  # without one it was purged just now
    return await store.runs.end(ended) if is_final else ended


def outcome_in_hub(status: Any) -> str:
    """The outcome of a run whose orchestration has ended without writing one."""
    return "terminated" if status.runtime_status is Status.Terminated else "failed"


def ended_by_the_hub(run: RunRecord, status: Any) -> RunRecord:
    """A run that was terminated, or whose orchestration broke; the hub's output is the reason it was given."""
    ended = status.runtime_status.name.lower()
    return replace(
        run,
        outcome=outcome_in_hub(status),
        reason=f"the orchestration was {ended}: {status.output}"[:1000],
        finished_at=status.last_updated_time,
    )
