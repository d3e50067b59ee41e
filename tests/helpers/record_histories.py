"""Histories of this app's orchestrations as test data: `python -m tests.helpers.record_histories FOLDER`.

A file stays as long as an instance with such a history may be running somewhere; new code adds files.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from devhost.testing import Host, record
from tests.helpers.scrape_host import REPOSITORY, SHARE, WITHOUT_TIMERS, scrape_host


def fails_twice_then_works() -> Any:
    faults = [OSError("storage is away"), OSError("storage is still away")]

    def scrape_batch(_: dict[str, Any]) -> dict[str, Any]:
        if faults:
            raise faults.pop(0)
        return {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2}

    return scrape_batch


async def finished_run() -> AsyncIterator[tuple[str, str]]:
    """A run of two sources, one of which has no pages; its parts."""
    plan = {"code": "planned", "attempt": "p1", "batches": 3, "window": 2, "share": SHARE}
    plans = {"books": plan, "news": {"code": "failed", "reason": "no page found"}}
    answers = {"plan_source": lambda job: plans[job["source"]], "scrape_batch": fails_twice_then_works()}
    async with scrape_host(plans, **answers) as host:
        await host.start("daily_scrape", {"sources": ["books", "news"], "epoch": 7}, instance_id="run-1")
        await host.wait_for("run-1")
        for name, instance_id in (
            ("daily_scrape-finished", "run-1"),
            ("scrape_source-published", "run-1:7:books"),
            ("scrape_source-without-pages", "run-1:7:news"),
            ("scrape_lane-with-retries", "run-1:7:books:0"),
        ):
            yield name, record(await host.history(instance_id))


async def running_run() -> AsyncIterator[tuple[str, str]]:
    """A run in the middle of its batches, with a lane in its second execution."""

    async def slow(_: dict[str, Any]) -> dict[str, Any]:
        await host.clock.sleep(60)
        return {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2}

    async with scrape_host(["books"], batches=120, window=1, scrape_batch=slow) as host:
        await host.start("daily_scrape", instance_id="run-2")
        await host.advance(minutes=105)
        for name, instance_id in (
            ("daily_scrape-running", "run-2"),
            ("scrape_source-running", "run-2:7:books"),
            ("scrape_lane-continued", "run-2:7:books:0"),
        ):
            yield name, record(await host.history(instance_id))


async def lane_of_an_older_version() -> AsyncIterator[tuple[str, str]]:
    """A lane that was begun before its input said how many batches an execution has: by then they were a hundred."""

    async def slow(_: dict[str, Any]) -> dict[str, Any]:
        await host.clock.sleep(60)
        return {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2}

    lane = {"run_id": "run-11", "epoch": 7, "source": "books", "plan_attempt": "p1", "share": SHARE}
    async with scrape_host(["books"], scrape_batch=slow) as host:
        await host.start("scrape_lane", {**lane, "next_batch": 0, "lanes": 1, "batches": 120}, instance_id="lane-11")
        await host.advance(minutes=30)
        yield "scrape_lane-of-an-older-version", record(await host.history("lane-11"))


async def chained_run() -> AsyncIterator[tuple[str, str]]:
    """A run of three sources, two of which share a host; the first of them is terminated by hand."""
    claim = {"code": "claimed", "reason": "", "epoch": 7, "sources": ["books", "news", "maps"]}
    claim["chains"] = [["books", "maps"], ["news"]]

    async def slow(_: dict[str, Any]) -> dict[str, Any]:
        await host.clock.sleep(60)
        return {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2}

    async with scrape_host(claim["sources"], claim_run=lambda _: claim, scrape_batch=slow) as host:
        await host.start("daily_scrape", instance_id="run-8")
        await host.terminate("run-8:7:books", "by hand")
        await host.wait_for("run-8")
        yield "daily_scrape-chained", record(await host.history("run-8"))
        yield "scrape_chain-broken", record(await host.history("run-8:7:~0"))


async def paused_run() -> AsyncIterator[tuple[str, str]]:
    """A run whose site wants to be left alone, before it is planned and in the middle of a batch."""
    plan = {"code": "planned", "attempt": "p1", "batches": 2, "window": 1, "share": SHARE}
    plans = [{"code": "paused", "seconds": 3600, "reason": "the site asked for a pause of 3600 s"}, plan]
    scraped = {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2}
    answers = [{"code": "paused", "pause": 1, "seconds": 900}, scraped, scraped]
    steps = {"plan_source": lambda _: plans.pop(0), "scrape_batch": lambda _: answers.pop(0)}
    async with scrape_host(["books"], **steps) as host:
        await host.start("daily_scrape", instance_id="run-9")
        await host.wait_for("run-9")
        yield "scrape_source-planned-later", record(await host.history("run-9:7:books"))
        yield "scrape_lane-after-a-pause", record(await host.history("run-9:7:books:0"))


async def followed_run() -> AsyncIterator[tuple[str, str]]:
    """A source that follows links, at its second level and in the execution that publishes."""

    def plan_source(work: dict[str, Any]) -> dict[str, Any]:
        level = work.get("level", 0)
        plan = {
            "code": "planned",
            "attempt": f"p{level}",
            "window": 2,
            "share": SHARE,
            "batches": 2 if level < 20 else 0,
        }
        return {**plan, "more": True} if level < 20 else plan

    async def scrape_batch(work: dict[str, Any]) -> dict[str, Any]:
        if work["plan_attempt"] == "p1":
            await host.clock.sleep(60)
        return {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2}

    async with scrape_host(["books"], plan_source=plan_source, scrape_batch=scrape_batch) as host:
        await host.start("daily_scrape", instance_id="run-10")
        yield "scrape_source-at-a-level", record(await host.history("run-10:7:books"))
        await host.wait_for("run-10")
        yield "scrape_source-after-many-levels", record(await host.history("run-10:7:books"))


async def overtaken_run() -> AsyncIterator[tuple[str, str]]:
    """A run that is not the holder, and a source whose run is overtaken."""
    superseded = {"code": "superseded", "reason": "a newer run has begun"}
    async with scrape_host([], claim_run=lambda _: superseded) as host:
        await host.start("daily_scrape", instance_id="run-3")
        yield "daily_scrape-superseded", record(await host.history("run-3"))
    async with scrape_host(["books"], scrape_batch=lambda _: superseded) as host:
        await host.start("daily_scrape", instance_id="run-4")
        await host.wait_for("run-4")
        yield "scrape_source-superseded", record(await host.history("run-4:7:books"))


async def retried_run() -> AsyncIterator[tuple[str, str]]:
    """A run that retries another: one source has pages left, the other has only to be published."""
    plan = {"code": "planned", "attempt": "p1", "window": 2, "share": SHARE}
    plans = {"books": {**plan, "batches": 1}, "news": {**plan, "batches": 0}}
    async with scrape_host(plans, plan_source=lambda job: plans[job["source"]]) as host:
        payload = {"sources": ["books", "news"], "epoch": 7, "retry_of": {"run_id": "run-0", "epoch": 6}}
        await host.start("daily_scrape", payload, instance_id="run-5")
        await host.wait_for("run-5")
        for name, instance_id in (
            ("daily_scrape-retried", "run-5"),
            ("scrape_source-retried", "run-5:7:books"),
            ("scrape_source-published-only", "run-5:7:news"),
        ):
            yield name, record(await host.history(instance_id))


async def stopped_run() -> AsyncIterator[tuple[str, str]]:
    """A run that was stopped before its first step; a source and a lane of one that drains."""
    stopped = {"code": "stopped", "reason": "stopped at once (asked for by http)"}
    async with scrape_host([], claim_run=lambda _: stopped) as host:
        await host.start("daily_scrape", instance_id="run-6")
        await host.wait_for("run-6")
        yield "daily_scrape-stopped", record(await host.history("run-6"))
    drained = {"code": "stopped", "reason": "drained: no more batches were begun (asked for by http)"}
    async with scrape_host(["books"], scrape_batch=lambda _: drained) as host:
        await host.start("daily_scrape", instance_id="run-7")
        await host.wait_for("run-7")
        yield "scrape_source-stopped", record(await host.history("run-7:7:books"))
        yield "scrape_lane-stopped", record(await host.history("run-7:7:books:0"))


async def workflows() -> AsyncIterator[tuple[str, str]]:
    """Workflows that wait, that have their events on both sides of a step of the deadline, and that are too late."""
    every = {"waitFor": ["paid", "packed"], "mode": "all", "timeoutSeconds": 12 * 24 * 3600}
    requests = {"any": {}, "running": every, "all": every, "too-late": every}
    async with Host(REPOSITORY, settings=WITHOUT_TIMERS) as host:
        for key, request in requests.items():
            await host.start("workflow", {"input": key, **request}, instance_id=f"workflow:{key}")
        await host.raise_event("workflow:any", "Workflow", {"by": "phone"})
        await host.raise_event("workflow:all", "packed")
        await host.raise_event("workflow:all", "packed", "again")
        await host.advance(days=6)
        await host.raise_event("workflow:all", "paid", 100)
        yield "workflow-running", record(await host.history("workflow:running"))
        await host.advance(days=6)
        for key in ("any", "all", "too-late"):
            yield f"workflow-{key}", record(await host.history(f"workflow:{key}"))


async def welcomes() -> AsyncIterator[tuple[str, str]]:
    """A smoke test one of whose attempts fails."""
    faults = [OSError("out for lunch")]

    def say_welcome(payload: dict[str, Any]) -> str:
        if payload["name"] == "Two" and faults:
            raise faults.pop()
        return f"Welcome {payload['name']}"

    async with scrape_host([], say_welcome=say_welcome) as host:
        await host.start("welcome", instance_id="welcome-1")
        await host.wait_for("welcome-1")
        yield "welcome-with-retries", record(await host.history("welcome-1"))


async def watches() -> AsyncIterator[tuple[str, str]]:
    """A watch that waits for its second run, that is at it, and that was stopped meanwhile."""

    async def claim_run(_: dict[str, Any]) -> dict[str, Any]:
        await host.clock.sleep(600)
        return {"code": "superseded", "reason": "a newer run has begun"}

    async with scrape_host([], claim_run=claim_run) as host:
        await host.start("watch_source", {"source": "books", "intervalMinutes": 60}, instance_id="watch:books")
        await host.advance(minutes=30)
        yield "watch_source-waiting", record(await host.history("watch:books"))
        await host.advance(minutes=35)
        yield "watch_source-running", record(await host.history("watch:books"))
        await host.raise_event("watch:books", "stop")
        await host.wait_for("watch:books")
        yield "watch_source-stopped", record(await host.history("watch:books"))


async def starts_to_come() -> AsyncIterator[tuple[str, str]]:
    """A start that is thirty days away, before and after; one that waits for another run; one in an outage."""
    fields = {"orchestrator": "daily_scrape", "payload": {}, "started_by": "startAt", "claim": "c", "waits": False}
    answers = {"code": "started", "reason": "", "holder": ""}

    def start_instance(start: dict[str, Any]) -> dict[str, Any]:
        if start["instance_id"] == "broken" and host.clock.now() < back:
            raise OSError("the hub is away")
        return {**answers, "code": "waiting"} if start["waits"] else answers

    activities = {"start_instance": start_instance}
    async with Host(REPOSITORY, settings=WITHOUT_TIMERS, activities=activities) as host:
        due = (host.clock.now() + timedelta(days=30)).isoformat()
        soon = (host.clock.now() + timedelta(hours=1)).isoformat()
        back = host.clock.now() + timedelta(hours=2)
        for instance_id, more in (
            ("far", {"due": due}),
            ("broken", {"due": soon}),
            ("waiting", {"due": soon, "waits": True}),
        ):
            start = {**fields, "instance_id": instance_id, **more}
            await host.start("start_later", start, instance_id=f"later:{instance_id}")
        await host.advance(minutes=63)
        yield "start_later-broken", record(await host.history("later:broken"))
        await host.advance(days=20)
        yield "start_later-running", record(await host.history("later:far"))
        yield "start_later-waiting", record(await host.history("later:waiting"))
        await host.advance(days=11)
        yield "start_later-started", record(await host.history("later:far"))


async def purges() -> AsyncIterator[tuple[str, str]]:
    """A purge in its second execution, and one that met an outage."""
    work = {"stage": "runs", "before": "2026-10-22T03:30:00+00:00"}
    faults = [OSError("storage is away")]

    async def purge_slice(payload: dict[str, Any]) -> dict[str, Any]:
        number = (payload["work"] or {}).get("number", 0) + 1
        if number == 54 and faults:
            raise faults.pop()
        await host.clock.sleep(60)
        return {"work": {**work, "number": number} if number < 56 else None, "deleted": {"rows": 1000}}

    async with Host(REPOSITORY, settings=WITHOUT_TIMERS, activities={"purge_slice": purge_slice}) as host:
        await host.start("purge_expired", instance_id="purge:expired")
        await host.advance(minutes=52.5)
        yield "purge_expired-running", record(await host.history("purge:expired"))
        await host.wait_for("purge:expired")
        yield "purge_expired-finished", record(await host.history("purge:expired"))


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    runs = (
        finished_run(),
        running_run(),
        lane_of_an_older_version(),
        chained_run(),
        paused_run(),
        followed_run(),
        overtaken_run(),
        retried_run(),
        stopped_run(),
    )
    for recording in (*runs, workflows(), welcomes(), watches(), starts_to_come(), purges()):
        async for name, text in recording:
            (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
