"""The app's orchestrators in the real SDK and engine, with activities that a test can watch and break."""

from __future__ import annotations

from collections import Counter
from typing import Any

from devhost.testing import survive_every_crash
from orchestrations.scrape_lane import BATCHES_PER_EXECUTION
from tests.helpers.scrape_host import REPOSITORY, SHARE, activities_of, run_output, scrape_host, summary


async def test_every_batch_of_every_source_is_scraped_once_and_every_source_published() -> None:
    async with scrape_host(["books", "news"], batches=5) as host:
        output = await run_output(host)
        scraped = Counter((one["source"], one["batch"]) for one in host.calls.inputs("scrape_batch"))
    assert scraped == {(source, batch): 1 for source in ("books", "news") for batch in range(5)}
    assert output["sources"] == [summary("books", "published"), summary("news", "published")]


async def test_a_run_of_one_batch_takes_these_steps() -> None:
    step = {"run_id": "run-1", "epoch": 7, "source": "books"}
    async with scrape_host(["books"], batches=1) as host:
        await run_output(host)
        host.calls.expect(
            "claim_run",
            ("plan_source", step),
            ("scrape_batch", {**step, "plan_attempt": "p1", "share": SHARE, "batch": 0}),
            ("publish_source", step),
            "finish_run",
        )


async def test_a_run_that_retries_another_tells_its_claim_and_the_planning_of_its_sources() -> None:
    base = {"run_id": "run-0", "epoch": 3}
    step = {"run_id": "run-1", "epoch": 7, "source": "books"}
    async with scrape_host(["books"], batches=1) as host:
        await host.start("daily_scrape", {"epoch": 7, "retry_of": base}, instance_id="run-1")
        await host.wait_for("run-1")
        assert host.calls.inputs("claim_run")[0]["retry_of"] == base
        assert host.calls.inputs("plan_source") == [{**step, "base_epoch": 3}]
        assert host.calls.inputs("scrape_batch") == [{**step, "plan_attempt": "p1", "share": SHARE, "batch": 0}]


async def test_a_source_that_has_nothing_to_fetch_is_published() -> None:
    async with scrape_host(["books"], batches=0) as host:
        assert (await run_output(host))["sources"] == [summary("books", "published")]
        assert host.calls.inputs("scrape_batch") == []


async def test_no_more_batches_run_at_a_time_than_the_window_of_the_source() -> None:
    in_flight = most = 0

    async def slow(_: dict[str, Any]) -> dict[str, Any]:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await host.clock.sleep(60)
        in_flight -= 1
        return {"code": "scraped"}

    async with scrape_host(["books"], batches=20, window=3, scrape_batch=slow) as host:
        await run_output(host)
    assert most == 3


async def test_a_lane_of_many_batches_goes_on_in_a_new_execution_and_keeps_its_history_short() -> None:
    async with scrape_host(["books"], batches=120, window=1) as host:
        await run_output(host)
        lengths = {one.instance_id: len(await host.history(one.instance_id)) for one in await host.instances()}
        batches = [one["batch"] for one in host.calls.inputs("scrape_batch")]
    assert batches == list(range(120))
    assert lengths.keys() == {"run-1", "run-1:7:books", "run-1:7:books:0"}
    assert max(lengths.values()) < 4 * BATCHES_PER_EXECUTION + 10


async def test_a_run_that_is_not_the_holder_ends_without_doing_anything() -> None:
    superseded = {"code": "superseded", "reason": "a newer start"}
    async with scrape_host([], claim_run=lambda _: superseded) as host:
        output = await run_output(host)
        host.calls.expect("claim_run")
    assert output == {"outcome": "superseded", "reason": "a newer start", "sources": []}


async def test_a_source_without_pages_fails_and_the_others_are_published() -> None:
    plan = {"code": "planned", "attempt": "p1", "batches": 1, "window": 1, "share": SHARE}
    plans = {"books": plan, "news": {"code": "failed", "reason": "no page found"}}
    async with scrape_host(plans, plan_source=lambda job: plans[job["source"]]) as host:
        output = await run_output(host)
    assert output["sources"] == [
        summary("books", "published"),
        {"source": "news", "outcome": "failed", "reason": "no page found"},
    ]


