"""What a request for data means: which source, and which of its snapshots."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import azure.functions as func
from azure.core.exceptions import ResourceNotFoundError

from orchestrations import names
from storage.data.dataset import Dataset
from storage.errors import SnapshotGone, SnapshotIncomplete
from storage.ledger.runs import RunRecord, RunRef
from storage.snapshots.snapshots import Snapshot, kept_snapshots, open_snapshot
from storage.store import Store
from triggers.runs.views import api_root, execution_in, run_links
from triggers.web.problem import Problem

MOST_NAMES: Final = 10
"""Names that a 404 lists."""
_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A snapshot that somebody asked for: by its run, or as the published one.

    `run_id` is empty if nothing is kept of the run, which a continuation names by its epoch.
    """

    source: str
    epoch: int
    run_id: str

    @property
    def text(self) -> str:
        """What `run` takes to mean exactly this one, also if the ID of its run is used again."""
        return f"{self.run_id}@{self.epoch}"

    @property
    def run(self) -> str:
        """The run, in words."""
        return f"run '{self.run_id}'" if self.run_id else f"the run of epoch {self.epoch}"


def source_of(req: func.HttpRequest) -> str:
    """The source in the route; empty for a text that is the name of none."""
    text = str(req.route_params["source"])
    return text if _SOURCE.fullmatch(text) else ""


async def dataset_of(req: func.HttpRequest, store: Store) -> Dataset:
    """The dataset of the route. Raises Problem 404, which names those there are."""
    source = source_of(req)
    found = await store.datasets.find(source) if source else None
    if found is not None:
        return found
    known = [one.source for one in await store.datasets.all()]
    there_are = f"There are: {_listed(known)}." if known else "No run has begun to work on any source yet."
    text = str(req.route_params["source"])
    raise Problem(HTTPStatus.NOT_FOUND, f"There is no dataset '{text[:100]}'. {there_are}")


async def chosen(store: Store, dataset: Dataset, text: str | None) -> Chosen:
    """The snapshot of the run that `text` names, as `ID` or `ID@epoch`; without one the published snapshot.

    Raises Problem 404 if nothing is published, or for a run that never had the source. It may be gone all the same.
    """
    if not text:
        if not dataset.snapshot:
            raise await _nothing_published(store, dataset.source)
        return Chosen(dataset.source, dataset.epoch, dataset.run_id)
    run_id, epoch = execution_in(text)
    run = None
    if not names.run_id_problem(run_id):
        run = await (store.runs.find(run_id) if epoch is None else store.runs.of_execution(RunRef(run_id, epoch)))
    if run is None and dataset.snapshot and dataset.run_id == run_id and epoch in {None, dataset.epoch}:
        return Chosen(dataset.source, dataset.epoch, run_id)  # published for longer than records of runs are kept
    if run is None or dataset.source not in run.sources:
        raise await _no_such_run(store, dataset.source, text, run)
    return Chosen(dataset.source, run.epoch, run.run_id)


async def of_epoch(store: Store, source: str, epoch: int) -> Chosen:
    """The snapshot that a continuation names, or a pointer; it may never have been.

    Raises Problem 404 for a run that never had the source: the continuation is of another one.
    """
    try:
        run = await store.runs.of_epoch(epoch)
    except ResourceNotFoundError:
        return Chosen(source, epoch, "")
    if source not in run.sources:
        reason = f"The continuation is of run '{run.run_id}', which did not have '{source}'"
        raise Problem(HTTPStatus.NOT_FOUND, f"{reason}: give it to the source that it came from.")
    return Chosen(source, epoch, run.run_id)


def refuse_other(req: func.HttpRequest, name: str, wanted: Chosen) -> None:
    """Raise Problem 400 if the parameter `name` is another run than the one that a continuation goes on with."""
    text = req.params.get(name)
    if text and text not in {wanted.run_id, wanted.text}:
        reason = f"'{name}' is '{text[:100]}', but 'continuation' goes on with {wanted.run}: leave '{name}' out."
        raise Problem(HTTPStatus.BAD_REQUEST, reason)


