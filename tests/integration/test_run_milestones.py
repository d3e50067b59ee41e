"""What a run shows of itself while it goes on: milestones in the log, and custom statuses."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from devhost.testing import Host, survive_every_crash
from orchestrations import scrape_source as scrape_source_module
from tests.helpers.scrape_host import REPOSITORY, activities_of, run_output, scrape_host

RUN_STAGES = ["claiming", "scraping", "finishing", "ended"]
SOURCE_STAGES = ["planning", "scraping", "publishing", "ended"]


class Lines(logging.Handler):
    """Collects the milestones that are logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.levels: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.levels[record.getMessage()] = record.levelno


@contextmanager
def milestones() -> Iterator[Lines]:
    """The handler that hears what orchestrators log inside."""
    logger, heard = logging.getLogger("orchestrations.milestones"), Lines()
    before = logger.level
    logger.addHandler(heard)
    logger.setLevel(logging.INFO)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.setLevel(before)


async def test_every_milestone_is_logged_once_however_often_orchestrators_are_replayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replays: Counter[str] = Counter()
    show = scrape_source_module._show

    def counting(context: Any, source: dict[str, Any], stage: str, **facts: Any) -> None:
        replays[f"{source['source']} {stage}"] += 1
        show(context, source, stage, **facts)

    monkeypatch.setattr(scrape_source_module, "_show", counting)
    with milestones() as heard:
        async with scrape_host(["books", "news"], batches=12, window=6) as host:
            await run_output(host)
    assert replays["books planning"] >= 4
    assert Counter(heard.lines) == {
        "run claimed: epoch 7, sources 2 [run_id=run-1]": 1,
        "source ended: published [run_id=run-1 source=books]": 1,
        "source ended: published [run_id=run-1 source=news]": 1,
        "run ended: told [run_id=run-1]": 1,
    }


async def test_a_source_that_is_refused_ends_with_a_warning_that_says_why() -> None:
    refused = {"source": "books", "outcome": "refused", "reason": "min_rows: 3 rows\nare too few", "rows": 3}
    with milestones() as heard:
        async with scrape_host(["books"], publish_source=lambda _: refused) as host:
            await run_output(host)
    line = "source ended: refused: min_rows: 3 rows\\nare too few [run_id=run-1 source=books]"
    assert heard.levels[line] == logging.WARNING


async def test_a_run_that_is_not_the_holder_says_only_that() -> None:
    held = {"code": "held", "reason": "The singleton is held."}
    with milestones() as heard:
        async with scrape_host([], claim_run=lambda _: held) as host:
            await run_output(host)
    assert heard.lines == ["run ended: held: The singleton is held. [run_id=run-1]"]


async def test_a_crash_loses_no_milestone_and_repeats_at_most_the_one_that_was_not_stored() -> None:
    """A line goes out before its episode is stored; the next host, who finds nothing stored, says it again."""

    async def scenario(host: Host, heard: Lines) -> list[str]:
        await run_output(host)
        assert len(heard.lines) - len(set(heard.lines)) <= 1
        return sorted(set(heard.lines))

    with milestones() as everything:

        def world() -> Lines:
            everything.lines = []
            return everything

        report = await survive_every_crash(
            REPOSITORY, scenario, world=world, activities=activities_of(["books"], batches=2)
        )
    assert report.outcome == [
        "run claimed: epoch 7, sources 1 [run_id=run-1]",
        "run ended: told [run_id=run-1]",
        "source ended: published [run_id=run-1 source=books]",
    ]
    assert report.crashes >= 30


async def statuses_of(host: Host, *, every_s: float) -> dict[str, list[Any]]:
    """Every custom status that instances show until the run has ended, looked at so often that none is missed."""
    seen: dict[str, list[Any]] = {}
    while True:
        instances = await host.instances()
        for one in instances:
            if one.custom_status is not None:
                shown = seen.setdefault(one.instance_id, [])
                if shown[-1:] != [one.custom_status]:
                    shown.append(one.custom_status)
        if all(one.is_ended for one in instances):
            return seen
        await host.advance(seconds=every_s)


def slow_activities(host: Host, sources: list[str], *, batches: int) -> None:
    """Every step takes a minute, so that what is shown meanwhile can be seen."""
    for name, answer in activities_of(sources, batches=batches).items():

        async def slow(payload: dict[str, Any], answer: Any = answer) -> Any:
            await host.clock.sleep(60)
            return answer(payload)

        host.replace_activity(name, slow)


async def test_stages_of_a_run_and_of_its_sources_only_go_forward() -> None:
    async with scrape_host(["books", "news"]) as host:
        slow_activities(host, ["books", "news"], batches=5)
        await host.start("daily_scrape", instance_id="run-1")
        seen = await statuses_of(host, every_s=20)
    stages = {instance_id: [status["stage"] for status in shown] for instance_id, shown in seen.items()}
    assert stages == {"run-1": RUN_STAGES, "run-1:7:books": SOURCE_STAGES, "run-1:7:news": SOURCE_STAGES}
    assert seen["run-1"][1] == {"stage": "scraping", "sources": 2}
    assert seen["run-1"][3] == {"stage": "ended", "outcome": "told", "sources": 2, "published": 2}
    assert seen["run-1:7:books"][1] == {"source": "books", "stage": "scraping", "batches": 5}
    assert seen["run-1:7:books"][3] == {"source": "books", "stage": "ended", "outcome": "published", "rows": 6}


async def test_a_source_that_breaks_shows_its_end_and_no_stage_twice() -> None:
    def broken(_: dict[str, Any]) -> dict[str, Any]:
        raise OSError("the disk is gone")

    async with scrape_host(["books"], scrape_batch=broken) as host:
        await host.start("daily_scrape", instance_id="run-1")
        seen = await statuses_of(host, every_s=10)
    assert seen["run-1:7:books"][-1]["outcome"] == "failed"
    assert [status["stage"] for status in seen["run-1:7:books"]] == ["scraping", "ended"]


async def test_a_run_of_two_hundred_sources_shows_less_than_a_kilobyte() -> None:
    sources = [f"{number:03}-{'x' * 50}" for number in range(200)]
    async with scrape_host(sources, batches=1) as host:
        await host.start("daily_scrape", instance_id="run-1")
        seen = await statuses_of(host, every_s=10)
    sizes = [len(json.dumps(status).encode()) for shown in seen.values() for status in shown]
    assert len(seen) == 201
    assert max(sizes) < 1024