async def test_a_source_whose_batches_break_fails_after_its_retries_and_the_others_are_published() -> None:
    def broken(batch: dict[str, Any]) -> dict[str, Any]:
        if batch["source"] == "news":
            raise OSError("the disk is gone")
        return {"code": "scraped"}

    async with scrape_host(["books", "news"], batches=1, scrape_batch=broken) as host:
        output = await run_output(host)
        tries = [call.at for call in host.calls if call.error is not None]
    assert output["sources"][0] == summary("books", "published")
    assert output["sources"][1]["outcome"] == "failed"
    assert "OSError: the disk is gone" in output["sources"][1]["reason"]
    assert len(tries) == 12
    assert (tries[-1] - tries[0]).total_seconds() == 11 * 15


async def test_a_fault_that_passes_is_retried_and_leaves_no_trace() -> None:
    faults = iter([OSError("storage is away for a moment")])

    def once_broken(_: dict[str, Any]) -> dict[str, Any]:
        for fault in faults:
            raise fault
        return {"code": "scraped"}

    async with scrape_host(["books"], batches=1, scrape_batch=once_broken) as host:
        assert (await run_output(host))["sources"] == [summary("books", "published")]


async def test_a_run_that_is_overtaken_while_it_scrapes_publishes_nothing() -> None:
    def overtaken(batch: dict[str, Any]) -> dict[str, Any]:
        return {"code": "superseded" if batch["batch"] >= 4 else "scraped"}

    async with scrape_host(["books"], batches=10, window=2, scrape_batch=overtaken) as host:
        output = await run_output(host)
        assert host.calls.inputs("publish_source") == []
        assert len(host.calls.inputs("scrape_batch")) == 6
    assert [one["outcome"] for one in output["sources"]] == ["superseded"]


async def test_a_source_that_drains_ends_after_the_batches_in_flight_and_one_that_is_complete_is_published() -> None:
    drained = {"code": "stopped", "reason": "drained"}

    def scrape_batch(batch: dict[str, Any]) -> dict[str, Any]:
        return drained if batch["source"] == "books" and batch["batch"] >= 4 else {"code": "scraped"}

    async with scrape_host(["books", "news"], batches=10, window=2, scrape_batch=scrape_batch) as host:
        output = await run_output(host)
        assert [one["source"] for one in host.calls.inputs("publish_source")] == ["news"]
        assert len([one for one in host.calls.inputs("scrape_batch") if one["source"] == "books"]) == 6
    assert output["sources"][0] == {"source": "books", "outcome": "stopped", "reason": "drained"}
    assert output["sources"][1] == summary("news", "published")


async def test_a_run_that_was_stopped_before_its_first_step_does_nothing() -> None:
    async with scrape_host(["books"], claim_run=lambda _: {"code": "stopped", "reason": "by hand"}) as host:
        output = await run_output(host)
        host.calls.expect("claim_run")
    assert output == {"outcome": "stopped", "reason": "by hand", "sources": []}


async def test_a_run_without_sources_is_written_down_with_its_reason() -> None:
    claim = {"code": "claimed", "reason": "sources.toml: broken", "epoch": 7, "sources": []}
    async with scrape_host([], claim_run=lambda _: claim) as host:
        await run_output(host)
        told = {"run_id": "run-1", "epoch": 7, "reason": "sources.toml: broken", "sources": []}
        host.calls.expect("claim_run", ("finish_run", told))


async def test_a_terminated_child_ends_the_run_with_a_record() -> None:
    async def slow(_: dict[str, Any]) -> dict[str, Any]:
        await host.clock.sleep(60)
        return {"code": "scraped"}

    async with scrape_host(["books"], scrape_batch=slow) as host:
        await host.start("daily_scrape", instance_id="run-1")
        await host.terminate("run-1:7:books", "by hand")
        await host.wait_for("run-1")
        assert "by hand" in host.calls.inputs("finish_run")[0]["reason"]


async def test_a_run_survives_a_crash_of_the_host_at_every_write() -> None:
    activities = activities_of(["books"], batches=2)
    report = await survive_every_crash(REPOSITORY, run_output, activities=activities)
    assert report.outcome["sources"] == [summary("books", "published")]
    assert report.crashes >= 30


async def test_custom_statuses_stay_small() -> None:
    async with scrape_host([f"source-{number}" for number in range(20)], batches=4) as host:
        await run_output(host)
        assert max(len(str(one.custom_status)) for one in await host.instances()) < 200
