"""The app's orchestrators in the real SDK and engine, with activities that a test can watch and break."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions import RetryOptions

import orchestrations.daily_scrape
import orchestrations.scrape_lane
import orchestrations.scrape_source
from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance, InstanceQuery, RuntimeStatus
from tests.helpers.durable_hub import running_hub

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

ORCHESTRATORS = {
    "daily_scrape": orchestrations.daily_scrape.daily_scrape,
    "scrape_source": orchestrations.scrape_source.scrape_source,
    "scrape_lane": orchestrations.scrape_lane.scrape_lane,
}
SHARE = {"concurrency": 2, "requests_per_second": 1.0}


class FakeActivities:
    """Every activity by name; `called` records the payloads, `most_at_once` the batches in flight."""

    def __init__(self, *, sources: list[str], batches: int = 3, window: int = 2) -> None:
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.most_at_once = 0
        self.answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "claim_run": lambda _: {"code": "claimed", "reason": "", "epoch": 7, "sources": sources},
            "plan_source": lambda _: {
                "code": "planned",
                "attempt": "p1",
                "batches": batches,
                "window": window,
                "share": SHARE,
            },
            "scrape_batch": lambda _: {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2},
            "publish_source": lambda source: {**summary(source["source"], "published")},
            "finish_run": lambda run: {"outcome": "told", "reason": run["reason"], "sources": run["sources"]},
        }
        self._in_flight = 0

    def by_name(self) -> dict[str, Callable[..., Any]]:
        return {name: self._activity(name) for name in self.answers}

    def payloads(self, name: str) -> list[dict[str, Any]]:
        return [payload for called, payload in self.called if called == name]

    def _activity(self, name: str) -> Callable[..., Any]:
        async def activity(payload: dict[str, Any]) -> dict[str, Any]:
            self.called.append((name, payload))
            self._in_flight += name == "scrape_batch"
            self.most_at_once = max(self.most_at_once, self._in_flight)
            await asyncio.sleep(0.002)
            self._in_flight -= name == "scrape_batch"
            return self.answers[name](payload)

        return activity


def summary(source: str, outcome: str) -> dict[str, Any]:
    return {"source": source, "outcome": outcome, "reason": "", "failed": 0}


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (orchestrations.daily_scrape, orchestrations.scrape_source, orchestrations.scrape_lane):
        monkeypatch.setattr(module, "INFRASTRUCTURE", RetryOptions(1, 2))


async def run(hub: TaskHub, *, instance_id: str = "run-1", payload: Any = None) -> Instance:
    text = json.dumps(json.dumps(payload)) if payload is not None else None
    await hub.create_instance("daily_scrape", instance_id=instance_id, input_text=text)
    ended = await hub.wait_until_finished(instance_id, 60)
    assert ended is not None
    assert ended.runtime_status is RuntimeStatus.COMPLETED, ended.output_text
    return ended


async def output_of(tmp_path: Path, activities: FakeActivities) -> dict[str, Any]:
    async with running_hub(tmp_path / "hub.sqlite", ORCHESTRATORS, activities.by_name()) as hub:
        output: dict[str, Any] = json.loads((await run(hub)).output_text or "null")
    return output


async def test_every_batch_of_every_source_is_scraped_once_and_every_source_published(tmp_path: Path) -> None:
    activities = FakeActivities(sources=["books", "news"], batches=5)
    output = await output_of(tmp_path, activities)
    scraped = Counter((one["source"], one["batch"]) for one in activities.payloads("scrape_batch"))
    assert scraped == {(source, batch): 1 for source in ("books", "news") for batch in range(5)}
    assert output["sources"] == [summary("books", "published"), summary("news", "published")]


async def test_a_batch_is_told_its_plan_its_share_and_the_epoch_of_the_run(tmp_path: Path) -> None:
    activities = FakeActivities(sources=["books"], batches=1)
    await output_of(tmp_path, activities)
    assert activities.payloads("scrape_batch") == [
        {"run_id": "run-1", "epoch": 7, "source": "books", "plan_attempt": "p1", "share": SHARE, "batch": 0}
    ]


async def test_no_more_batches_run_at_a_time_than_the_window_of_the_source(tmp_path: Path) -> None:
    activities = FakeActivities(sources=["books"], batches=20, window=3)
    await output_of(tmp_path, activities)
    assert activities.most_at_once == 3


async def test_a_lane_of_many_batches_goes_on_in_a_new_execution_and_keeps_its_history_short(tmp_path: Path) -> None:
    activities = FakeActivities(sources=["books"], batches=250, window=1)
    async with running_hub(tmp_path / "hub.sqlite", ORCHESTRATORS, activities.by_name()) as hub:
        await run(hub)
        everything, _ = await hub.list_instances(InstanceQuery(), top=100, continuation=None)
        lengths = {one.instance_id: len(await hub.history(one.instance_id)) for one in everything}
    assert sorted(one["batch"] for one in activities.payloads("scrape_batch")) == list(range(250))
    assert lengths.keys() == {"run-1", "run-1:7:books", "run-1:7:books:0"}
    assert max(lengths.values()) < 500


async def test_a_run_that_is_not_the_holder_ends_without_doing_anything(tmp_path: Path) -> None:
    activities = FakeActivities(sources=[])
    activities.answers["claim_run"] = lambda _: {"code": "superseded", "reason": "a newer start"}
    output = await output_of(tmp_path, activities)
    assert output == {"outcome": "superseded", "reason": "a newer start", "sources": []}
    assert [name for name, _ in activities.called] == ["claim_run"]


async def test_a_source_without_pages_fails_and_the_others_are_published(tmp_path: Path) -> None:
    activities = FakeActivities(sources=["books", "news"])
    planned = activities.answers["plan_source"]
    activities.answers["plan_source"] = lambda job: (
        {"code": "failed", "reason": "no page found"} if job["source"] == "news" else planned(job)
    )
    output = await output_of(tmp_path, activities)
    assert output["sources"] == [
        summary("books", "published"),
        {"source": "news", "outcome": "failed", "reason": "no page found"},
    ]


async def test_a_source_whose_batches_break_fails_after_its_retries_and_the_others_are_published(
    tmp_path: Path,
) -> None:
    activities = FakeActivities(sources=["books", "news"], batches=2)

    def broken(batch: dict[str, Any]) -> dict[str, Any]:
        if batch["source"] == "news":
            raise OSError("the disk is gone")
        return {"code": "scraped"}

    activities.answers["scrape_batch"] = broken
    output = await output_of(tmp_path, activities)
    assert output["sources"][0] == summary("books", "published")
    assert output["sources"][1]["outcome"] == "failed"
    assert "OSError: the disk is gone" in output["sources"][1]["reason"]
    assert len([one for one in activities.payloads("scrape_batch") if one["source"] == "news"]) == 4


async def test_a_fault_that_passes_is_retried_and_leaves_no_trace(tmp_path: Path) -> None:
    activities = FakeActivities(sources=["books"], batches=1)
    faults = iter([OSError("storage is away for a moment")])

    def once_broken(_: dict[str, Any]) -> dict[str, Any]:
        for fault in faults:
            raise fault
        return {"code": "scraped"}

    activities.answers["scrape_batch"] = once_broken
    assert (await output_of(tmp_path, activities))["sources"] == [summary("books", "published")]


async def test_a_run_that_is_overtaken_while_it_scrapes_publishes_nothing(tmp_path: Path) -> None:
    activities = FakeActivities(sources=["books"], batches=10, window=2)
    activities.answers["scrape_batch"] = lambda batch: {"code": "superseded" if batch["batch"] >= 4 else "scraped"}
    output = await output_of(tmp_path, activities)
    assert [one["outcome"] for one in output["sources"]] == ["superseded"]
    assert activities.payloads("publish_source") == []
    assert len(activities.payloads("scrape_batch")) == 6


async def test_a_run_without_sources_is_written_down_with_its_reason(tmp_path: Path) -> None:
    activities = FakeActivities(sources=[])
    activities.answers["claim_run"] = lambda _: {
        "code": "claimed",
        "reason": "sources.toml: broken",
        "epoch": 7,
        "sources": [],
    }
    await output_of(tmp_path, activities)
    assert activities.payloads("finish_run") == [
        {"run_id": "run-1", "epoch": 7, "reason": "sources.toml: broken", "sources": []}
    ]


async def test_a_terminated_child_ends_the_run_with_a_record(tmp_path: Path) -> None:
    activities = FakeActivities(sources=["books"], batches=200, window=1)
    async with running_hub(tmp_path / "hub.sqlite", ORCHESTRATORS, activities.by_name()) as hub:
        await hub.create_instance("daily_scrape", instance_id="run-1", input_text=None)
        while not activities.payloads("scrape_batch"):
            await asyncio.sleep(0.01)
        await hub.terminate("run-1:7:books", "by hand")
        ended = await hub.wait_until_finished("run-1", 30)
    assert ended is not None
    assert "by hand" in activities.payloads("finish_run")[0]["reason"]


async def test_custom_statuses_stay_small(tmp_path: Path) -> None:
    activities = FakeActivities(sources=[f"source-{number}" for number in range(20)], batches=4)
    async with running_hub(tmp_path / "hub.sqlite", ORCHESTRATORS, activities.by_name()) as hub:
        await run(hub)
        everything, _ = await hub.list_instances(InstanceQuery(), top=200, continuation=None)
    assert max(len(one.custom_status_text or "") for one in everything) < 200
