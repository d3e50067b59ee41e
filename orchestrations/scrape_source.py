"""One source of a run: plan its pages, scrape them in windows of batches, publish the snapshot."""

from collections.abc import Generator
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names
from orchestrations.retries import INFRASTRUCTURE

# A batch costs at most about 4.5 history events, so an execution stays under 500 of them.
BATCHES_PER_EXECUTION: Final = 100


def scrape_source(context: DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Scrape one source for a run. Input: `run_id`, `epoch`, `source`; a later execution also has `plan`, `next_batch`.

    Returns `source`, `outcome` (`published`, `refused`, `failed`, `superseded`), `reason` and the counts of the
    snapshot. Never raises for what happened to the source: one broken source must not end the others.
    """
    job = context.get_input()
    try:
        return (yield from _scrape(context, job))
    except Exception as fault:  # noqa: BLE001 - the SDK raises plain Exception for a failed activity
        return {"source": job["source"], "outcome": "failed", "reason": f"infrastructure: {str(fault)[:500]}"}


def _scrape(context: DurableOrchestrationContext, job: dict[str, Any]) -> Generator[Any, Any, Any]:
    source = {key: job[key] for key in ("run_id", "epoch", "source")}
    plan = job.get("plan")
    if plan is None:
        context.set_custom_status({"source": source["source"], "stage": "planning"})
        plan = yield context.call_activity_with_retry(names.PLAN_SOURCE, INFRASTRUCTURE, source)
    if plan["code"] != "planned":
        return {"source": source["source"], "outcome": plan["code"], "reason": plan["reason"]}
    batch, last = job.get("next_batch", 0), plan["batches"]
    stop_at = min(batch + BATCHES_PER_EXECUTION, last)
    while batch < stop_at:
        context.set_custom_status(
            {"source": source["source"], "stage": "scraping", "batches": last, "batches_done": batch}
        )
        window = range(batch, min(batch + plan["window"], stop_at))
        results = yield context.task_all([_scrape_batch(context, source, plan, number) for number in window])
        if any(result["code"] == "superseded" for result in results):
            return {"source": source["source"], "outcome": "superseded", "reason": "a newer run has begun"}
        batch = window.stop
    if batch < last:
        context.continue_as_new({**source, "plan": plan, "next_batch": batch})
        return None
    context.set_custom_status(
        {"source": source["source"], "stage": "publishing", "batches": last, "batches_done": last}
    )
    return (yield context.call_activity_with_retry(names.PUBLISH_SOURCE, INFRASTRUCTURE, source))


def _scrape_batch(
    context: DurableOrchestrationContext, source: dict[str, Any], plan: dict[str, Any], number: int
) -> Any:
    return context.call_activity_with_retry(
        names.SCRAPE_BATCH,
        INFRASTRUCTURE,
        {**source, "batch": number, "plan_attempt": plan["attempt"], "share": plan["share"]},
    )
