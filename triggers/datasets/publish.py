"""`POST datasets/{source}/publish`: somebody decides what readers see, against the gate, or back to an older snapshot.

It is one compare-and-swap of the pointer that was looked at, so it overwrites nothing that was published meanwhile. It
fences off all runs that have ended, whose last steps may still be at it; a live one goes on, and publishes.
"""

from http import HTTPStatus

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper import clock
from scraper.app_sources import app_sources
from scraper.gate import why_refused
from scraper.run_log import log_context, run_logger
from scraper.settings import Settings, app_settings
from storage.data.dataset import Dataset
from storage.data.datasets import PublishedMeanwhile, SnapshotPurged
from storage.data.publications import BY_RUN, Publication
from storage.ledger.hub import HubClient, is_live
from storage.ledger.locks import is_held
from storage.ledger.runs import RunRecord, RunRef
from storage.snapshots.snapshots import Snapshot, has_all_rows
from storage.store import Store, open_store
from triggers.datasets.lookup import Chosen, chosen, dataset_of, opened, purged, snapshot_links
from triggers.datasets.views import dataset_view, published_view
from triggers.runs.views import as_it_is, run_links
from triggers.web.problem import Problem, answers_problems, json_response
from triggers.web.request_reading import one_of

PRINCIPAL = "x-ms-client-principal-name"
"""The header in which App Service names who has signed in."""
BY_HAND = "http"
"""Who has asked, if nobody knows the name."""

logger = run_logger(__name__)


@answers_problems
async def publish_dataset(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Let readers see the snapshot of a run. Query: `run`; `force` (`false`, `true`) against the gate.

    200 with the dataset, also if that is what is published already. 404 and 410 if there is no such snapshot; 409 if it
    is not complete, if its run lives and will decide itself, if the gate refused it, or if another one was published
    in this moment.
    """
    force = one_of(req, "force", ["false", "true"]) == "true"
    _refuse_body(req)
    settings = app_settings()
    store = open_store(settings)
    dataset = await dataset_of(req, store)
    wanted = await chosen(store, dataset, _run(req))
    if wanted.epoch == dataset.epoch:
        return _answer(req, dataset, instead=dataset)
    recorded = await store.runs.of_execution(RunRef(wanted.run_id, wanted.epoch))
    if recorded is None:
        raise purged(wanted)
    run = await as_it_is(client, store, recorded)
    _refuse_live(req, dataset, run)
    snapshot = await opened(store, wanted)
    if not await has_all_rows(store, snapshot):
        raise purged(wanted)
    rule = _rule_against(settings, dataset, run, snapshot)
    if rule and not force:
        raise _refused(req, wanted, rule)
    counts = snapshot.counts
    publication = Publication(
        run.run_id, run.epoch, clock.utc_now(), counts.pages, counts.failed, counts.rows, _by(req), rule
    )
    fence = await _first_epoch_that_may_come(client, store, settings)
    try:
        now = await store.datasets.publish_by_hand(
            dataset.source, publication, instead_of=dataset.snapshot, fence=fence
        )
    except PublishedMeanwhile as other:
        raise _overtaken(dataset, other.dataset) from other
    except SnapshotPurged as gone:
        raise purged(wanted) from gone
    with log_context(run_id=run.run_id, source=now.source):
        told = (now.source, run.run_id, _by(req), dataset.run_id or "-")
        logger.info("%s: run '%s' published by %s, instead of %s", *told)
    return _answer(req, now, instead=dataset)


def _run(req: func.HttpRequest) -> str:
    run = str(req.params.get("run") or "")
    if not run:
        raise Problem(HTTPStatus.BAD_REQUEST, "'run' must name the run whose snapshot is to be published: ?run=ID")
    return run


def _refuse_body(req: func.HttpRequest) -> None:
    if req.get_body().strip():  # ignoring it could publish something else than somebody wants
        reason = "'run' and 'force' belong into the URL, and there is no body: ?run=ID&force=true"
        raise Problem(HTTPStatus.BAD_REQUEST, reason)


def _by(req: func.HttpRequest) -> str:
    """Who has asked, if the platform knows; nobody is taken for a run."""
    name = "".join(letter for letter in str(req.headers.get(PRINCIPAL, "")) if letter.isprintable())
    name = name.strip()[:100]
    return name if name and name != BY_RUN else BY_HAND


def _refuse_live(req: func.HttpRequest, dataset: Dataset, run: RunRecord) -> None:
    if run.outcome is None and dataset.by_run != run.epoch:
        reason = f"The run '{run.run_id}' is still going on, and decides about '{dataset.source}' itself."
        raise Problem(HTTPStatus.CONFLICT, f"{reason} Wait for its end.", links=run_links(req, run.run_id, run.epoch))


def _rule_against(settings: Settings, dataset: Dataset, run: RunRecord, snapshot: Snapshot) -> str:
    """The rule of the gate that the snapshot breaks; empty if it has passed, or would pass now.

    What its run was told counts. One that never came to the gate is put to it now; without a source there is none.
    """
    if dataset.has_passed(run.epoch):
        return ""
    told = next((one for one in run.results if one["source"] == dataset.source), None)
    if told is not None and told["outcome"] in {"published", "refused"}:
        return str(told["reason"])
    source = next((one for one in app_sources(settings) if one.name == dataset.source), None)
    if source is None:
        return "gate: it has none any more, since the sources file does not name it"
    return why_refused(source.gate, snapshot.counts, rows_before=dataset.rows if dataset.epoch else None)


def _refused(req: func.HttpRequest, wanted: Chosen, rule: str) -> Problem:
    reason = f"The gate refuses what {wanted.run} loaded of '{wanted.source}': {rule}."
    cure = "Look at its rows and at the diff; force=true publishes it all the same."
    return Problem(HTTPStatus.CONFLICT, f"{reason} {cure}", rule=rule, links=snapshot_links(req, wanted))


async def _first_epoch_that_may_come(client: HubClient, store: Store, settings: Settings) -> int:
    """The epoch of the live run or, if none lives, that of the next one: every one before has ended."""

    async def run_is_live(instance_id: str) -> bool:
        return await is_live(client, instance_id, of=names.DAILY_SCRAPE)

    ticket = await store.tickets.read(names.DAILY_SCRAPE)
    if ticket is None:
        return 0
    held = await is_held(ticket, is_live=run_is_live, now=clock.utc_now(), grace=settings.start_grace)
    return ticket.epoch if held else ticket.epoch + 1


def _overtaken(seen: Dataset, now: Dataset) -> Problem:
    before = f"run '{seen.run_id}'" if seen.snapshot else "nothing"
    reason = f"While this was looked at, run '{now.run_id}' was published of '{now.source}', instead of {before}."
    return Problem(HTTPStatus.CONFLICT, f"{reason} Nothing was changed: ask again if you still want to.")


def _answer(req: func.HttpRequest, now: Dataset, *, instead: Dataset) -> func.HttpResponse:
    """The dataset as it is published now, and what was before; null if that is the same."""
    is_changed = now.epoch != instead.epoch
    return json_response(
        {
            **dataset_view(req, now),
            "insteadOf": published_view(instead) if is_changed else None,
            "isChanged": is_changed,
        }
    )
