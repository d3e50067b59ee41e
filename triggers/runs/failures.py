"""`GET runs/{runId}/failures`: the failed pages of a run, in an order that new ones do not change."""

import asyncio
from dataclasses import astuple, dataclass
from typing import Any, Final, Self

import azure.durable_functions as df
import azure.functions as func

from scraper.settings import app_settings
from storage.data.rows import FailurePlace
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord
from storage.store import Store, open_store
from triggers.runs.lookup import listed_run
from triggers.runs.views import execution_of
from triggers.web.problem import answers_problems, json_response
from triggers.web.request_reading import given_numbers, whole_number

MOST_FAILURES: Final = 1000


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last failure of a page: of which run, of its how many-th source, and the place in that one's snapshot."""

    epoch: int
    source: int
    turn: int
    page: int

    @classmethod
    def read(cls, text: str) -> Self:
        """From a `continuation`. Raises Problem 400 for what cannot be one."""
        return cls(*given_numbers(text, 10, 6, 7, 9))

    def __str__(self) -> str:
        return "-".join(map(str, astuple(self)))


@answers_problems
async def list_failures(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The failed pages of a run with their reasons. Query: `limit` (1 to 1000), `continuation`.

    The pages of one listing are of one execution of the ID. A failure that was there when the listing began is on
    exactly one of them; one that was recorded since is there if it stands behind. `notKept` are sources that had some.
    """
    execution = execution_of(req)
    limit = whole_number(req, "limit", default=MOST_FAILURES, low=1, high=MOST_FAILURES)
    text = req.params.get("continuation")
    after = Cursor.read(text) if text is not None else None
    store = open_store(app_settings())
    run = await listed_run(client, store, execution, going_on=after.epoch if after else None, continuation=text)
    if run is None:
        return json_response({"failures": [], "continuation": None, "notKept": []})
    failures: list[dict[str, Any]] = []
    last = None
    for number, source in enumerate(run.sources):
        if after is not None and number < after.source:
            continue
        behind = FailurePlace(after.turn, after.page) if after is not None and number == after.source else None
        async for place, failure in store.failures_of(snapshot_id(source, run.epoch), after=behind):
            if len(failures) == limit:
                return json_response(
                    {"failures": failures, "continuation": str(last), "notKept": await _not_kept(store, run)}
                )
            failures.append({"source": source, **failure.model_dump(mode="json")})
            last = Cursor(run.epoch, number, place.turn, place.page)
    return json_response({"failures": failures, "continuation": None, "notKept": await _not_kept(store, run)})


async def _not_kept(store: Store, run: RunRecord) -> list[str]:
    """The sources of an ended run whose failures were purged since; asked once the others have been read."""
    told = [str(one["source"]) for one in run.results if one.get("failed", 0)]
    plans = await asyncio.gather(*(store.batches.plan_of_level(snapshot_id(source, run.epoch), 0) for source in told))
    return [source for source, plan in zip(told, plans, strict=True) if plan is None]
