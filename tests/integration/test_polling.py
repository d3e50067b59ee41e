"""`PUT orchestrators/…` state by state, in the real SDK and engine, with the real tables."""

from __future__ import annotations

from typing import Any

import pytest

from devhost.testing import Host, Reply
from tests.helpers.scrape_host import activities_of, app_settings, host_with_tables


@pytest.fixture
def settings(azurite: str, table_prefix: str) -> dict[str, str]:
    return app_settings(azurite, table_prefix)


async def put(host: Host, name: str, **request: Any) -> Reply:
    return await host.request("PUT", f"/api/orchestrators/{name}", **request)


async def test_an_absent_instance_is_started_then_waited_for_then_told(settings: dict[str, str]) -> None:
    async with host_with_tables(settings) as host:

        async def slow(payload: dict[str, Any]) -> str:
            await host.clock.sleep(60)
            return str(payload["name"])

        host.replace_activity("say_welcome", slow)
        first = await put(host, "welcome/a")
        again = await put(host, "welcome/a")
        await host.advance(minutes=3)
        ended = await put(host, "welcome/a")
        assert [one.status for one in (first, again, ended)] == [202, 202, 200]
        assert first.json() == again.json()
        assert first.json()["statusQueryGetUri"] == again.headers["Location"]
        assert again.headers["Retry-After"] == "10"
        assert ended.json() == {
            "id": "a",
            "runtimeStatus": "Completed",
            "output": "One Two Three",
            "createdTime": "2026-01-01T00:00:00+00:00",
            "lastUpdatedTime": "2026-01-01T00:02:00+00:00",
        }


async def test_what_has_ended_stays_as_it_is_however_often_it_is_asked_for(settings: dict[str, str]) -> None:
    async with host_with_tables(settings) as host:
        await put(host, "welcome/a")
        await host.wait_for("a")
        calls = len(host.calls)
        answers = [(await put(host, "welcome/a")).json() for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        assert len(host.calls) == calls


async def test_a_failure_is_told_with_its_error(settings: dict[str, str]) -> None:
    def broken(_: Any) -> str:
        raise OSError("nobody is at home")

    async with host_with_tables(settings, activities={"say_welcome": broken}) as host:
        await put(host, "welcome/a")
        await host.wait_for("a", "Failed")
        answer = await put(host, "welcome/a")
    assert (answer.status, answer.json()["runtimeStatus"]) == (200, "Failed")
    assert "nobody is at home" in answer.json()["error"]


async def test_a_terminated_instance_is_told_with_the_reason(settings: dict[str, str]) -> None:
    async with host_with_tables(settings, activities={"say_welcome": lambda _: 1 / 0}) as host:
        await put(host, "welcome/a")
        await host.terminate("a", "not today")
        answer = await put(host, "welcome/a")
    assert answer.status == 200
    assert (answer.json()["runtimeStatus"], answer.json()["reason"]) == ("Terminated", "not today")


async def test_an_instance_that_was_purged_is_started_again(settings: dict[str, str]) -> None:
    async with host_with_tables(settings) as host:
        await put(host, "welcome/a")
        await host.wait_for("a")
        await host.purge("a")
        assert (await put(host, "welcome/a")).status == 202
        assert (await host.wait_for("a")).output == "Welcome One Welcome Two Welcome Three"


async def test_a_run_that_another_one_keeps_from_starting_is_409_with_the_holder_until_it_can(
    settings: dict[str, str],
) -> None:
    async with host_with_tables(settings, activities=activities_of(["books"])) as host:

        async def slow(_: Any) -> dict[str, Any]:
            await host.clock.sleep(60)
            return {"code": "scraped"}

        host.replace_activity("scrape_batch", slow)
        await put(host, "daily_scrape/holder")
        refused = await put(host, "daily_scrape/other")
        await host.wait_for("holder")
        started = await put(host, "daily_scrape/other")
        await host.wait_for("other")
        ended = await put(host, "daily_scrape/other")
    assert (refused.status, refused.json()["holder"]) == (409, "holder")
    assert refused.headers["Retry-After"] == "10"
    assert (started.status, ended.status) == (202, 200)
    assert ended.json()["output"]["sources"][0]["outcome"] == "published"


async def test_the_body_counts_only_for_the_request_that_starts(settings: dict[str, str]) -> None:
    async with host_with_tables(settings, activities=activities_of(["books"])) as host:
        bad = {"json": {"sources": ["nowhere"]}}
        refused = await put(host, "daily_scrape/a", **bad)
        await put(host, "daily_scrape/a", json={"sources": ["books"]})
        later = await put(host, "daily_scrape/a", **bad)
        assert (await host.status("a")).input["sources"] == ["books"]
    assert (refused.status, later.status) == (400, 200)
    assert "there is no source 'nowhere'" in refused.json()["detail"]


@pytest.mark.parametrize(("name", "status"), [("nothing/a", 404), ("scrape_source/a", 404), ("welcome/%40a", 400)])
async def test_what_cannot_be_started_cannot_be_polled(name: str, status: int, settings: dict[str, str]) -> None:
    async with host_with_tables(settings) as host:
        answer = await put(host, name)
    assert (answer.status, answer.json()["status"]) == (status, status)


async def test_an_id_that_belongs_to_another_orchestrator_is_409_live_or_ended(settings: dict[str, str]) -> None:
    async with host_with_tables(settings) as host:
        await put(host, "welcome/a")
        await host.wait_for("a")
        answer = await put(host, "daily_scrape/a")
        assert host.calls.inputs("claim_run") == []
    assert answer.status == 409
    assert answer.json()["detail"] == "An instance with ID 'a' already exists, of the orchestrator 'welcome'."


async def test_an_instance_started_past_us_is_polled_like_any_other_whatever_the_case_of_its_name(
    settings: dict[str, str],
) -> None:
    async with host_with_tables(settings) as host:
        await host.request("POST", "/runtime/webhooks/durabletask/orchestrators/WELCOME/a")
        await host.wait_for("a")
        answer = await put(host, "welcome/a")
    assert (answer.status, answer.json()["runtimeStatus"]) == (200, "Completed")
