"""One lane of a source: every n-th batch, one after the other.

Lanes never wait for each other, so a slow batch holds up its own lane only; and each has a short history.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names
from orchestrations.retries import INFRASTRUCTURE

# A batch costs about four history events, and every batch has those of all before it read again: an execution that is
# as long as it may be spends more on that than a new one costs.
BATCHES_PER_EXECUTION: Final = 20
EARLIER_BATCHES_PER_EXECUTION: Final = 100
"""Of lanes that an older version of this app has begun: their histories must be followed to the end."""


def scrape_lane(context: DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    """Scrape batches `next_batch`, `next_batch + lanes`, … below `batches`.

    Input: `run_id`, `epoch`, `source`, `plan_attempt`, `share`, `next_batch`, `lanes`, `batches`, `per_execution`;
    `pause` if the site of that batch has asked for one. Returns `code`: `scraped`; `superseded` as soon as a newer run
    has begun; `stopped`, with the `reason`, once somebody stops the run. A pause is waited for by a timer, in a new
    execution.
    """
    lane = dict(context.get_input())
    paused = {"pause": lane.pop("pause")} if "pause" in lane else {}
    work = {key: lane[key] for key in ("run_id", "epoch", "source", "plan_attempt", "share")}
    ahead = range(lane["next_batch"], lane["batches"], lane["lanes"])
    most = lane.get("per_execution", EARLIER_BATCHES_PER_EXECUTION)
    for batch in ahead[:most]:
        told = {**work, "batch": batch, **paused}
        result = yield context.call_activity_with_retry(names.SCRAPE_BATCH, INFRASTRUCTURE, told)
        if result["code"] == "superseded":
            return {"code": "superseded"}
        if result["code"] == "stopped":
            return {"code": "stopped", "reason": result["reason"]}
        if result["code"] == "paused":
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=result["seconds"]))
            context.continue_as_new({**lane, "next_batch": batch, "pause": result["pause"]})
            return None
        paused = {}
    rest = ahead[most:]
    if rest:
        context.continue_as_new({**lane, "next_batch": rest[0]})
        return None
    return {"code": "scraped"}
