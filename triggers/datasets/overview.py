"""What is published of each source, and what could be."""

from collections.abc import Mapping
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from scraper.settings import app_settings
from storage.data.dataset import Dataset
from storage.ledger.hub import HubClient
from storage.ledger.runs import RunRecord
from storage.outcomes.progress import summary_of
from storage.snapshots.snapshots import kept_snapshots, newest_run_of
from storage.store import Store, open_store
from storage.work.batches import Plan
from triggers.datasets.lookup import Chosen, dataset_of, snapshot_links
from triggers.datasets.views import dataset_view, publication_view
from triggers.runs.live_runs import in_json
from triggers.runs.views import CHANGES, RESULT_COUNTS, as_it_is, run_links
from triggers.web.problem import answers_problems, json_response
from triggers.web.request_reading import whole_number

MOST_SNAPSHOTS = 200


@answers_problems
async def list_datasets(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """What is published of each source that a run has begun to work on, by name."""
    found = await open_store(app_settings()).datasets.all()
    return json_response({"datasets": [dataset_view(req, one) for one in found]})


@answers_problems
async def get_dataset(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """One dataset, how the newest run ended for it, its last publications, and the snapshots that are kept.

    Query: `limit` (1 to 200), `continuation`.
    """
    limit = whole_number(req, "limit", default=20, low=1, high=MOST_SNAPSHOTS)
    before = whole_number(req, "continuation", default=0, low=0, high=10**10)
    store = open_store(app_settings())
    dataset = await dataset_of(req, store)
    kept, continuation = await kept_snapshots(store, dataset.source, limit=limit, before_epoch=before or None)
    return json_response(
        {
            **dataset_view(req, dataset),
            "newestRun": await _newest_run_view(req, client, store, dataset.source),
            "publications": [publication_view(one) for one in dataset.publications],
            "snapshots": [await _snapshot_view(req, store, dataset, run, plan) for run, plan in kept],
            "continuation": None if continuation is None else str(continuation),
        }
    )


async def _newest_run_view(
    req: func.HttpRequest, client: HubClient, store: Store, source: str
) -> dict[str, Any] | None:
    """How the newest run ended for the source, also if it has left no snapshot; None if no run of it is kept."""
    found = await newest_run_of(store, source)
    if found is None:
        return None
    run = await as_it_is(client, store, found)
    return {**_ending_view(run, await _summary(store, source, run)), "links": run_links(req, run.run_id, run.epoch)}


def _ending_view(run: RunRecord, told: Mapping[str, Any]) -> dict[str, Any]:
    """Which run it was, and how it ended for a source."""
    return {
        "runId": run.run_id,
        "epoch": run.epoch,
        "startedAt": run.started_at.isoformat(),
        "finishedAt": run.finished_at.isoformat() if run.finished_at else None,
        "outcome": told["outcome"],
        "reason": told["reason"],
    }


async def _snapshot_view(
    req: func.HttpRequest, store: Store, dataset: Dataset, run: RunRecord, plan: Plan
) -> dict[str, Any]:
    """One snapshot: of which run, how that ended for the source, and what there is."""
    told = await _summary(store, dataset.source, run)
    return {
        **_ending_view(run, told),
        "isPublished": dataset.epoch == run.epoch,
        "isComplete": not plan.is_open and told.get("batches_done", plan.batches) == plan.batches,
        **in_json({name: told.get(name, 0) for name in RESULT_COUNTS if name != "batches"}),
        **{name: told.get(name) for name in CHANGES},
        "links": snapshot_links(req, Chosen(dataset.source, run.epoch, run.run_id)),
    }


async def _summary(store: Store, source: str, run: RunRecord) -> Mapping[str, Any]:
    """What came of a source; `outcome` is None while its run lasts, if it is not published yet."""
    for one in run.results:
        if one["source"] == source and "batches" in one:
            return one
    summary = await summary_of(
        store.batches, store.datasets, source, run.epoch, outcome=run.outcome or "", reason=run.reason
    )
    return {**summary, "outcome": summary["outcome"] or None}
