"""One source of a run: plan its pages, scrape them in parallel lanes of batches, publish the snapshot.

A source that follows links does the first two for one level of links after the other, until they lead to no new page.
"""

from collections.abc import Generator
from datetime import timedelta
from itertools import count
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names
from orchestrations.milestones import log_source_ended
from orchestrations.retries import INFRASTRUCTURE
from orchestrations.scrape_lane import BATCHES_PER_EXECUTION

MAX_PAUSES: Final = 10
# A plan costs about four history events, and so does a lane; with the last level an execution stays under 500 of them.
STEPS_PER_EXECUTION: Final = 50


def scrape_source(context: DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    """Scrape one source for a run. Input: `run_id`, `epoch`, `source`; of a retry also `base_epoch`.

    Returns `source`, `outcome` (`published`, `refused`, `failed`, `superseded`, `stopped`), `reason` and the counts of
    the snapshot. Never raises for what happened to the source: one broken source must not end the others.
    """
    # Of our own continuations also `level`, where this execution begins.
    source = {key: value for key, value in context.get_input().items() if key != "level"}
    try:
        summary = yield from _scrape(context, source)
    except Exception as fault:  # noqa: BLE001 - the SDK raises plain Exception for a failed activity
        summary = _ended(source, "failed", f"infrastructure: {str(fault)[:500]}")
    if summary is None:
        return None  # it goes on in a new execution
    _show(context, source, "ended", outcome=summary["outcome"], rows=summary.get("rows", 0))
    log_source_ended(context, source["run_id"], source["source"], summary["outcome"], summary["reason"])
    return summary


def _scrape(context: DurableOrchestrationContext, source: dict[str, Any]) -> Generator[Any, Any, dict[str, Any] | None]:
    steps = 0
    for level in count(context.get_input().get("level", 0)):
        if steps >= STEPS_PER_EXECUTION:
            context.continue_as_new({**source, "level": level})
            return None
        if level == 0:
            _show(context, source, "planning")
        work = {**source, "level": level} if level else source
        plan = yield from _plan(context, work)
        if plan["code"] != "planned":
            return _ended(source, plan["code"], plan["reason"])
        _show(context, source, "scraping", batches=plan["batches"], **({"level": level} if level else {}))
        children = _lanes(context, source, plan, level)
        # A retry may have nothing to fetch, only to publish, and the last level has no pages; an empty task_all would
        # yield None.
        lanes = (yield context.task_all(children)) if children else []
        summary = _ended_by(source, lanes)
        if summary is not None:
            return summary
        if not plan.get("more"):
            break
        steps += 1 + len(children)
    _show(context, source, "publishing", batches=plan["batches"])
    return (yield context.call_activity_with_retry(names.PUBLISH_SOURCE, INFRASTRUCTURE, source))  # type: ignore[no-any-return]


def _ended_by(source: dict[str, Any], lanes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The end of the source, if one of its lanes was turned away."""
    if any(lane["code"] == "superseded" for lane in lanes):
        return _ended(source, "superseded", "a newer run has begun")
    for lane in lanes:
        if lane["code"] == "stopped":
            return _ended(source, "stopped", lane["reason"])
    return None


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


def _lanes(context: DurableOrchestrationContext, source: dict[str, Any], plan: dict[str, Any], level: int) -> list[Any]:
    """As many sub-orchestrations as batches may run at a time: together they keep the source's limits."""
    lanes = min(plan["window"], plan["batches"])
    work = {
        **source,
        "plan_attempt": plan["attempt"],
        "share": plan["share"],
        "lanes": lanes,
        "batches": plan["batches"],
        "per_execution": BATCHES_PER_EXECUTION,
    }
    return [
        context.call_sub_orchestrator(
            names.SCRAPE_LANE, {**work, "next_batch": lane}, names.lane_instance_id(context.instance_id, lane, level)
        )
        for lane in range(lanes)
    ]


def _ended(source: dict[str, Any], outcome: str, reason: str) -> dict[str, Any]:
    return {"source": source["source"], "outcome": outcome, "reason": reason}
