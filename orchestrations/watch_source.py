"""The watch: an eternal orchestration that runs the scrape of one source every interval, until it is stopped.

Each execution waits for one planned time, runs once and continues as new, so that no history grows. An event that
comes after that decision is carried over; one that came before it, and that nobody looked at, would be lost: hence
the wait for it is made first and looked at last.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names
from orchestrations.watch_plan import Watch, WatchRefused, read_watch, run_id

# The SDK cuts a timer of more than six days into pieces, which it cannot cancel: a stop would wait for one of them.
LONGEST_WAIT: Final = timedelta(days=1)


def watch_source(context: DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    """Scrape `source` now and then every `intervalMinutes`, until the event `stop`.

    Returns `code`: `stopped`, with `source`, `runs` and `last` (the outcome of the last run), or `refused` with the
    `reason`: an input or an instance ID that no watch can have. Whatever becomes of a run, the watch goes on.
    """
    now = context.current_utc_datetime
    try:
        watch = read_watch(context.get_input(), context.instance_id, now=now)
    except WatchRefused as refusal:
        return {"code": "refused", "reason": str(refusal)}
    context.set_custom_status(_view(watch, "waiting"))
    stop = context.wait_for_external_event(names.STOP)
    wake_at = min(watch.due, now + LONGEST_WAIT)
    timer = context.create_timer(wake_at)
    yield context.task_any([stop, timer])
    if stop.is_completed:
        if not timer.is_completed:
            timer.cancel()
        return _stopped(context, watch)
    if wake_at == watch.due:
        watch = yield from _run(context, watch)
        if stop.is_completed:
            return _stopped(context, watch)
    context.continue_as_new(watch.as_input())
    return None


def _run(context: DurableOrchestrationContext, watch: Watch) -> Generator[Any, Any, Watch]:
    """One run of the source, to its end; returns the watch with its outcome and the next time."""
    run = run_id(context.instance_id, context.current_utc_datetime)
    context.set_custom_status({**_view(watch, "scraping"), "run": run})
    request = {"sources": [watch.source], "triggered_by": "watch"}
    try:
        summary = yield context.call_sub_orchestrator(names.DAILY_SCRAPE, request, run)
        outcome = str(summary["outcome"])
    except Exception:  # noqa: BLE001 - the SDK raises plain Exception for a failed or terminated child
        outcome = "failed"
    return watch.after_run(outcome, now=context.current_utc_datetime)


def _stopped(context: DurableOrchestrationContext, watch: Watch) -> dict[str, Any]:
    context.set_custom_status(_view(watch, "stopped"))
    return {"code": "stopped", "source": watch.source, "runs": watch.runs, "last": watch.last}


def _view(watch: Watch, stage: str) -> dict[str, Any]:
    return {"stage": stage, "due": watch.due.isoformat(), "runs": watch.runs, "last": watch.last}