async def opened(store: Store, wanted: Chosen) -> Snapshot:
    """The snapshot, if it is whole.

    Raises Problem 410 if it was purged, 404 if it never was, 409 if it is not complete.
    """
    try:
        return await open_snapshot(store, wanted.source, wanted.epoch)
    except SnapshotIncomplete as part:
        reason = (
            f"Of '{wanted.source}', {wanted.run} has {part.done} of {part.batches} batches: there is nothing to read"
        )
        cure = "until all are done. POST runs/{runId}/retry completes what a run left undone."
        raise Problem(HTTPStatus.CONFLICT, f"{reason} {cure}") from part
    except SnapshotGone as gone:
        raise await _gone(store, wanted) from gone


def purged(wanted: Chosen) -> Problem:
    """410 for a snapshot of which not all is kept any more."""
    reason = f"What {wanted.run} loaded of '{wanted.source}' is not kept any more."
    cure = f"GET /api/datasets/{wanted.source} lists what is."
    return Problem(HTTPStatus.GONE, f"{reason} {cure}")


async def _gone(store: Store, wanted: Chosen) -> Problem:
    run = await store.runs.of_execution(RunRef(wanted.run_id, wanted.epoch))
    told = [one for one in (run.results if run is not None else ()) if one["source"] == wanted.source]
    dataset = await store.datasets.find(wanted.source)
    is_unknown = not told and dataset is not None and dataset.purged_to >= wanted.epoch  # somebody had ended the run
    if run is not None and not is_unknown and not any(one.get("pages", 0) for one in told):
        why = f": {told[0]['reason']}" if told and told[0]["reason"] else ""
        reason = f"Of '{wanted.source}', {wanted.run} has no snapshot: it has found no pages{why}."
        return Problem(HTTPStatus.NOT_FOUND, reason)
    return purged(wanted)


async def _nothing_published(store: Store, source: str) -> Problem:
    reason = f"Nothing of '{source}' is published yet."
    newest, _ = await kept_snapshots(store, source, limit=1, before_epoch=None)
    if newest:
        run, _ = newest[0]
        told = [one for one in run.results if one["source"] == source]
        ended = f"ended as {told[0]['outcome']}" if told else "is on its way, or was ended"
        why = f": {told[0]['reason']}" if told and told[0]["reason"] else ""
        reason += f" Its newest snapshot is of run '{run.run_id}', where it {ended}{why}."
    return Problem(HTTPStatus.NOT_FOUND, reason)


async def _no_such_run(store: Store, source: str, text: str, run: RunRecord | None) -> Problem:
    kept, _ = await kept_snapshots(store, source, limit=MOST_NAMES, before_epoch=None)
    ids = [one.run_id for one, _ in kept]
    if len(set(ids)) < len(ids):  # by its ID alone only the newest of them can be asked for
        ids = [f"{one.run_id}@{one.epoch}" for one, _ in kept]
    known = f"Kept are: {_listed(ids)}." if kept else "None is kept."
    what = "There is no run" if run is None else f"'{source}' was no source of run"
    return Problem(HTTPStatus.NOT_FOUND, f"{what} '{text[:100]}'. {known}")


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - MOST_NAMES} more" if len(words) > MOST_NAMES else ""
    return ", ".join(words[:MOST_NAMES]) + more


def dataset_links(req: func.HttpRequest, source: str) -> dict[str, str]:
    """Absolute links to a dataset."""
    address = f"{api_root(req)}/datasets/{source}"
    return {"self": address, "rows": f"{address}/rows", "diff": f"{address}/diff"}


def snapshot_links(req: func.HttpRequest, wanted: Chosen) -> dict[str, str]:
    """Absolute links to one snapshot of a dataset and to its run."""
    dataset, text = dataset_links(req, wanted.source), quote(wanted.text)
    run = run_links(req, wanted.run_id, wanted.epoch)["self"]
    return {"rows": f"{dataset['rows']}?run={text}", "diff": f"{dataset['diff']}?to={text}", "run": run}
