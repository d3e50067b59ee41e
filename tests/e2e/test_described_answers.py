"""Whatever is sent to the app, the answer is one that docs/openapi.yaml describes."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from scraper.settings import Settings
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord, finished
from storage.store import open_store
from storage.work.batches import Plan
from tests.helpers.api_description import Operation, usual_path
from tests.helpers.api_prober import Prober
from tests.helpers.described_app import DescribedApp, described_app
from tests.helpers.hostile_requests import hostile_requests
from tests.helpers.running_app import wait_for

SOURCES = ["books", "listing"]
FINISHED_RUN, HALF_RUN, PURGED_RUN = "finished", "half", "purged"
PREFIX = "described"
LONG_PROOF = 5_000

# Answers that a sound installation never gives; tests/integration/test_broken_installations.py reaches them.
OF_A_BROKEN_INSTALLATION = {
    500: "a setting or the sources file is wrong",
    503: "the storage account cannot be reached",
}
NOT_BY_THESE_PATHS = {308: "a slash at the end of a path"}


@pytest.fixture(scope="module")
def prober(azurite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prober]:
    """The app with runs and workflows, some of which live and some have ended, after a walk to every answer."""
    with described_app(tmp_path_factory.mktemp("described"), azurite, TABLE_PREFIX=PREFIX) as app:
        known = {
            "path.runId": [FINISHED_RUN],
            "path.instanceId": [FINISHED_RUN, "watch:books"],
            "path.startId": ["later:later", "later:never"],
            "path.input": ["live", "ended"],
            "path.source": ["books"],
            "path.folder": ["js"],
            "path.file": ["app.js"],
            **{f"query.{name}": [FINISHED_RUN, HALF_RUN] for name in ("run", "from", "to")},
        }
        asyncio.run(leave_snapshots(azurite))
        prober = Prober(app.host.url, app.key, known=known, sources=SOURCES, log=app.host.log)
        walk(prober, app)
        yield prober


async def leave_snapshots(azurite: str) -> None:
    """What a run leaves that was stopped between two batches, and one that was purged; none over HTTP is just there."""
    store = open_store(Settings(storage_connection=azurite, table_prefix=PREFIX))
    for epoch, run_id, results in ((900, HALF_RUN, []), (901, PURGED_RUN, [{"source": "books", "pages": 2}])):
        run = await store.runs.create(RunRecord(run_id, epoch, "c", datetime.now(UTC), "http", ("books",)))
        told = [{"outcome": "published", "reason": "", **one} for one in results]
        await store.runs.end(finished(run, at=run.started_at, outcome="stopped", reason="test", results=told))
    await store.batches.record_plan(snapshot_id("books", 900), Plan("p", 2, 2, 0, 0), [["http://a/1"], ["http://a/2"]])
    await store.tables.close()


def walk(prober: Prober, app: DescribedApp) -> None:
    """To every answer that is described, on a short way."""
    steer_runs(prober, app)
    retry_a_run(prober)
    start_later(prober)
    read_data(prober)
    steer_workflows(prober)
    open_page(prober)
    for name, operation in prober.operations.items():
        unknown = {
            "folder": "js",
            "file": "nothing.js",
            "functionName": "daily_scrape",
            "instanceId": "-",
            "runId": "nobody",
            "startId": "later:nobody",
            "input": "nobody",
            "source": "-",
        }
        path = {parameter: value for parameter, value in unknown.items() if f"{{{parameter}}}" in operation.path}
        prober.send(name, path=path)
        prober.send(name, path=path, headers={"x-functions-key": "wrong"})
        prober.send(name, path=path, query="limit=many&mode=never", body=[])
        if "requestBody" in operation.node:
            there = usual_path(prober.document, operation) | {"instanceId": "of-no-run", "runId": FINISHED_RUN}
            assert prober.send(name, path=there, body={}, is_chunked=True).status_code == 411
            # Schemathesis hardly ever makes up a field that is not described.
            assert prober.send(name, path=there, body={"nothing": 1}).status_code == 400


def steer_runs(prober: Prober, app: DescribedApp) -> None:
    """A run that is stopped, after the schedule and others have met it, and then one that is polled to its end."""
    started = prober.send("start_orchestrator", path=daily_scrape("stopped"))
    app.suspend(started.json())
    app.run_timer("daily_timer")
    refused = [
        prober.send("start_orchestrator", path=daily_scrape("stopped")),
        prober.send("poll_orchestrator", path=daily_scrape("other")),
        prober.send("start_run"),
    ]
    assert [answer.status_code for answer in refused] == [409, 409, 409]
    wait_for(lambda: bool(prober.send("list_skips").json()["skips"]), timeout_s=60)
    assert prober.send("request_stop", path={"runId": "stopped"}, query={"mode": "now"}).status_code == 202
    wait_for(lambda: prober.send("poll_orchestrator", path=daily_scrape(FINISHED_RUN)).status_code == 200, timeout_s=60)
    assert prober.send("get_run", path={"runId": FINISHED_RUN}).json()["state"] == "finished"
    assert prober.send("request_stop", path={"runId": FINISHED_RUN}).status_code == 409
    assert prober.send("put_schedule", body={"paused": True}).status_code == 200


def retry_a_run(prober: Prober) -> None:
    """It is refused while it goes on already, for bad fields, and for what is no orchestrator."""
    retries = [prober.send("retry_run", path={"runId": FINISHED_RUN}) for _ in range(2)]
    assert [answer.status_code for answer in retries] == [202, 409]
    assert prober.send("retry_run", path={"runId": FINISHED_RUN}, body=[]).status_code == 400
    for name in ["start_orchestrator", "poll_orchestrator"]:
        assert prober.send(name, path={"functionName": "nothing", "instanceId": "a"}).status_code == 404


def read_data(prober: Prober) -> None:
    """What the finished run has published, and what the stopped one has left."""
    books = {"path": {"source": "books"}}
    assert prober.send("list_datasets").json()["datasets"][0]["published"]["rows"] == 19
    assert prober.send("get_dataset", **books, query="limit=1").status_code == 200
    part = prober.send("list_rows", **books, query="limit=1").json()
    queries = [f"continuation={part['continuation']}", "run=nobody", "continuation=9-0-0-0-0", "limit=0"]
    queries += [f"run={HALF_RUN}", "format=csv", "format=ndjson"]
    answers = [prober.send("list_rows", **books, query=query).status_code for query in queries]
    assert answers == [200, 404, 410, 400, 409, 200, 200]
    again = f"from={FINISHED_RUN}&to={FINISHED_RUN}"
    queries = [again, "from=nobody", "continuation=9-9-0", f"limit=0&{again}", f"to={HALF_RUN}"]
    answers = [prober.send("get_diff", **books, query=query).status_code for query in queries]
    assert answers == [200, 404, 410, 400, 409]
    queries = [f"run={FINISHED_RUN}&force=true", "run=nobody", "", f"run={HALF_RUN}", f"run={PURGED_RUN}"]
    answers = [prober.send("publish_dataset", **books, query=query).status_code for query in queries]
    assert answers == [200, 404, 400, 409, 410]


def start_later(prober: Prober) -> None:
    """Starts that are to come: one is cancelled, the other is in the way of its like."""
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    run = {"runId": prober.send("start_run", body={"startAt": tomorrow}).json()["runId"]}
    assert prober.send("get_run", path=run).json()["state"] == "scheduled"
    assert prober.send("request_stop", path=run).status_code == 202
    assert prober.send("get_run", path=run).json()["outcome"] == "stopped"
    later = {"path": daily_scrape("later"), "query": {"startAt": tomorrow}}
    starts = [prober.send("start_orchestrator", **later) for _ in range(2)]
    starts += [prober.send("start_orchestrator", path=later["path"]), prober.send("poll_orchestrator", **later)]
    assert [answer.status_code for answer in starts] == [202, 409, 409, 202]
    assert [one["startId"] for one in prober.send("list_starts").json()["starts"]] == ["later:later"]
    prober.send("start_orchestrator", path=daily_scrape("never"), query={"startAt": tomorrow})
    cancels = [prober.send("cancel_start", path={"startId": "later:never"}) for _ in range(2)]
    assert [answer.status_code for answer in cancels] == [200, 409]


def steer_workflows(prober: Prober) -> None:
    """One that waits for ever, and one that ends."""
    started = [prober.send("start_workflow", path={"input": key}) for key in ("live", "live", "ended")]
    assert [answer.status_code for answer in started] == [202, 409, 202]
    assert prober.send("stop_workflow", path={"input": "live"}, body={"event": "another"}).status_code == 400
    assert prober.send("stop_workflow", path={"input": "ended"}).status_code == 202
    wait_for(lambda: prober.send("check_workflow", path={"input": "ended"}).json()["outcome"] is not None, timeout_s=60)
    assert prober.send("stop_workflow", path={"input": "ended"}).status_code == 409
    for name in ["start_workflow", "stop_workflow"]:
        assert prober.send(name, path={"input": "live"}, body={"data": "x" * 33_000}).status_code == 413
    assert prober.send("check_workflow", path={"input": "-"}).status_code == 400


def open_page(prober: Prober) -> None:
    """The dashboard and one of its files, twice."""
    for name, path in (("dashboard", {}), ("dashboard_file", {"folder": "js", "file": "app.js"})):
        first = prober.send(name, path=path, headers={})
        again = prober.send(name, path=path, headers={"If-None-Match": first.headers["etag"][0]})
        assert (first.status_code, again.status_code) == (200, 304)


def daily_scrape(run_id: str) -> dict[str, str]:
    """The path of a run among the orchestrators."""
    return {"functionName": "daily_scrape", "instanceId": run_id}


def test_generated_requests_get_answers_that_are_described(prober: Prober) -> None:
    prober.fuzz(seed=1, examples=4, phases=["examples", "fuzzing"])
    prober.fuzz(seed=1, examples=2, phases=["stateful"])
    print(f"\n{prober.table()}")
    assert prober.report() == ""


def test_hostile_requests_get_answers_that_are_described(prober: Prober) -> None:
    """A third of them for each operation, and not the same for all."""
    for number, operation in enumerate(prober.operations.values()):
        send_hostile(prober, operation, first=number % 3, step=3)
    assert prober.report() == ""


def send_hostile(prober: Prober, operation: Operation, *, first: int = 0, step: int = 1) -> None:
    """Every `step`-th of the requests that are bad on purpose."""
    for request in islice(hostile_requests(prober.document, operation, prober.key_header), first, None, step):
        prober.send(operation.name, **request)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PATCH", "DELETE", "QUERY", "NONSENSE"])
def test_a_method_that_a_path_does_not_have_is_404(prober: Prober, method: str) -> None:
    for name in ["list_runs", "start_run", "health"]:
        answer = prober.send(name, method=method)
        assert (answer.status_code, answer.content, answer.headers.get("allow")) == (404, b"", None)


def test_a_key_may_come_in_the_query_and_health_needs_none(prober: Prober) -> None:
    assert prober.send("list_runs", headers={}).status_code == 401
    assert prober.send("list_runs", headers={}, query={"code": prober.key}).status_code == 200
    assert prober.send("health", headers={}).status_code == 200


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_thousands_of_generated_requests_reach_every_answer_and_none_that_is_not_described(prober: Prober) -> None:
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    for operation in prober.operations.values():
        send_hostile(prober, operation)
    print(f"\n{prober.total} requests by hand")
    phases = ["examples", "coverage", "fuzzing", "stateful"]
    while prober.total < LONG_PROOF:
        before = prober.total
        prober.fuzz(seed=seed, examples=100, phases=phases)
        print(f"\nSEED={seed}: {prober.total - before} requests")
        seed, phases = seed + 1, ["fuzzing", "stateful"]
    print(prober.table())
    assert prober.report() == ""
    assert prober.never_reached(leave_out=NOT_BY_THESE_PATHS | OF_A_BROKEN_INSTALLATION) == {}
