"""The purge: slice after slice of what is older than RETENTION_DAYS, until nothing of it is left."""

from collections.abc import Generator
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names
from orchestrations.milestones import log_purge_ended
from orchestrations.retries import INFRASTRUCTURE

# A slice costs about four history events, and every slice replays those before it.
SLICES_PER_EXECUTION: Final = 50


def purge_expired(context: DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    """Delete what has expired. Input: none; of the execution before, the rest of the `work` and what was `deleted`.

    Returns `outcome` (`completed`; `failed` if the infrastructure failed for three minutes, when the next purge goes
    on; `refused` for an instance that is not the one purge), `reason` and the counts of what was `deleted`.
    """
    if context.instance_id != names.PURGE_ID:
        return _ended(context, "refused", f"there is one purge at a time: the instance '{names.PURGE_ID}'", {})
    request = context.get_input() or {}
    work, deleted = request.get("work"), dict(request.get("deleted", {}))
    for _ in range(SLICES_PER_EXECUTION):
        try:
            done = yield context.call_activity_with_retry(names.PURGE_SLICE, INFRASTRUCTURE, {"work": work})
        except Exception as fault:  # noqa: BLE001 - the SDK raises plain Exception for a failed activity
            return _ended(context, "failed", f"infrastructure: {str(fault)[:500]}", deleted)
        for what, count in done["deleted"].items():
            deleted[what] = deleted.get(what, 0) + count
        work = done["work"]
        if work is None:
            return _ended(context, "completed", "", deleted)
        context.set_custom_status({"stage": work["stage"], "deleted": deleted})
    context.continue_as_new({"work": work, "deleted": deleted})
    return None


def _ended(context: DurableOrchestrationContext, outcome: str, reason: str, deleted: dict[str, int]) -> dict[str, Any]:
    context.set_custom_status({"stage": "ended", "deleted": deleted})
    log_purge_ended(context, outcome, reason, deleted)
    return {"outcome": outcome, "reason": reason, "deleted": deleted}
