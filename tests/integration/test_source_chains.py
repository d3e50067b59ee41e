"""Sources that share a host take turns, in the real SDK and engine."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from scraper.settings import Settings
from tests.helpers.scrape_host import Answer, run_output, scrape_host, summary

CHAINS = [["books", "maps"], ["news"]]
SOURCES = ["books", "news", "maps"]


def chained(_: Any) -> dict[str, Any]:
    """What claim_run answers."""
    return {"code": "claimed", "reason": "", "epoch": 7, "sources": SOURCES, "chains": CHAINS}


def scraped(_: Any) -> dict[str, Any]:
    return {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2}


async def test_sources_of_one_host_are_never_scraped_at_the_same_time_and_other_hosts_are() -> None:
    spans: dict[str, list[datetime]] = {name: [] for name in SOURCES}

    async def minute(batch: dict[str, Any]) -> dict[str, Any]:
        spans[batch["source"]].append(host.clock.now())
        await host.clock.sleep(60)
        spans[batch["source"]].append(host.clock.now())
        return scraped(batch)

    async with scrape_host(SOURCES, claim_run=chained, scrape_batch=minute) as host:
        output = await run_output(host)
    assert max(spans["books"]) <= min(spans["maps"])
    assert min(spans["news"]) < max(spans["books"])
    assert {one["source"]: one["outcome"] for one in output["sources"]} == dict.fromkeys(SOURCES, "published")


async def test_a_source_that_fails_does_not_keep_the_next_from_its_turn() -> None:
    plans: Answer = lambda job: (  # noqa: E731 - one expression, used once
        {"code": "failed", "reason": "no page found"}
        if job["source"] == "books"
        else {"code": "planned", "attempt": "p1", "batches": 0, "window": 1, "share": {"concurrency": 1}}
    )
    async with scrape_host(SOURCES, claim_run=chained, plan_source=plans) as host:
        output = await run_output(host)
    outcomes = {one["source"]: one["outcome"] for one in output["sources"]}
    assert outcomes == {"books": "failed", "maps": "published", "news": "published"}


async def test_a_source_that_somebody_terminates_fails_and_the_next_has_its_turn() -> None:
    async def minute(batch: dict[str, Any]) -> dict[str, Any]:
        await host.clock.sleep(60)
        return scraped(batch)

    async with scrape_host(SOURCES, claim_run=chained, scrape_batch=minute) as host:
        await host.start("daily_scrape", instance_id="run-1")
        await host.terminate("run-1:7:books", "by hand")
        output = (await host.wait_for("run-1")).output
    ended = {one["source"]: one for one in output["sources"]}
    assert ended["books"]["outcome"] == "failed"
    assert "by hand" in ended["books"]["reason"]
    assert ended["maps"] == summary("maps", "published")


async def test_a_retry_tells_every_source_of_a_chain_which_run_it_retries() -> None:
    async with scrape_host(SOURCES, claim_run=chained) as host:
        payload = {"epoch": 7, "retry_of": {"run_id": "run-0", "epoch": 6}}
        await host.start("daily_scrape", payload, instance_id="run-1")
        await host.wait_for("run-1")
        planned = {(one["source"], one["base_epoch"]) for one in host.calls.inputs("plan_source")}
    assert planned == {(source, 6) for source in SOURCES}


@pytest.mark.parametrize("claimed", [{}, {"chains": []}])
async def test_a_claim_of_an_older_version_has_all_sources_in_parallel(claimed: dict[str, Any]) -> None:
    answer = {"code": "claimed", "reason": "", "epoch": 7, "sources": SOURCES, **claimed}
    async with scrape_host(SOURCES, claim_run=lambda _: answer) as host:
        output = await run_output(host)
    assert [one["outcome"] for one in output["sources"]] == ["published"] * 3


def test_the_sample_sources_share_their_host(monkeypatch: pytest.MonkeyPatch) -> None:
    from activities.run_input import chained as chained_sources

    monkeypatch.setenv("SAMPLE_SITE_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("SAMPLE_LISTING_PAGES", "2")
    claimed = chained_sources(Settings(), ["books", "listing", "gone"])
    assert claimed == {"sources": ["books", "listing", "gone"], "chains": [["books", "listing"], ["gone"]]}
