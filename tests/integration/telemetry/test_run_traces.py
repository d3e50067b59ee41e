"""A run is one trace: the run, its sources, their steps; whoever started it, and however often steps were repeated."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from devhost.testing import Host
from orchestrations import scrape_source as scrape_source_module
from storage.store import Store
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.scrape_host import app_settings, host_with_tables
from tests.helpers.telemetry_capture import Captured, attributes, parent_id, span_id
from tests.helpers.tiny_site import TinySite

STEPS = ("claim_run", "plan_source", "scrape_batch", "publish_source", "finish_run")


@pytest.fixture
def settings(azurite: str, table_prefix: str, site: TinySite, tmp_path: Path) -> dict[str, str]:
    """The app over the tiny site: four batches of books, one of news."""
    own = {"SOURCES_FILE": str(tmp_path / "sources.toml"), "PAGES_PER_BATCH": "3"}
    return {**app_settings(azurite, table_prefix), **own}


async def whole_run(host: Host, run_id: str = "run-1", **payload: Any) -> dict[str, Any]:
    await host.start("daily_scrape", payload or None, instance_id=run_id)
    output: dict[str, Any] = (await host.wait_for(run_id)).output
    return output


def sources_of(sent: Captured) -> dict[str, ReadableSpan]:
    return {attributes(span)["source"]: span for span in sent.named("scrape_source")}


async def test_a_run_is_one_trace_of_itself_its_sources_and_their_steps(
    settings: dict[str, str], sent: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    replays: Counter[str] = Counter()
    show = scrape_source_module._show

    def counting(context: Any, source: dict[str, Any], stage: str, **facts: Any) -> None:
        replays[stage] += 1
        show(context, source, stage, **facts)

    monkeypatch.setattr(scrape_source_module, "_show", counting)
    async with host_with_tables(settings) as host:
        output = await whole_run(host)
        called = Counter(name for name in host.calls.names if name in STEPS)
    assert output["outcome"] == "completed"
    assert replays["planning"] > 4  # the orchestrators were replayed, and sent nothing
    assert sent.names() == called + Counter({"daily_scrape": 1, "scrape_source": 2})
    assert len({span.get_span_context().trace_id for span in sent.spans}) == 1
    assert len({span_id(span) for span in sent.spans}) == len(sent.spans)
    run, sources = sent.one("daily_scrape"), sources_of(sent)
    parents = {
        (span.name, attributes(span).get("source", "")): parent_id(span) for span in sent.spans if span is not run
    }
    assert run.parent is None
    assert parents == {
        ("claim_run", ""): span_id(run),
        ("finish_run", ""): span_id(run),
        ("scrape_source", "books"): span_id(run),
        ("scrape_source", "news"): span_id(run),
        **{(step, name): span_id(sources[name]) for step in STEPS[1:4] for name in ("books", "news")},
    }


async def test_the_spans_of_a_run_have_the_times_and_counts_of_its_record(
    site: TinySite, settings: dict[str, str], sent: Captured, store: Store
) -> None:
    site.broken = {"/books/1", "/books/7"}
    async with host_with_tables(settings) as host:
        await whole_run(host)
        record = await store.runs.find("run-1")
    assert record is not None
    assert record.finished_at is not None
    run, books = sent.one("daily_scrape"), sources_of(sent)["books"]
    assert run.start_time == int(record.started_at.timestamp() * 1_000_000) * 1000
    assert run.end_time == int(record.finished_at.timestamp() * 1_000_000) * 1000
    told = {"outcome": "completed_with_failures", "sources": 2, "pages": 14, "loaded": 12, "failed": 2}
    assert attributes(run).items() >= {"run_id": "run-1", "epoch": 1, "triggered_by": "durable API", **told}.items()
    told = {"outcome": "published", "pages": 12, "loaded": 10, "failed": 2, "rows": 20, "batches": 4}
    assert attributes(books).items() >= {"run_id": "run-1", "source": "books", **told}.items()
    assert run.start_time <= books.start_time <= books.end_time <= run.end_time  # type: ignore[operator]


async def test_a_batch_says_what_became_of_its_pages_and_that_it_counts(runs: ActivityRuns, sent: Captured) -> None:
    await runs.run_with_failures("/books/4")
    batches = [attributes(span) for span in sent.named("scrape_batch")]
    told = [(one["batch"], one["pages"], one["loaded"], one["failed"], one["unchanged"]) for one in batches]
    assert told == [(0, 3, 3, 0, 0), (1, 3, 2, 1, 0), (2, 3, 3, 0, 0), (3, 3, 3, 0, 0)]
    assert {one["counted"] for one in batches} == {True}
    assert len({one["attempt"] for one in batches}) == 4


async def test_of_two_attempts_at_a_batch_one_counts_and_each_has_its_own_span(
    runs: ActivityRuns, sent: Captured
) -> None:
    run_id = await runs.start("twice", sources=["news"])
    await runs.claim(run_id)
    plan = await runs.plan(run_id, "news")
    await asyncio.gather(*(scrape_first(runs, run_id, plan) for _ in range(2)))
    first, second = (attributes(span) for span in sent.named("scrape_batch"))
    assert sorted([first["counted"], second["counted"]]) == [False, True]
    assert first["attempt"] != second["attempt"]
    assert sent.counts("pages", "outcome") == {"loaded": 2}
    assert sent.counts("batch.duration") == {"": 1}


async def scrape_first(runs: ActivityRuns, run_id: str, plan: dict[str, Any]) -> None:
    from activities.batches import scrape_batch  # the fixture has prepared its surroundings by now

    work = {"batch": 0, "plan_attempt": plan["attempt"], "share": plan["share"]}
    await scrape_batch({**runs.step(run_id, "news"), **work}, runs.hub)


async def test_an_attempt_that_broke_has_a_span_that_says_so_and_the_next_one_counts(
    runs: ActivityRuns, sent: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.work.batches import Batches

    run_id = await runs.start("broken", sources=["news"])
    await runs.claim(run_id)
    plan = await runs.plan(run_id, "news")
    with monkeypatch.context() as broken:
        broken.setattr(Batches, "record_result", away)
        with pytest.raises(ConnectionError):
            await scrape_first(runs, run_id, plan)
    await scrape_first(runs, run_id, plan)
    failed, good = sent.named("scrape_batch")
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.status.description == "ConnectionError: storage is away\\nforged"
    assert good.status.status_code is StatusCode.UNSET
    assert [attributes(span)["counted"] for span in (failed, good)] == [False, True]
    assert sent.counts("pages", "outcome") == {"loaded": 2}


async def away(*_arguments: Any) -> None:
    raise ConnectionError("storage is away\nforged")


async def test_a_run_that_brings_no_epoch_has_its_claim_in_the_same_trace(
    runs: ActivityRuns, sent: Captured, store: Store
) -> None:
    from activities.claim import claim_run
    from activities.runs import finish_run

    asked = {"run_id": "past-us", "epoch": None, "claim": "2026-11-21T06:00:00+00:00", "sources": ["news"]}
    claimed = await claim_run({**asked, "triggered_by": "durable API"}, runs.hub)
    await finish_run({"run_id": "past-us", "epoch": claimed["epoch"], "reason": "", "sources": []})
    claim, run = sent.one("claim_run"), sent.one("daily_scrape")
    assert claim.get_span_context().trace_id == run.get_span_context().trace_id
    assert parent_id(claim) == span_id(run)


async def test_a_run_that_is_stopped_at_once_has_one_span_although_its_last_step_comes_later(
    runs: ActivityRuns, sent: Captured
) -> None:
    from storage.ticket import StopMode
    from triggers.runs.stop import stop_run

    run_id = await runs.start("stopped", sources=["books"])
    await runs.claim(run_id)
    await runs.scrape(run_id, "books", lists=[0])
    await stop_run(runs.hub, runs.store, run_id, StopMode.NOW, by="a test")  # type: ignore[arg-type]
    await runs.finish(run_id)
    assert attributes(sent.one("daily_scrape"))["outcome"] == "stopped"
    assert attributes(sent.one("scrape_source")).items() >= {"outcome": "stopped", "loaded": 3}.items()
    assert sent.counts("runs", "outcome") == {"stopped": 1}


async def test_a_run_that_was_terminated_ends_its_trace_when_somebody_first_looks(
    settings: dict[str, str], sent: Captured
) -> None:
    def never(_batch: Any) -> Any:
        raise ConnectionError("the batch is tried again and again")

    async with host_with_tables(settings, activities={"scrape_batch": never}) as host:
        await host.start("daily_scrape", instance_id="run-1")
        await host.terminate("run-1", "a test")
        for _ in range(3):
            answer = await host.request("GET", "/api/runs/run-1")
    assert answer.json()["outcome"] == "terminated"
    run = sent.one("daily_scrape")
    assert attributes(run).items() >= {"outcome": "terminated", "run_id": "run-1"}.items()
    assert run.status.status_code is StatusCode.ERROR
    assert sent.counts("runs", "outcome") == {"terminated": 1}


async def test_two_runs_are_two_traces_also_with_the_same_id(runs: ActivityRuns, sent: Captured) -> None:
    for _ in range(2):
        await runs.complete(await runs.start("again", sources=["news"]))
    assert len({span.get_span_context().trace_id for span in sent.named("daily_scrape")}) == 2
