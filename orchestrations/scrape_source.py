"""One source of a run: plan its pages, scrape them in parallel lanes of batches, publish the snapshot."""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names
from orchestrations.retries import INFRASTRUCTURE


def scrape_source(context: DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Scrape one source for a run. Input: `run_id`, `epoch`, `source`.

    Returns `source`, `outcome` (`published`, `refused`, `failed`, `superseded`, `stopped`), `reason` and the counts of
    the snapshot. Never raises for what happened to the source: one broken source must not end the others.
    """
    source = context.get_input()
    try:
        return (yield from _scrape(context, source))
    except Exception as fault:  # noqa: BLE001 - the SDK raises plain Exception for a failed activity
        return _ended(source, "failed", f"infrastructure: {str(fault)[:500]}")


def _scrape(context: DurableOrchestrationContext, source: dict[str, Any]) -> Generator[Any, Any, dict[str, Any]]:
    context.set_custom_status({"source": source["source"], "stage": "planning"})
    plan = yield context.call_activity_with_retry(names.PLAN_SOURCE, INFRASTRUCTURE, source)
    if plan["code"] != "planned":
        return _ended(source, plan["code"], plan["reason"])
    context.set_custom_status({"source": source["source"], "stage": "scraping", "batches": plan["batches"]})
    lanes = yield context.task_all(_lanes(context, source, plan))
    if any(lane["code"] == "superseded" for lane in lanes):
        return _ended(source, "superseded", "a newer run has begun")
    for lane in lanes:
        if lane["code"] == "stopped":
            return _ended(source, "stopped", lane["reason"])
    context.set_custom_status({"source": source["source"], "stage": "publishing"})
    summary: dict[str, Any] = yield context.call_activity_with_retry(names.PUBLISH_SOURCE, INFRASTRUCTURE, source)
    return summary


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
