"""`GET runs/{runId}/failures`: the failed pages of a run, in an order that new ones do not change."""

import asyncio
import re
from dataclasses import astuple, dataclass
from typing import Any, Final, Self

import azure.durable_functions as df
import azure.functions as func

from scraper.settings import Settings
from starts.later import LaterClient, Scheduled
from storage.data.rows import FailurePlace
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord, RunRef
from storage.store import Store, open_store
from triggers.runs.lookup import newest_run
from triggers.runs.views import run_id_of
from triggers.web.problem import answers_problems, json_response
from triggers.web.request_reading import not_given, whole_number

MOST_FAILURES: Final = 1000
_CURSOR: Final = re.compile(r"([0-9]{1,10})-([0-9]{1,6})-([0-9]{1,7})-([0-9]{1,9})")


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
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise not_given(text)
        return cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return "-".join(map(str, astuple(self)))


@answers_problems
async def list_failures(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The failed pages of a run with their reasons. Query: `limit` (1 to 1000), `continuation`.

    The pages of one listing are of one execution of the ID. A failure that was there when the listing began is on
    exactly one of them; one that was recorded since is there if it stands behind. `notKept` are sources that had some.
    """
    run_id = run_id_of(req)
    limit = whole_number(req, "limit", default=MOST_FAILURES, low=1, high=MOST_FAILURES)
    text = req.params.get("continuation")
    after = Cursor.read(text) if text is not None else None
    store = open_store(Settings())
    run = await _run(client, store, run_id, after)
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


async def _run(client: LaterClient, store: Store, run_id: str, after: Cursor | None) -> RunRecord | None:
    """The run whose failures are listed; None for one that is to come. Raises Problem 404, or 400 for another's."""
    if after is not None:
        run = await store.runs.of_execution(RunRef(run_id, after.epoch))
        if run is not None:
            return run
    newest = await newest_run(client, store, run_id)
    if after is not None:
        raise not_given(str(after))
    return None if isinstance(newest, Scheduled) else newest
