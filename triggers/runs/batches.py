"""`GET runs/{runId}/batches`: what became of each batch of a run, and when: its timeline."""

from dataclasses import astuple, dataclass
from typing import Any, Final, Self

import azure.durable_functions as df
import azure.functions as func

from scraper.settings import app_settings
from storage.keys import snapshot_id
from storage.store import open_store
from storage.work.batch_results import BatchResult
from triggers.runs.lookup import listed_run
from triggers.runs.views import execution_of
from triggers.web.problem import answers_problems, json_response
from triggers.web.request_reading import given_numbers, whole_number

MOST_BATCHES: Final = 1000
LAST_BATCH: Final = 999_998  # higher than the number of any batch


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last batch of a page: of which run, of its how many-th source, and its number."""

    epoch: int
    source: int
    batch: int

    @classmethod
    def read(cls, text: str) -> Self:
        """From a `continuation`. Raises Problem 400 for what cannot be one."""
        return cls(*given_numbers(text, 10, 6, 6))

    def __str__(self) -> str:
        return "-".join(map(str, astuple(self)))


@answers_problems
async def list_batches(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The batches of a run that have a result, source by source. Query: `limit` (1 to 1000), `continuation`.

    Nothing is listed of a run that has recorded none yet, or whose batches were purged.
    """
    execution = execution_of(req)
    limit = whole_number(req, "limit", default=MOST_BATCHES, low=1, high=MOST_BATCHES)
    text = req.params.get("continuation")
    after = Cursor.read(text) if text is not None else None
    store = open_store(app_settings())
    run = await listed_run(client, store, execution, going_on=after.epoch if after else None, continuation=text)
    if run is None:
        return json_response({"batches": [], "continuation": None})
    batches: list[dict[str, Any]] = []
    last = None
    for number, source in enumerate(run.sources):
        if after is not None and number < after.source:
            continue
        first = after.batch + 1 if after is not None and number == after.source else 0
        for result in await store.batches.results_between(snapshot_id(source, run.epoch), first, LAST_BATCH):
            if len(batches) == limit:
                return json_response({"batches": batches, "continuation": str(last)})
            batches.append(_batch_view(source, result))
            last = Cursor(run.epoch, number, result.batch)
    return json_response({"batches": batches, "continuation": None})


def _batch_view(source: str, result: BatchResult) -> dict[str, Any]:
    """One batch; without times if it was taken over, or if an older version of this app has recorded it."""
    return {
        "source": source,
        "batch": result.batch,
        "isTakenOver": not result.attempt,
        "startedAt": result.started_at.isoformat() if result.started_at else None,
        "finishedAt": result.recorded_at.isoformat() if result.recorded_at else None,
        **{name: getattr(result, name) for name in ("loaded", "unchanged", "failed", "rows")},
        "failedByReason": result.reasons,
    }
