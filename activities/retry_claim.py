"""A run that retries another: what it says of that one, and whether that still holds once nothing can change it."""

from typing import Any

from storage.ledger.runs import RunRecord, RunRef
from storage.planning.retrying import rest_of, why_not_retry
from storage.store import Store


def is_run_ref(told: Any) -> bool:
    """True for `run_id` and `epoch` of a run, and for None: a run that came past our routes may say anything."""
    if told is None:
        return True
    if not isinstance(told, dict) or told.keys() != {"run_id", "epoch"}:
        return False
    return isinstance(told["run_id"], str) and type(told["epoch"]) is int and told["epoch"] > 0


def run_ref(told: Any) -> RunRef | None:
    """The run that a payload names, if it names one; `told` is one that `is_run_ref`."""
    return None if told is None else RunRef(told["run_id"], told["epoch"])


async def why_outdated(store: Store, run: RunRecord) -> str:
    """Why the retry cannot go on; empty if it can, or is none. Ask once the fences are raised.

    It was asked when the retry was started; until the fences were raised, another run may have published, and rows
    may have been purged.
    """
    if run.retry_of is None:
        return ""
    base = await store.runs.of_execution(run.retry_of)
    if base is None or base.epoch >= run.epoch:
        return f"there is no run '{run.retry_of.run_id}' with epoch {run.retry_of.epoch} to retry"
    for source in run.sources:
        rest = await rest_of(store, base, source)
        if rest.newer == RunRef(run.run_id, run.epoch):
            continue  # this is a late repeat of the claim
        reason = await why_not_retry(store, rest)
        if reason:
            return reason
    return ""
