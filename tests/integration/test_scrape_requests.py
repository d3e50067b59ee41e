"""The queue `scrape-requests` in the test kit, with the real tables: from a message to its end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import pytest

from devhost.testing import Host
from tests.helpers.scrape_host import activities_of, app_queue, app_settings, host_with_tables

# The steps of a run that write its record are the real ones.
OF_A_SOURCE = ("plan_source", "scrape_batch", "publish_source")
REQUESTS = "scrape-requests"
A_MINUTE = 60


@pytest.fixture
async def host(azurite: str, table_prefix: str) -> AsyncIterator[Host]:
    fakes = {name: fake for name, fake in activities_of([], batches=1).items() if name in OF_A_SOURCE}
    async with host_with_tables(app_settings(azurite, table_prefix), fakes) as host:
        yield host


def left(host: Host) -> tuple[list[str], list[str]]:
    """The messages of the queue, and those of its poison queue."""
    return host.messages(app_queue(REQUESTS)), host.messages(f"{app_queue(REQUESTS)}-poison")


def make_runs_last_a_minute(host: Host) -> None:
    async def scrape_batch(_: Any) -> dict[str, Any]:
        await host.clock.sleep(A_MINUTE)
        return {"code": "scraped"}

    host.replace_activity("scrape_batch", scrape_batch)


async def runs(host: Host) -> list[dict[str, Any]]:
    """All runs, the oldest first."""
    listed: list[dict[str, Any]] = (await host.request("GET", "/api/runs")).json()["runs"]
    return listed[::-1]


async def test_a_message_is_one_run_and_is_deleted_once_that_is_complete(host: Host) -> None:
    make_runs_last_a_minute(host)
    await host.send_message(app_queue(REQUESTS), {"sources": ["books"]})
    await host.advance(seconds=50)
    live = await runs(host)
    assert left(host) == ([json.dumps({"sources": ["books"]})], [])
    await host.advance(seconds=60)
    (ended,) = await runs(host)
    assert left(host) == ([], [])
    assert (live[0]["outcome"], ended["outcome"], ended["triggeredBy"]) == (None, "completed", "queue")
    assert ended["runId"].startswith("queue-")


async def test_messages_that_come_at_once_run_one_after_the_other(host: Host) -> None:
    make_runs_last_a_minute(host)
    for _ in range(3):
        await host.send_message(app_queue(REQUESTS), {"sources": ["books"]})
    await host.advance(minutes=10)
    batches = [call.at for call in host.calls if call.name == "scrape_batch"]
    assert left(host) == ([], [])
    assert [run["outcome"] for run in await runs(host)] == ["completed"] * 3
    assert min((later - at).total_seconds() for at, later in pairwise(batches)) >= A_MINUTE


async def test_a_message_waits_for_a_run_that_something_else_has_started(host: Host) -> None:
    make_runs_last_a_minute(host)
    await host.request("POST", "/api/orchestrators/daily_scrape/by-hand", json={"sources": ["books"]})
    await host.send_message(app_queue(REQUESTS), {"runId": "from-queue", "sources": ["books"]})
    await host.advance(seconds=50)
    assert [run["runId"] for run in await runs(host)] == ["by-hand"]
    await host.advance(minutes=3)
    assert [(run["runId"], run["outcome"]) for run in await runs(host)] == [
        ("by-hand", "completed"),
        ("from-queue", "completed"),
    ]
    assert left(host) == ([], [])


async def test_two_messages_for_one_run_id_are_one_run_even_after_a_purge(host: Host) -> None:
    await host.send_message(app_queue(REQUESTS), {"runId": "twice", "sources": ["books"]})
    await host.advance(minutes=2)
    await host.purge("twice")
    await host.send_message(app_queue(REQUESTS), {"runId": "twice"})
    await host.advance(minutes=2)
    assert [run["runId"] for run in await runs(host)] == ["twice"]
    assert left(host) == ([], [])


async def test_a_run_that_loads_only_a_part_is_complete(host: Host) -> None:
    def publish_source(source: dict[str, Any]) -> dict[str, Any]:
        outcome = "published" if source["source"] == "books" else "refused"
        return {"source": source["source"], "outcome": outcome, "reason": "too few rows"}

    host.replace_activity("publish_source", publish_source)
    await host.send_message(app_queue(REQUESTS), {})
    await host.advance(minutes=2)
    assert [run["outcome"] for run in await runs(host)] == ["completed_with_failures"]
    assert left(host) == ([], [])


async def fail(host: Host) -> None:
    await host.advance(minutes=2)


async def terminate(host: Host) -> None:
    await host.terminate("doomed", "not today")
    await host.advance(minutes=2)


async def stop(host: Host) -> None:
    assert (await host.request("POST", "/api/runs/doomed/stop?mode=now")).status == 202
    await host.advance(minutes=2)


@pytest.mark.parametrize(
    ("end", "outcome", "reason"),
    [(fail, "failed", ""), (terminate, "terminated", "not today"), (stop, "stopped", "")],
    ids=["failed", "terminated", "stopped"],
)
async def test_a_message_whose_run_did_not_complete_is_moved_to_the_poison_queue_as_it_came(
    host: Host, end: Callable[[Host], Any], outcome: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    host.replace_activity("publish_source", lambda one: {"source": one["source"], "outcome": "refused", "reason": "no"})
    make_runs_last_a_minute(host)
    message = '{ "runId":"doomed",  "sources":["books"] }'
    await host.send_message(app_queue(REQUESTS), message)
    await end(host)
    assert left(host) == ([], [message])
    assert [run["outcome"] for run in await runs(host)] == [outcome]
    (told,) = [one.getMessage() for one in caplog.records if "poison queue" in one.getMessage()]
    assert f"is moved to the poison queue: {outcome}: " in told
    assert reason in told


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("books", "it is not JSON in UTF-8"),
        (b"\xff\xfe\x00", "it is not JSON in UTF-8"),
        ('{"sources": ["nowhere"]}', "'sources': there is no source 'nowhere'. Known: books, listing."),
        ('{"sources": []}', "'sources' must be a list of source names"),
        ('{"id": "7"}', "unknown field 'id'; known: sources, runId"),
    ],
)
async def test_a_bad_message_is_moved_at_once_with_its_reason_in_the_log(
    host: Host, message: str | bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    await host.send_message(app_queue(REQUESTS), message)
    errors = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert host.messages(app_queue(REQUESTS)) == []
    assert len(errors) == 1
    assert "is moved to the poison queue: bad: " in errors[0]
    assert reason in errors[0]
    assert await runs(host) == []


async def test_the_same_message_in_the_poison_queue_has_the_bytes_that_it_came_with(host: Host) -> None:
    await host.send_message(app_queue(REQUESTS), '{"id":   [1, 2]}')
    assert left(host) == ([], ['{"id":   [1, 2]}'])


async def test_a_source_that_has_gone_since_the_run_began_does_not_make_its_message_bad(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_runs_last_a_minute(host)
    await host.send_message(app_queue(REQUESTS), {"sources": ["books"]})
    monkeypatch.setattr("triggers.runs.scrape_queue.app_sources", lambda _: [])
    await host.advance(minutes=2)
    assert left(host) == ([], [])
    assert [run["outcome"] for run in await runs(host)] == ["completed"]


@pytest.mark.parametrize("sources", [["books"], ["nowhere"]])
async def test_what_is_logged_of_a_message_names_its_run(
    host: Host, sources: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "triggers.runs.scrape_queue")
    make_runs_last_a_minute(host)
    await host.send_message(app_queue(REQUESTS), {"sources": sources, "runId": "mine"})
    await host.advance(minutes=3)
    told = [record.getMessage() for record in caplog.records if record.name == "triggers.runs.scrape_queue"]
    assert told
    assert [one for one in told if not one.endswith(" [run_id=mine]")] == []
