"""The run: claim the singleton, scrape every source, all hosts in parallel, write down what came of it."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names
from orchestrations.milestones import log_claimed, log_run_ended
from orchestrations.retries import INFRASTRUCTURE

# An outage of storage is waited out for half a day: long enough for most, and nothing holds the singleton for ever.
OUTAGE_PAUSE: Final = timedelta(minutes=5)
OUTAGE_LOOKS: Final = 144


def daily_scrape(context: DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """One run. Input, all optional: `sources` (names; default all), `triggered_by`; of our starters also `epoch`, and
    for a retry `retry_of` (`run_id` and `epoch` of a run, of which only what it did not load is scraped).

    Returns `outcome`, `reason` and one summary per source. A run that is not the singleton's holder ends at once
    with outcome `superseded`, `held` or `stopped`, one whose ID cannot be a run ID, or whose retry comes too late, with
    `refused`, having done nothing.
    """
    request = context.get_input() or {}
    # Runs that retry nothing have the inputs that they always had.
    retry = {"retry_of": request["retry_of"]} if request.get("retry_of") else {}
    _show(context, "claiming")
    claim = yield from _patiently(
        context,
        names.CLAIM_RUN,
        {
            "run_id": context.instance_id,
            "epoch": request.get("epoch"),
            # Differs between executions of one instance ID, and is the same on every replay.
            "claim": context.current_utc_datetime.isoformat(),
            "sources": request.get("sources"),
            "triggered_by": request.get("triggered_by", "durable API"),
            **retry,
        },
    )
    if claim["code"] != "claimed":
        _show(context, "ended", outcome=claim["code"])
        log_run_ended(context, claim["code"], claim["reason"])
        return {"outcome": claim["code"], "reason": claim["reason"], "sources": []}
    sources = claim["sources"]
    log_claimed(context, claim["epoch"], len(sources))
    _show(context, "scraping", sources=len(sources))
    results, reason = yield from _scrape_all(context, claim, retry.get("retry_of"))
    _show(context, "finishing", sources=len(sources))
    summary = yield from _patiently(
        context,
        names.FINISH_RUN,
        {
            "run_id": context.instance_id,
            "epoch": claim["epoch"],
            "reason": reason or claim["reason"],
            "sources": results,
        },
    )
    published = sum(one["outcome"] == "published" for one in summary["sources"])
    _show(context, "ended", outcome=summary["outcome"], sources=len(sources), published=published)
    log_run_ended(context, summary["outcome"], summary["reason"])
    return summary


def _patiently(
    context: DurableOrchestrationContext, activity: str, payload: dict[str, Any]
) -> Generator[Any, Any, dict[str, Any]]:
    """The answer of an activity that writes the run's record: without one nobody would see what became of the run."""
    call = context.call_activity_with_retry(activity, INFRASTRUCTURE, payload)
    for _ in range(OUTAGE_LOOKS):
        try:
            return (yield call)  # type: ignore[no-any-return]
        except Exception:  # noqa: BLE001 - the SDK raises plain Exception for a failed activity
            yield context.create_timer(context.current_utc_datetime + OUTAGE_PAUSE)
            call = context.call_activity(activity, payload)
    return (yield call)  # type: ignore[no-any-return]


def _show(context: DurableOrchestrationContext, stage: str, **facts: Any) -> None:
    """The custom status: counts only. Stages only go forward: claiming, scraping, finishing, ended."""
    context.set_custom_status({"stage": stage, **facts})


def _scrape_all(
    context: DurableOrchestrationContext, claim: dict[str, Any], base: dict[str, Any] | None
) -> Generator[Any, Any, tuple[list[dict[str, Any]], str]]:
    """One sub-orchestration per host, all at once; returns the summaries and what broke them, if anything.

    `scrape_source` turns its own troubles into a summary, so an exception here means that somebody terminated a
    child or that it could not run at all. The run then ends as failed; children that had published stay published.
    """
    if not claim["sources"]:
        return [], ""  # an empty task_all would yield None
    shared = {"run_id": context.instance_id, "epoch": claim["epoch"]}
    if base is not None:
        shared["base_epoch"] = base["epoch"]
    # Claims of older versions of the app know no chains.
    chains = claim.get("chains") or [[source] for source in claim["sources"]]
    children = [_scrape(context, shared, number, chain) for number, chain in enumerate(chains)]
    try:
        results = yield context.task_all(children)
    except Exception as fault:  # noqa: BLE001 - the SDK raises plain Exception for a failed child
        return [], f"a source's orchestration was broken: {str(fault)[:500]}"
    return [one for result in results for one in (result if isinstance(result, list) else [result])], ""


def _scrape(context: DurableOrchestrationContext, shared: dict[str, Any], number: int, chain: list[str]) -> Any:
    """The task of a source that has its host for itself, or of sources that take turns."""
    run_id, epoch = shared["run_id"], shared["epoch"]
    if len(chain) > 1:
        instance_id = names.chain_instance_id(run_id, epoch, number)
        return context.call_sub_orchestrator(names.SCRAPE_CHAIN, {**shared, "sources": chain}, instance_id)
    instance_id = names.source_instance_id(run_id, epoch, chain[0])
    return context.call_sub_orchestrator(names.SCRAPE_SOURCE, {**shared, "source": chain[0]}, instance_id)
