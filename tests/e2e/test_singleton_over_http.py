"""Concurrent starts over HTTP: exactly one is accepted, whatever IDs they carry; and what refusals say."""

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest

from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import RunningApp, wait_for

pytestmark = pytest.mark.any_host

STARTERS = 100


async def start_all(app: RunningApp, run_ids: list[str]) -> Counter[int]:
    """Status codes of as many POSTs at the same time."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post(run_id: str) -> int:
            async with session.post(f"{app.host.url}/api/orchestrators/daily_scrape/{run_id}") as response:
                await response.read()
                return response.status

        return Counter(await asyncio.gather(*(post(run_id) for run_id in run_ids)))


def end_all(app: RunningApp) -> None:
    """Terminate what lives, children too, so that the next round begins with a free singleton."""
    for instance_id in app.live_instances():
        app.terminate(instance_id)
    wait_for(lambda: not app.live_instances(), timeout_s=60)


async def check_rounds(start_app: StartApp, supervisor: Supervisor, rounds: int) -> None:
    app = start_app(start_sample_site(supervisor, books=2000, fault_percent=0))
    answers = []
    for number in range(rounds):
        answers.append(await start_all(app, [f"same-{number}"] * STARTERS))
        end_all(app)
        answers.append(await start_all(app, [f"round-{number}-{one}" for one in range(STARTERS)]))
        end_all(app)
    print(f"{len(answers)} rounds of {STARTERS} starts: {[dict(answer) for answer in answers]}")
    assert answers == [Counter({202: 1, 409: STARTERS - 1})] * (2 * rounds)


async def test_of_a_hundred_concurrent_starts_exactly_one_is_accepted(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_rounds(start_app, supervisor, rounds=1)


@pytest.mark.long
async def test_of_a_hundred_concurrent_starts_exactly_one_is_accepted_in_every_round(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_rounds(start_app, supervisor, rounds=10)


@pytest.fixture
def app(start_app: StartApp, supervisor: Supervisor) -> RunningApp:
    return start_app(start_sample_site(supervisor, books=2000, fault_percent=0))


def problem(app: RunningApp, path: str, body: Any = None) -> tuple[int, str]:
    answer = app.ask("POST", path, body)
    assert answer.document["status"] == answer.status
    return answer.status, answer.document["detail"]


async def test_a_refused_start_names_the_holder_and_its_age(app: RunningApp) -> None:
    app.start_run("holder")
    answer = app.start_run("other")
    assert answer.status == 409
    assert answer.document["detail"] == "'daily_scrape' is held by the instance 'holder'; only one runs at a time."
    assert (answer.document["holder"], answer.document["epoch"], answer.document["startedBy"]) == ("holder", 1, "http")


async def test_a_second_start_of_a_live_id_says_that_the_instance_exists(app: RunningApp) -> None:
    app.start_run("holder")
    assert problem(app, "/api/orchestrators/daily_scrape/holder") == (
        409,
        "An instance with ID 'holder' already exists.",
    )


async def test_a_run_started_past_us_through_the_durable_api_is_held_to_the_singleton(app: RunningApp) -> None:
    app.start_run("holder")
    webhook = "/runtime/webhooks/durabletask/orchestrators/daily_scrape/past-us"
    assert app.ask("POST", webhook).status == 202
    wait_for(lambda: app.status("past-us")["runtimeStatus"] == "Completed", timeout_s=60)
    assert app.status("past-us")["output"]["outcome"] == "held"


async def test_bad_starts_are_refused_with_the_reason_and_start_nothing(app: RunningApp) -> None:
    found = [
        problem(app, "/api/orchestrators/nothing/a"),
        problem(app, "/api/orchestrators/scrape_source/a"),
        problem(app, "/api/orchestrators/daily_scrape/%40a"),
        problem(app, f"/api/orchestrators/daily_scrape/{'a' * 101}"),
        problem(app, "/api/orchestrators/daily_scrape/a", ["books"]),
        problem(app, "/api/orchestrators/daily_scrape/a", {"sources": ["nowhere"]}),
        problem(app, "/api/orchestrators/daily_scrape/a", {"pages": 3}),
    ]
    assert [status for status, _ in found] == [404, 404, 400, 400, 400, 400, 400]
    assert "Known: daily_scrape, " in found[0][1]
    assert "'sources': there is no source 'nowhere'. Known: books, listing." in found[5][1]
    assert app.ask("GET", "/api/runs").document["runs"] == []
