"""Which retries are accepted, and which are turned away: by the route, or by the claim if something changed since."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from activities.claim import claim_run
from storage.keys import batch_partition, snapshot_id
from storage.ledger.runs import RunRecord
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.tiny_site import TinySite

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def one_batch(runs: ActivityRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """How pages lie in batches does not matter here."""
    monkeypatch.setenv("PAGES_PER_BATCH", "100")


async def refusal(runs: ActivityRuns, run_id: str, body: Any = None) -> tuple[int, str]:
    status, document = await runs.ask_for_retry(run_id, body)
    assert document["status"] == status
    return status, document["detail"]


async def delete_rows(runs: ActivityRuns, source: str, epoch: int) -> None:
    """What a purge of the first batch leaves."""
    table = await runs.store.tables.table("rows")
    partition = batch_partition(snapshot_id(source, epoch), 0)
    async for row in table.query_entities(f"PartitionKey eq '{partition}'"):
        await table.delete_entity(row["PartitionKey"], row["RowKey"])


async def test_an_accepted_retry_says_where_to_look(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    status, document = await runs.ask_for_retry("base")
    assert status == 202
    assert document["runId"].startswith("retry-")
    assert document["links"]["self"] == f"http://localhost/api/runs/{document['runId']}"


async def test_a_run_that_never_was_is_not_found(runs: ActivityRuns) -> None:
    assert (await refusal(runs, "nobody"))[0] == 404


async def test_a_run_that_goes_on_cannot_be_retried_yet(runs: ActivityRuns) -> None:
    await runs.claim(await runs.start("base"))
    status, document = await runs.ask_for_retry("base")
    assert (status, document["holder"]) == (409, "base")
    assert document["detail"] == "The run 'base' is still going on: a run can be retried when it has ended."


async def test_a_run_that_has_not_taken_its_first_step_cannot_be_retried_yet(runs: ActivityRuns) -> None:
    await runs.start("base")
    assert (await refusal(runs, "base"))[0] == 409


async def test_a_run_that_was_terminated_before_its_first_step_is_still_known(runs: ActivityRuns) -> None:
    runs.terminate(await runs.start("base"))
    assert await refusal(runs, "base") == (409, "The run 'base' has nothing to retry: it came to no source.")
    await runs.complete(await runs.start("next", sources=["books"]))
    run = await runs.store.runs.find("base")
    assert run is not None
    assert (run.epoch, run.outcome, run.triggered_by) == (1, "terminated", "http")


async def test_an_id_that_runs_again_cannot_be_retried_by_its_earlier_run(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    await runs.start("base")
    status, detail = await refusal(runs, "base")
    assert status == 409
    assert "is still going on" in detail


async def test_a_run_in_which_every_page_was_loaded_has_nothing_to_retry(runs: ActivityRuns) -> None:
    await runs.run_with_failures()
    assert await refusal(runs, "base") == (
        409,
        "The run 'base' has nothing to retry: all pages that it found are loaded and published.",
    )


async def test_a_run_that_came_to_no_source_has_nothing_to_retry(runs: ActivityRuns) -> None:
    await runs.store.runs.create(RunRecord("late", 1, "c", NOW, "http", outcome="superseded"))
    assert await refusal(runs, "late") == (409, "The run 'late' has nothing to retry: it came to no source.")


async def test_while_another_run_is_live_a_retry_is_told_who_holds_the_singleton(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    await runs.start("other")
    status, document = await runs.ask_for_retry("base")
    assert (status, document["holder"]) == (409, "other")


async def test_a_source_that_a_newer_run_has_published_is_retried_from_that_run(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    await runs.run_with_failures("/books/2", run_id="newer")
    status, document = await runs.ask_for_retry("base")
    assert (status, document["source"], document["newerRun"]) == (409, "books", "newer")
    assert document["detail"] == (
        "The newer run 'newer' has published 'books' since, and older pages must not replace its: "
        "if that run has left any undone, retry that one."
    )


async def test_a_newer_run_that_published_nothing_does_not_stand_in_the_way(runs: ActivityRuns, site: TinySite) -> None:
    await runs.run_with_failures("/books/1")
    await runs.run_with_failures("/sitemap.xml", run_id="newer")
    assert (await runs.complete(await runs.start_retry("base")))["outcome"] == "completed"


async def test_only_the_sources_that_are_named_are_retried(runs: ActivityRuns, site: TinySite) -> None:
    await runs.run_with_failures("/books/1", "/news/1", sources=["books", "news"])
    await runs.run_with_failures(run_id="newer")
    retry = await runs.start_retry("base", {"sources": ["news"]})
    site.hits.clear()
    assert [one["source"] for one in (await runs.complete(retry))["sources"]] == ["news"]
    assert site.hits == {"/news/1": 1}


async def test_that_a_source_has_nothing_to_retry_is_not_said_of_the_whole_run(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1", sources=["books", "news"])
    detail = "The run 'base' has nothing to retry of news: all pages that it found are loaded and published."
    assert await refusal(runs, "base", {"sources": ["news"]}) == (409, detail)


async def test_bodies_that_ask_for_what_the_run_did_not_have_are_refused(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    bodies = [{"sources": ["news"]}, {"sources": ["nowhere"]}, {"sources": []}, {"pages": 3}, []]
    found = [await refusal(runs, "base", body) for body in bodies]
    assert [status for status, _ in found] == [400] * 5
    assert found[0][1] == "'sources': the run 'base' has no source 'news'. Known: books."


async def test_a_source_that_is_not_in_the_file_any_more_is_named(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    run = await runs.store.runs.find("base")
    assert run is not None
    await runs.store.runs.create(replace(run, epoch=2, sources=("gone",)))
    status, detail = await refusal(runs, "base")
    assert (status, detail) == (409, "There is no source 'gone' any more: name others in 'sources'.")


async def test_a_retry_of_rows_that_were_purged_is_refused(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    await delete_rows(runs, "books", 1)
    reason = "What run 'base' loaded of 'books' is not kept any more: start a new run."
    assert await refusal(runs, "base") == (409, reason)


async def test_rows_that_are_purged_after_the_start_end_the_retry_with_a_reason(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    retry = await runs.start_retry("base")
    await delete_rows(runs, "books", 1)
    reason = "what run 'base' loaded of 'books' is not kept any more: start a new run"
    assert await runs.claim(retry) == {"code": "refused", "reason": reason}
    run = await runs.store.runs.find(retry)
    assert run is not None
    assert (run.outcome, run.reason) == ("refused", reason)


async def test_a_publication_after_the_start_ends_the_retry_with_a_reason(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    middle = await runs.start("middle", sources=["books"])
    await runs.claim(middle)
    await runs.scrape(middle, "books")
    runs.terminate(middle)
    retry = await runs.start_retry("base")
    zombie = {"epoch": 2, "snapshot": snapshot_id("books", 2), "run_id": "middle", "at": NOW, "counts": (12, 0, 24)}
    await runs.store.datasets.publish("books", **zombie)
    reason = (
        "the newer run 'middle' has published 'books' since, and older pages must not replace its: "
        "if that run has left any undone, retry that one"
    )
    assert await runs.claim(retry) == {"code": "refused", "reason": reason}
    runs.hub.finish(retry)
    assert await refusal(runs, retry) == (409, f"T{reason[1:]}.")


async def test_a_claim_that_comes_again_after_the_retry_has_published_does_not_end_it(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    retry = await runs.start_retry("base")
    first = await runs.claim(retry)
    await runs.scrape(retry, "books")
    await runs.publish(retry, "books")
    assert await runs.claim(retry) == first


async def test_a_retry_of_a_run_that_never_was_ends_with_a_reason(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    claim = await runs.claim(await runs.start("made-up", retry_of={"run_id": "other", "epoch": 1}))
    assert claim == {"code": "refused", "reason": "there is no run 'other' with epoch 1 to retry"}


async def test_a_retry_of_what_is_no_run_is_refused(runs: ActivityRuns) -> None:
    claim = {"run_id": "made-up", "epoch": None, "claim": "t", "sources": None, "triggered_by": "x"}
    told = ["base", [1], {"run_id": "base"}, {"run_id": "base", "epoch": "1"}, {"run_id": "base", "epoch": True}]
    answers = [await claim_run({**claim, "retry_of": retry_of}, runs.hub) for retry_of in told]
    assert [answer["code"] for answer in answers] == ["refused"] * 5


async def test_an_older_run_of_an_id_that_was_used_again_is_retried_by_its_epoch(runs: ActivityRuns) -> None:
    await runs.run_with_failures("/books/1")
    await runs.run_with_failures(sources=("news",))
    assert (await refusal(runs, "base"))[0] == 409
    assert (await refusal(runs, "base@01"))[0] == 404
    retry = await runs.start_retry("base@1")
    assert runs.hub.instances[retry].payload["retry_of"] == {"run_id": "base", "epoch": 1}
    summary = (await runs.complete(retry))["sources"][0]
    assert (summary["source"], summary["outcome"], summary["failed"]) == ("books", "published", 0)
