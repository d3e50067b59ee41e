"""Singleton orchestrators in Durable Functions and the Durable Task SDKs (Microsoft Learn, Azure documentation).

The article of the same name as revised for the isolated worker and the SDKs. It warns of its own race: two callers
that check and start at the same time are both told of success, while one instance runs; who needs more should add a
lock. That lock is here, so that exactly one of them gets 202. The check-status payload has all management URLs.
"""

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest

from scripts.http_json import Answer, ask
from tests.e2e.articles.conftest import StartScene
from tests.helpers.running_app import RunningApp, wait_for

CALLERS = 40
WATCH = {"source": "books", "intervalMinutes": 60}


@pytest.fixture(scope="module")
def app(start_scene: StartScene) -> RunningApp:
    return start_scene(books=20)


async def start_all(app: RunningApp, path: str, body: Any = None) -> list[tuple[int, str]]:
    """Status and instance ID, or problem, of as many POSTs at the same time."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(number: int) -> tuple[int, str]:
            url = f"{app.host.url}/api/orchestrators/{path}"
            async with session.post(url, json={"caller": number} if body is None else body) as response:
                document = await response.json(content_type=None)
                return response.status, document.get("id") or document["detail"]

        return await asyncio.gather(*(post(number) for number in range(CALLERS)))


def runtime_status(app: RunningApp, instance_id: str) -> str:
    return str(app.status(instance_id)["runtimeStatus"])


@pytest.mark.parametrize("round_", ["first", "again"])
async def test_of_callers_that_check_and_start_at_the_same_time_one_is_told_of_success(
    round_: str, app: RunningApp
) -> None:
    """In the second round the instance is there already, and has completed."""
    answers = await start_all(app, "welcome/singleton-job")
    expected = {(202, "singleton-job"): 1, (409, "An instance with ID 'singleton-job' already exists."): CALLERS - 1}
    assert Counter(answers) == expected
    winner = [status for status, _ in answers].index(202)
    assert app.input_of("singleton-job") == {"caller": winner}
    wait_for(lambda: runtime_status(app, "singleton-job") == "Completed", timeout_s=60)


async def test_the_same_holds_for_an_orchestration_that_runs_for_ever(app: RunningApp) -> None:
    answers = await start_all(app, "watch_source/watch:books", WATCH)
    assert Counter(status for status, _ in answers) == {202: 1, 409: CALLERS - 1}
    wait_for(lambda: app.custom_status("watch:books").get("runs") == 1, timeout_s=60)
    assert runtime_status(app, "watch:books") == "Running"
    app.terminate("watch:books")


@pytest.fixture
def urls(app: RunningApp) -> dict[str, str]:
    """The payload of a watch that waits for its next run: it lives until somebody ends it."""
    wait_for(lambda: not app.live_instances(), timeout_s=60)
    answer = app.ask("POST", "/api/orchestrators/watch_source/watch:listing", {**WATCH, "source": "listing"})
    assert answer.status == 202, answer.text
    wait_for(lambda: app.custom_status("watch:listing").get("runs") == 1, timeout_s=60)
    document: dict[str, str] = answer.document
    return document


def told(urls: dict[str, str], name: str, text: str = "", method: str = "POST", body: Any = None) -> Answer:
    """The answer of a management URL, its placeholder filled in."""
    return ask(method, urls[name].replace("{text}", text).replace("{eventName}", text), body)


def wait_until(urls: dict[str, str], status: str) -> dict[str, Any]:
    """The status document once the instance is in this state."""
    wait_for(lambda: told(urls, "statusQueryGetUri", method="GET").document["runtimeStatus"] == status, timeout_s=60)
    document: dict[str, Any] = told(urls, "statusQueryGetUri", method="GET").document
    return document


def test_every_management_url_of_the_payload_does_what_its_name_says(app: RunningApp, urls: dict[str, str]) -> None:
    assert told(urls, "statusQueryGetUri", method="GET").status == 202
    assert told(urls, "suspendPostUri", "later").status == 202
    wait_until(urls, "Suspended")
    assert told(urls, "resumePostUri", "now").status == 202
    wait_until(urls, "Running")
    assert told(urls, "sendEventPostUri", "stop", body={}).status == 202
    assert wait_until(urls, "Completed")["output"]["runs"] == 1
    assert told(urls, "statusQueryGetUri", method="GET").status == 200
    assert told(urls, "purgeHistoryDeleteUri", method="DELETE").document == {"instancesDeleted": 1}
    assert told(urls, "statusQueryGetUri", method="GET").status == 404


def test_an_instance_is_terminated_by_its_url_and_restarted_by_it_under_a_new_id(app: RunningApp) -> None:
    urls = app.ask("POST", "/api/orchestrators/welcome/to-restart", {"from": "the first"}).document
    wait_until(urls, "Completed")
    restarted = told(urls, "restartPostUri").document
    assert restarted["id"] != "to-restart"
    wait_for(lambda: runtime_status(app, restarted["id"]) == "Completed", timeout_s=60)
    assert app.input_of(restarted["id"]) == {"from": "the first"}
    workflow = app.ask("POST", "/runtime/webhooks/durabletask/orchestrators/workflow/to-terminate", {"input": "x"})
    assert told(workflow.document, "terminatePostUri", "enough").status == 202
    assert wait_until(workflow.document, "Terminated")["output"] == "enough"


def test_a_failed_instance_goes_on_where_it_failed_when_it_is_rewound(app: RunningApp) -> None:
    """The host is started again in between, with another setting: what failed on purpose works then."""
    settings = dict(app.settings)
    try:
        restart(app, {**settings, "WELCOME_FAILURE_PERCENT": "100"})
        urls = app.ask("POST", "/api/orchestrators/welcome/to-rewind").document
        wait_until(urls, "Failed")
        restart(app, settings)
        moved = {name: f"{app.host.url}/runtime{url.partition('/runtime')[2]}" for name, url in urls.items()}
        assert told(moved, "rewindPostUri", "repaired").status == 202
        assert wait_until(moved, "Completed")["output"] == "Welcome One Welcome Two Welcome Three"
    finally:
        app.settings = settings


def restart(app: RunningApp, settings: dict[str, str]) -> None:
    app.child.kill()
    app.settings = settings
    app.restart()
