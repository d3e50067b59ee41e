"""Whatever is sent to the app, the answer is one that docs/openapi.yaml describes."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.helpers.api_prober import Prober
from tests.helpers.described_app import described_app
from tests.helpers.hostile_requests import hostile_requests
from tests.helpers.running_app import wait_for

SOURCES = ["books", "listing"]
FINISHED_RUN = "finished"
LONG_PROOF = 5_000

# Answers that a sound installation never gives; tests/integration/test_broken_installations.py reaches them.
OF_A_BROKEN_INSTALLATION = {
    500: "a setting or the sources file is wrong",
    503: "the storage account cannot be reached",
}


@pytest.fixture(scope="module")
def prober(azurite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prober]:
    """The app with a finished run, reached through every answer that is described."""
    with described_app(tmp_path_factory.mktemp("described"), azurite, TABLE_PREFIX="described") as app:
        prober = Prober(app.host.url, app.key, known={"path.runId": [FINISHED_RUN]}, sources=SOURCES)
        walk(prober)
        yield prober


def walk(prober: Prober) -> None:
    """To each answer on the shortest way."""
    start(prober, "stopped")
    assert prober.send("request_stop", path={"runId": "stopped"}, query={"mode": "now"}).status_code == 202
    start(prober, FINISHED_RUN)
    prober.send("list_failures", path={"runId": FINISHED_RUN})
    wait_for(lambda: prober.send("get_run", path={"runId": FINISHED_RUN}).json()["state"] == "finished", timeout_s=60)
    assert prober.send("request_stop", path={"runId": FINISHED_RUN}).status_code == 409
    retries = [prober.send("retry_run", path={"runId": FINISHED_RUN}) for _ in range(2)]
    assert [retry.status_code for retry in retries] == [202, 409]
    for name, operation in prober.operations.items():
        unknown = {"functionName": "daily_scrape", "instanceId": "today", "runId": "nobody"}
        path = {parameter: value for parameter, value in unknown.items() if f"{{{parameter}}}" in operation.path}
        prober.send(name, path=path, headers={"x-functions-key": "wrong"})
        prober.send(name, path=path, query="limit=many&mode=never", body=[])
    prober.send("start_orchestrator", path={"functionName": "nothing", "instanceId": "today"})
    prober.send("start_orchestrator", path={"functionName": "daily_scrape", "instanceId": "-"})
    prober.send("retry_run", path={"runId": FINISHED_RUN}, body=[])


def start(prober: Prober, run_id: str) -> None:
    """One run, and two starts that it is in the way of."""
    path = {"functionName": "daily_scrape", "instanceId": run_id}
    answers = [prober.send("start_orchestrator", path=path), prober.send("start_orchestrator", path=path)]
    answers.append(prober.send("start_run"))
    assert [answer.status_code for answer in answers] == [202, 409, 409]


def test_generated_requests_get_answers_that_are_described(prober: Prober) -> None:
    prober.fuzz(seed=1, examples=6, phases=["examples", "fuzzing"])
    prober.fuzz(seed=1, examples=3, phases=["stateful"])
    print(f"\n{prober.table()}")
    assert not prober.faults, prober.report()


def test_hostile_requests_get_answers_that_are_described(prober: Prober) -> None:
    for operation in prober.operations.values():
        for request in hostile_requests(prober.document, operation):
            prober.send(operation.name, **request)
    assert not prober.faults, prober.report()


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PATCH", "DELETE", "QUERY", "NONSENSE"])
def test_a_method_that_a_path_does_not_have_is_404(prober: Prober, method: str) -> None:
    for name in ["list_runs", "start_run", "health"]:
        answer = prober.send(name, method=method)
        assert (answer.status_code, answer.content, answer.headers.get("allow")) == (404, b"", None)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_thousands_of_generated_requests_reach_every_answer_and_none_that_is_not_described(prober: Prober) -> None:
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    phases = ["examples", "coverage", "fuzzing", "stateful"]
    while prober.total < LONG_PROOF:
        before = prober.total
        prober.fuzz(seed=seed, examples=100, phases=phases)
        print(f"\nSEED={seed}: {prober.total - before} requests")
        seed, phases = seed + 1, ["fuzzing", "stateful"]
    print(prober.table())
    assert not prober.faults, prober.report()
    assert prober.never_reached(leave_out=OF_A_BROKEN_INSTALLATION) == {}
