"""The fence: which executions of `daily_scrape` may go on, on the real tables."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from activities.claim import claim_run
from activities.runs import finish_run, outcome_of
from scraper.settings import Settings
from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.data.datasets import Superseded
from storage.keys import snapshot_id
from storage.ledger.locks import TableTickets
from storage.ledger.runs import RunRecord, finished
from storage.ledger.skips import Skip
from storage.store import Store
from storage.ticket import Ticket, TicketState
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from tests.helpers.ticket_stores import MemoryHub, Status

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
SOURCES = """
[[source]]
name = "books"
urls = ["http://127.0.0.1:1/a"]
allow_private_hosts = ["127.0.0.1"]
fields = { title = "h1::text" }

[[source]]
name = "news"
urls = ["http://127.0.0.1:1/b"]
allow_private_hosts = ["127.0.0.1"]
fields = { title = "h1::text" }
"""


async def start(hub: MemoryHub, store: Store, run_id: str) -> dict[str, Any]:
    """Start a run as a trigger does; returns what its `claim_run` will be given."""
    settings = Settings()
    request = Start("daily_scrape", run_id, {}, started_by="http")
    await start_singleton(hub, store.tickets, request, grace=settings.start_grace)
    return claim_of(run_id, hub.instances[run_id].payload["epoch"])


def claim_of(
    run_id: str, epoch: int | None, *, claim: str = "2026-11-21T06:00:00+00:00", sources: Any = None
) -> dict[str, Any]:
    return {"run_id": run_id, "epoch": epoch, "claim": claim, "sources": sources, "triggered_by": "http"}


async def test_the_holder_passes_with_all_sources_of_the_file(hub: MemoryHub, store: Store) -> None:
    claim = await claim_run(await start(hub, store, "a"), hub)
    assert claim == {
        "code": "claimed",
        "reason": "",
        "epoch": 1,
        "sources": ["books", "news"],
        "chains": [["books", "news"]],
    }


async def test_a_claim_that_is_repeated_gets_the_same_answer(hub: MemoryHub, store: Store) -> None:
    payload = await start(hub, store, "a")
    assert await claim_run(payload, hub) == await claim_run(payload, hub)


async def test_a_run_whose_epoch_was_overtaken_is_superseded_and_leaves_a_trace(hub: MemoryHub, store: Store) -> None:
    late = await start(hub, store, "late")
    hub.finish("late")
    await start(hub, store, "newer")
    assert (await claim_run(late, hub))["code"] == "superseded"
    trace = await store.runs.find("late")
    assert trace is not None
    assert trace.outcome == "superseded"


async def test_a_run_without_epoch_takes_a_free_singleton(hub: MemoryHub, store: Store) -> None:
    await hub.start_new("daily_scrape", "webhook")
    claim = await claim_run(claim_of("webhook", None), hub)
    assert (claim["code"], claim["epoch"]) == ("claimed", 1)


async def test_a_run_without_epoch_that_claims_twice_uses_up_one_epoch(hub: MemoryHub, store: Store) -> None:
    await hub.start_new("daily_scrape", "webhook")
    first = await claim_run(claim_of("webhook", None), hub)
    assert await claim_run(claim_of("webhook", None), hub) == first


async def test_a_run_without_epoch_is_told_who_holds_the_singleton(hub: MemoryHub, store: Store) -> None:
    await claim_run(await start(hub, store, "a"), hub)
    claim = await claim_run(claim_of("webhook", None), hub)
    assert claim == {"code": "held", "reason": "The singleton 'daily_scrape' is held by 'a'."}


async def test_a_run_without_epoch_that_is_held_stands_once_in_the_ledger(hub: MemoryHub, store: Store) -> None:
    await claim_run(await start(hub, store, "a"), hub)
    for _ in range(2):
        await claim_run(claim_of("webhook", None), hub)
    reason = "The singleton 'daily_scrape' is held by 'a'."
    assert await store.skips.newest(limit=10) == ([Skip(NOW, "webhook", "http", "held", "a", reason)], None)


async def test_a_finished_run_that_is_restarted_with_its_id_gets_a_new_epoch(hub: MemoryHub, store: Store) -> None:
    payload = await start(hub, store, "a")
    await claim_run(payload, hub)
    await finish_run({"run_id": "a", "epoch": 1, "reason": "", "sources": []})
    claim = await claim_run({**payload, "claim": "2026-11-21T07:00:00+00:00"}, hub)
    assert (claim["code"], claim["epoch"]) == ("claimed", 2)


async def test_a_copy_of_a_live_run_under_another_id_is_held(hub: MemoryHub, store: Store) -> None:
    payload = await start(hub, store, "a")
    await claim_run(payload, hub)
    assert (await claim_run({**payload, "run_id": "copy", "claim": "2026-11-21T07:00:00+00:00"}, hub))["code"] == "held"


async def test_a_copy_of_a_finished_run_under_another_id_gets_a_new_epoch(hub: MemoryHub, store: Store) -> None:
    payload = await start(hub, store, "a")
    await claim_run(payload, hub)
    hub.finish("a", Status.Completed)
    claim = await claim_run({**payload, "run_id": "copy", "claim": "2026-11-21T07:00:00+00:00"}, hub)
    assert (claim["code"], claim["epoch"]) == ("claimed", 2)


async def test_a_source_that_is_not_in_the_file_is_named_and_the_others_are_scraped(
    hub: MemoryHub, store: Store
) -> None:
    payload = await start(hub, store, "a")
    claim = await claim_run({**payload, "sources": ["news", "weather"]}, hub)
    assert (claim["sources"], claim["reason"]) == (["news"], "no such source: weather; known: books, news")


async def test_a_broken_sources_file_gives_a_run_that_says_so(
    hub: MemoryHub, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("[[source]]\nname = 'books'\n")
    monkeypatch.setenv("SOURCES_FILE", str(file))
    claim = await claim_run(await start(hub, store, "a"), hub)
    assert claim["sources"] == []
    assert "books" in claim["reason"]


async def test_a_run_that_finished_is_recorded_with_its_outcome(hub: MemoryHub, store: Store) -> None:
    payload = {**await start(hub, store, "a"), "sources": ["books"]}
    await claim_run(payload, hub)
    summary = {"source": "books", "outcome": "published", "reason": "", "pages": 3, "failed": 0, "rows": 3}
    await finish_run({"run_id": "a", "epoch": 1, "reason": "", "sources": [summary]})
    run = await store.runs.find("a")
    assert run is not None
    assert (run.outcome, run.results) == ("completed", (summary,))


async def test_a_source_that_broke_is_recorded_with_what_its_batches_had_counted(hub: MemoryHub, store: Store) -> None:
    await claim_run(await start(hub, store, "a"), hub)
    snapshot = snapshot_id("books", 1)
    await store.batches.record_plan(snapshot, Plan("p", 2, 150, 0, 0), [["http://site/a"], ["http://site/b"]])
    await store.batches.record_result(snapshot, BatchResult(0, "x", 90, 10, 90, reasons={"timeout": 10}))
    broken = {"source": "books", "outcome": "failed", "reason": "infrastructure: away"}
    ended = await finish_run({"run_id": "a", "epoch": 1, "reason": "", "sources": [broken]})
    counts = {
        "batches": 2,
        "batches_done": 1,
        "pages": 150,
        "loaded": 90,
        "unchanged": 0,
        "failed": 10,
        "failed_by_reason": {"timeout": 10},
        "disallowed": 0,
        "left_out": 0,
        "rows": 90,
    }
    assert ended["sources"][0] == {**broken, **counts}


async def test_what_a_broken_run_had_published_counts_as_published(hub: MemoryHub, store: Store) -> None:
    await claim_run(await start(hub, store, "a"), hub)
    snapshot = snapshot_id("books", 1)
    await store.batches.record_plan(snapshot, Plan("p", 1, 3, 0, 0), [["http://site/a"]])
    await store.batches.record_result(snapshot, BatchResult(0, "x", 3, 0, 3))
    await store.datasets.publish("books", epoch=1, snapshot=snapshot, run_id="a", at=NOW, counts=(3, 0, 3))
    ended = await finish_run({"run_id": "a", "epoch": 1, "reason": "a child was terminated", "sources": []})
    assert ended["outcome"] == "completed_with_failures"
    assert [one["outcome"] for one in ended["sources"]] == ["published", "failed"]


async def test_the_reasons_of_hundreds_of_sources_fit_into_the_record(store: Store) -> None:
    names = [f"source-{number}" for number in range(300)]
    run = await store.runs.create(RunRecord("wide", 1, "c", NOW, "http", tuple(names)))
    results = [{"source": name, "outcome": "failed", "reason": f"{name} is away. " * 25} for name in names]
    await store.runs.end(finished(run, at=NOW, outcome="failed", reason="", results=results))
    found = await store.runs.find("wide")
    assert found is not None
    assert list(found.results) == results


async def test_a_run_that_begins_keeps_older_ones_from_publishing(hub: MemoryHub, store: Store) -> None:
    await claim_run(await start(hub, store, "old"), hub)
    hub.finish("old")
    await claim_run(await start(hub, store, "new"), hub)
    with pytest.raises(Superseded):
        await store.datasets.publish("books", epoch=1, snapshot="s", run_id="old", at=NOW, counts=(1, 0, 1))


async def test_a_run_started_past_us_takes_over_the_ticket_that_a_refused_start_left_for_its_id(
    hub: MemoryHub, store: Store
) -> None:
    await hub.start_new("daily_scrape", "both")
    with pytest.raises(RunAlreadyLive):
        await start(hub, store, "both")
    claim = await claim_run(claim_of("both", None), hub)
    assert (claim["code"], claim["epoch"]) == ("claimed", 1)
    ticket = await store.tickets.read("daily_scrape")
    assert ticket is not None
    assert ticket.state is TicketState.STARTED


async def test_a_starter_that_takes_the_ticket_for_our_id_while_we_claim_has_taken_it_for_us(
    hub: MemoryHub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.start_new("daily_scrape", "both")
    read = TableTickets.read
    reads: list[str] = []

    async def read_before_the_starter(tickets: TableTickets, key: str) -> Ticket | None:
        reads.append(key)
        if len(reads) != 2:
            return await read(tickets, key)
        found = await read(tickets, key)  # what `_claim` sees; then the starter comes
        with pytest.raises(RunAlreadyLive):
            await start(hub, store, "both")
        return found

    monkeypatch.setattr(TableTickets, "read", read_before_the_starter)
    claim = await claim_run(claim_of("both", None), hub)
    assert (claim["code"], claim["epoch"]) == ("claimed", 1)


async def test_an_old_epoch_under_another_id_does_not_take_over_the_record_of_the_run_that_had_it(
    hub: MemoryHub, store: Store
) -> None:
    for run_id in ("first", "second"):
        await claim_run(await start(hub, store, run_id), hub)
        hub.finish(run_id)
    claim = await claim_run(claim_of("restart", 1), hub)
    assert (claim["code"], claim["epoch"]) == ("claimed", 3)
    assert (await store.runs.of_epoch(1)).run_id == "first"


async def test_a_restart_of_an_older_run_that_meets_a_live_one_stands_in_the_ledger(
    hub: MemoryHub, store: Store
) -> None:
    for run_id in ("first", "second"):
        await claim_run(await start(hub, store, run_id), hub)
        if run_id == "first":
            hub.finish(run_id)
    assert (await claim_run(claim_of("restart", 1), hub))["code"] == "held"
    (skip,), _ = await store.skips.newest(limit=5)
    assert (skip.run_id, skip.reason, skip.holder) == ("restart", "held", "second")


async def test_a_start_that_was_overtaken_before_its_first_step_gets_no_later_epoch(
    hub: MemoryHub, store: Store
) -> None:
    late = await start(hub, store, "late")
    hub.finish("late")
    await claim_run(await start(hub, store, "other"), hub)
    hub.finish("other")
    assert (await claim_run(late, hub))["code"] == "superseded"
    assert (await claim_run({**late, "claim": "2026-11-21T07:00:00+00:00"}, hub))["code"] == "claimed"


@pytest.mark.parametrize(("ended", "outcome"), [(Status.Terminated, "terminated"), (Status.Failed, "failed")])
async def test_a_run_that_begins_writes_down_how_the_one_before_it_was_ended(
    hub: MemoryHub, store: Store, ended: Status, outcome: str
) -> None:
    await claim_run(await start(hub, store, "first"), hub)
    hub.finish("first", ended)
    await claim_run(await start(hub, store, "second"), hub)
    hub.instances.clear()
    first = await store.runs.of_epoch(1)
    assert (first.outcome, first.reason) == (outcome, f"the orchestration was {outcome}: None")


@pytest.mark.parametrize("epoch", [0, -5, 0.5, "1", True, [1]])
async def test_an_epoch_that_is_none_is_refused(hub: MemoryHub, store: Store, epoch: Any) -> None:
    assert (await claim_run(claim_of("a", epoch), hub))["code"] == "refused"


async def test_a_made_up_epoch_is_stopped_and_leaves_no_record_for_a_later_run_to_stumble_over(
    hub: MemoryHub, store: Store
) -> None:
    await claim_run(await start(hub, store, "a"), hub)
    hub.finish("a")
    assert (await claim_run(claim_of("made-up", 2), hub))["code"] == "superseded"
    claim = await claim_run(await start(hub, store, "b"), hub)
    assert (claim["code"], claim["epoch"]) == ("claimed", 2)


@pytest.mark.parametrize("run_id", [".", "a b", "a+b", "x" * 101])
async def test_a_run_with_an_id_that_cannot_be_asked_for_is_refused_and_takes_no_ticket(
    hub: MemoryHub, store: Store, run_id: str
) -> None:
    assert (await claim_run(claim_of(run_id, None), hub))["code"] == "refused"
    assert await store.tickets.read("daily_scrape") is None


async def test_sources_that_are_no_list_are_refused_in_words(hub: MemoryHub, store: Store) -> None:
    claim = await claim_run({**await start(hub, store, "a"), "sources": "books"}, hub)
    assert (claim["sources"], claim["reason"]) == ([], "'sources' must be a list of source names")


@pytest.mark.parametrize(
    ("outcomes", "failed", "expected"),
    [
        (["published", "published"], 0, "completed"),
        (["published", "published"], 2, "completed_with_failures"),
        (["published", "refused"], 0, "completed_with_failures"),
        (["refused", "failed"], 0, "failed"),
        (["published", "superseded"], 0, "superseded"),
        ([], 0, "failed"),
    ],
)
def test_the_outcome_of_a_run_follows_from_its_sources(outcomes: list[str], failed: int, expected: str) -> None:
    assert outcome_of([{"outcome": outcome, "failed": failed} for outcome in outcomes]) == expected
