"""What is measured adds up to what the record says: every effect once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from scraper.settings import Settings
from storage.ledger.skips import Skip, SkipReason
from storage.store import Store
from telemetry import switch
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.telemetry_capture import Captured, attributes
from tests.helpers.tiny_site import TinySite

SIX = datetime(2026, 11, 21, 6, tzinfo=UTC)


async def record_of(runs: ActivityRuns, run_id: str) -> dict[str, Any]:
    record = await runs.store.runs.find(run_id)
    assert record is not None
    (result,) = record.results
    return dict(result)


async def reasons_of(runs: ActivityRuns, source: str, epoch: int) -> Counter[str]:
    found = runs.store.failures_of(f"{source}~{epoch:010d}")
    return Counter([failure.reason.value async for _, failure in found])


async def test_pages_rows_and_failures_add_up_to_the_record_of_the_run(runs: ActivityRuns, sent: Captured) -> None:
    runs.site.broken = {"/books/1"}
    runs.site.moved = {"/books/2": "/books/2"}  # type: ignore[attr-defined]
    await runs.complete(await runs.start("run", sources=["books"]))
    result = await record_of(runs, "run")
    pages = sent.counts("pages", "outcome")
    assert pages == {"loaded": result["loaded"], "failed": result["failed"]} == {"loaded": 10, "failed": 2}
    assert sent.counts("rows", "source") == {"books": result["rows"]} == {"books": 20}
    assert sent.counts("page_failures", "reason") == await reasons_of(runs, "books", 1)
    assert sent.counts("page_failures", "source") == {"books": 2}
    assert sent.counts("sources", "source", "outcome") == {("books", "published"): 1}
    assert sent.counts("runs", "outcome") == {"completed_with_failures": 1}
    assert sent.counts("run.duration", "outcome") == {"completed_with_failures": 1}
    assert sent.counts("batch.duration", "source") == {"books": 4}


async def test_pages_that_had_not_changed_are_counted_apart(runs: ActivityRuns, sent: Captured) -> None:
    for run_id in ("first", "second"):
        await runs.complete(await runs.start(run_id, sources=["books"]))
    assert (await record_of(runs, "second"))["unchanged"] == 12
    assert sent.counts("pages", "outcome") == {"loaded": 12, "unchanged": 12}


async def test_a_retry_counts_what_it_fetches_and_not_what_it_takes_over(runs: ActivityRuns, sent: Captured) -> None:
    await runs.run_with_failures("/books/4")
    retry = await runs.start_retry("base")
    await runs.complete(retry)
    assert (await record_of(runs, retry))["loaded"] == 12
    assert sent.counts("pages", "outcome") == {"loaded": 12, "failed": 1}
    assert sent.counts("page_failures", "reason") == {"http_404": 1}


async def test_places_that_name_no_page_are_failures_of_the_plan(
    runs: ActivityRuns, site: TinySite, sent: Captured
) -> None:
    site.broken = {"/sitemap.xml"}
    run_id = await runs.start("no-pages", sources=["books"])
    await runs.claim(run_id)
    for _ in range(2):
        await runs.plan(run_id, "books")
    assert sent.counts("page_failures", "reason") == await reasons_of(runs, "books", 1) == {"http_404": 1}
    assert sent.counts("pages") == {}


async def test_a_skipped_start_is_counted_once_however_often_it_is_recorded(store: Store, sent: Captured) -> None:
    skip = Skip(SIX, "daily-2026-11-21", "timer", SkipReason.HELD, scheduled_for=SIX)
    for _ in range(3):
        await store.skips.record(skip)
    await store.skips.record(Skip(SIX, "daily-2026-11-20", "timer", SkipReason.PAST_DUE, scheduled_for=SIX))
    assert sent.counts("skipped_starts", "reason") == {"held": 1, "past_due": 1}


class Broken:
    """Telemetry of which every part raises."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name} today")


async def test_telemetry_that_fails_everywhere_changes_nothing_of_a_run(
    runs: ActivityRuns, caplog: pytest.LogCaptureFixture
) -> None:
    broken: Any = Broken()
    switch._switch.sender = switch.Sender(broken, broken, "test")
    try:
        ended = await runs.complete(await runs.start("run", sources=["books"]))
    finally:
        switch.switch_off()
    assert ended["outcome"] == "completed"
    assert (await record_of(runs, "run"))["rows"] == 24
    told = [message for message in caplog.messages if "telemetry is incomplete" in message]
    assert len(told) == len(set(told)) > 0


async def test_an_app_that_is_not_switched_on_sends_nothing(runs: ActivityRuns, sent: Captured) -> None:
    switch.switch_off()
    switch.switch_on(Settings())
    await runs.complete(await runs.start("run", sources=["news"]))
    assert sent.spans == []
    assert sent.counts("runs") == {}


async def test_a_refused_source_is_an_error_that_says_why(runs: ActivityRuns, site: TinySite, sent: Captured) -> None:
    site.write_sources(max_failed_percent=0)
    await runs.run_with_failures("/books/4")
    source, publication = sent.one("scrape_source"), sent.one("publish_source")
    for span in (source, publication):
        assert attributes(span)["outcome"] == "refused"
        assert span.status.description == attributes(span)["reason"] != ""
