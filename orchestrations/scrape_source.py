"""One source of a run: plan its pages, scrape them in parallel lanes of batches, publish the snapshot."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names
from orchestrations.milestones import log_source_ended
from orchestrations.retries import INFRASTRUCTURE

MAX_PAUSES: Final = 10


def scrape_source(context: DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Scrape one source for a run. Input: `run_id`, `epoch`, `source`; of a retry also `base_epoch`.

    Returns `source`, `outcome` (`published`, `refused`, `failed`, `superseded`, `stopped`), `reason` and the counts of
    the snapshot. Never raises for what happened to the source: one broken source must not end the others.
    """
    source = context.get_input()
    try:
        summary = yield from _scrape(context, source)
    except Exception as fault:  # noqa: BLE001 - the SDK raises plain Exception for a failed activity
        summary = _ended(source, "failed", f"infrastructure: {str(fault)[:500]}")
    _show(context, source, "ended", outcome=summary["outcome"], rows=summary.get("rows", 0))
    log_source_ended(context, source["run_id"], source["source"], summary["outcome"], summary["reason"])
    return summary


def _scrape(context: DurableOrchestrationContext, source: dict[str, Any]) -> Generator[Any, Any, dict[str, Any]]:
    _show(context, source, "planning")
    plan = yield from _plan(context, source)
    if plan["code"] != "planned":
        return _ended(source, plan["code"], plan["reason"])
    _show(context, source, "scraping", batches=plan["batches"])
    children = _lanes(context, source, plan)
    # A retry may have nothing to fetch, only to publish; an empty task_all would yield None.
    lanes = (yield context.task_all(children)) if children else []
    if any(lane["code"] == "superseded" for lane in lanes):
        return _ended(source, "superseded", "a newer run has begun")
    for lane in lanes:
        if lane["code"] == "stopped":
            return _ended(source, "stopped", lane["reason"])
    _show(context, source, "publishing", batches=plan["batches"])
    summary: dict[str, Any] = yield context.call_activity_with_retry(names.PUBLISH_SOURCE, INFRASTRUCTURE, source)
    return summary


def _plan(context: DurableOrchestrationContext, source: dict[str, Any]) -> Generator[Any, Any, dict[str, Any]]:
    """The plan; a site that wants to be left alone before is left alone, but not for ever."""
    for _ in range(MAX_PAUSES):
        plan: dict[str, Any] = yield context.call_activity_with_retry(names.PLAN_SOURCE, INFRASTRUCTURE, source)
        if plan["code"] != "paused":
            return plan
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=plan["seconds"]))
    return {"code": "failed", "reason": f"{plan['reason']}, for the {MAX_PAUSES}th time"}


def _show(context: DurableOrchestrationContext, source: dict[str, Any], stage: str, **facts: Any) -> None:
    """The custom status. Stages only go forward: planning, scraping, publishing, ended; any may be left out."""
    context.set_custom_status({"source": source["source"], "stage": stage, **facts})


def _lanes(context: DurableOrchestrationContext, source: dict[str, Any], plan: dict[str, Any]) -> list[Any]:
    """As many sub-orchestrations as batches may run at a time: together they keep the source's limits."""
    lanes = min(plan["window"], plan["batches"])
    work = {
        **source,
        "plan_attempt": plan["attempt"],
        "share": plan["share"],
        "lanes": lanes,
        "batches": plan["batches"],
    }
    return [
        context.call_sub_orchestrator(
            names.SCRAPE_LANE, {**work, "next_batch": lane}, names.lane_instance_id(context.instance_id, lane)
        )
        for lane in range(lanes)
    ]


def _ended(source: dict[str, Any], outcome: str, reason: str) -> dict[str, Any]:
    return {"source": source["source"], "outcome": outcome, "reason": reason}
