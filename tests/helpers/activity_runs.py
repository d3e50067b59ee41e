"""Runs of the app's activities, step by step and with breaks wherever a test wants them, on real tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import azure.functions as func

from activities.batches import scrape_batch
from activities.claim import claim_run
from activities.datasets import publish_source
from activities.planning import plan_source
from activities.runs import finish_run
from orchestrations import names
from scraper.settings import Settings
from starts.singleton import Start, start_singleton
from storage.store import Store
from tests.helpers.ticket_stores import MemoryHub, Status
from triggers.runs.retry import retry_run

Answer = tuple[int, dict[str, Any]]


class BreakableSite(Protocol):
    """A site whose pages a test can break, by their paths."""

    broken: set[str]


class ActivityRuns:
    """What the orchestrations do, without them: a test decides how far a run comes."""

    def __init__(self, store: Store, hub: MemoryHub, site: BreakableSite) -> None:
        self.store, self.hub, self.site = store, hub, site

    async def start(self, run_id: str, **payload: Any) -> str:
        """Start a run as a trigger does; the run ID."""
        start = Start(names.DAILY_SCRAPE, run_id, payload, started_by="http")
        await start_singleton(self.hub, self.store.tickets, start, grace=Settings().start_grace)
        return run_id

    async def ask_for_retry(self, run_id: str, body: Any = None) -> Answer:
        """Status and document of `POST runs/{runId}/retry`."""
        url = f"http://localhost/api/runs/{run_id}/retry"
        payload = b"" if body is None else json.dumps(body).encode()
        request = func.HttpRequest("POST", url, route_params={"runId": run_id}, body=payload)
        answer = await retry_run(request, self.hub)
        return answer.status_code, json.loads(answer.get_body())

    async def start_retry(self, run_id: str, body: Any = None) -> str:
        """The ID of an accepted retry of this run."""
        status, document = await self.ask_for_retry(run_id, body)
        assert status == 202, document
        return str(document["runId"])

    async def claim(self, run_id: str) -> dict[str, Any]:
        """The first step of a started run."""
        payload = self.hub.instances[run_id].payload
        retry = {"retry_of": payload["retry_of"]} if "retry_of" in payload else {}
        told = {name: payload.get(name) for name in ("epoch", "sources", "triggered_by")}
        return await claim_run({"run_id": run_id, "claim": "t1", **told, **retry}, self.hub)

    def step(self, run_id: str, source: str) -> dict[str, Any]:
        """The input of a source's steps."""
        payload = self.hub.instances[run_id].payload
        base = {"base_epoch": payload["retry_of"]["epoch"]} if "retry_of" in payload else {}
        return {"run_id": run_id, "epoch": payload["epoch"], "source": source, **base}

    async def plan(self, run_id: str, source: str, level: int = 0) -> dict[str, Any]:
        """Plan a source, or one level of its links."""
        return await plan_source({**self.step(run_id, source), **({"level": level} if level else {})}, self.hub)

    async def scrape(self, run_id: str, source: str, *, lists: Iterable[int] | None = None) -> None:
        """Plan a source, all levels of its links, and scrape its batches; or only some of the first level's."""
        plan = await self.scrape_level(run_id, source, lists=lists)
        level = 0
        while plan.get("more") and lists is None:
            level += 1
            plan = await self.scrape_level(run_id, source, level)

    async def scrape_level(
        self, run_id: str, source: str, level: int = 0, *, lists: Iterable[int] | None = None
    ) -> dict[str, Any]:
        """Plan one level of links and scrape its batches, or only some of them; the plan."""
        plan = await self.plan(run_id, source, level)
        if plan["code"] != "planned":
            return plan
        for number in range(plan["batches"]) if lists is None else lists:
            work = {"batch": number, "plan_attempt": plan["attempt"], "share": plan["share"]}
            await scrape_batch({**self.step(run_id, source), **work}, self.hub)
        return plan

    async def publish(self, run_id: str, source: str) -> dict[str, Any]:
        """Put a source's snapshot to the gate; its summary."""
        return await publish_source(self.step(run_id, source), self.hub)

    async def finish(self, run_id: str, *, summaries: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
        """The last step, with the summaries of the sources that came to one."""
        epoch = self.hub.instances[run_id].payload["epoch"]
        ended = await finish_run({"run_id": run_id, "epoch": epoch, "reason": "", "sources": list(summaries)})
        self.hub.finish(run_id)
        return ended

    async def complete(self, run_id: str) -> dict[str, Any]:
        """All steps of a started run; its output."""
        claim = await self.claim(run_id)
        assert claim["code"] == "claimed", claim
        summaries = []
        for source in claim["sources"]:
            await self.scrape(run_id, source)
            plan = await self.plan(run_id, source)
            failed = {"source": source, "outcome": "failed", "reason": plan.get("reason", "")}
            summaries.append(await self.publish(run_id, source) if plan["code"] == "planned" else failed)
        return await self.finish(run_id, summaries=summaries)

    async def run_with_failures(self, *broken: str, run_id: str = "base", sources: Sequence[str] = ("books",)) -> str:
        """The ID of a whole run in which these pages of the site failed; they are mended after it."""
        self.site.broken = set(broken)
        await self.complete(await self.start(run_id, sources=list(sources)))
        self.site.broken = set()
        return run_id

    def terminate(self, run_id: str) -> None:
        """End a run's orchestration where it is."""
        self.hub.finish(run_id, Status.Terminated)
