"""Instances that may be running somewhere survive today's orchestrations."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions import DurableOrchestrationContext

from devhost.testing import ReplayBroken, check_replay
from orchestrations import names
from orchestrations.daily_scrape import daily_scrape
from orchestrations.retries import INFRASTRUCTURE
from tests.helpers.record_histories import finished_run
from tests.helpers.scrape_host import REPOSITORY

HISTORIES = sorted((REPOSITORY / "tests/data/histories").glob("*.json"))


def test_every_orchestration_has_recorded_histories() -> None:
    recorded = {path.stem.partition("-")[0] for path in HISTORIES}
    scrapes = {names.DAILY_SCRAPE, names.SCRAPE_CHAIN, names.SCRAPE_SOURCE, names.SCRAPE_LANE}
    others = {names.PURGE_EXPIRED, names.START_LATER, names.WATCH_SOURCE, names.WELCOME, names.WORKFLOW}
    assert recorded == scrapes | others


# The SDK says this of an event that comes twice, which one of the histories has.
@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")
@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_todays_orchestrations_fit_the_recorded_history(path: Path) -> None:
    assert check_replay(path, REPOSITORY).name == path.stem.partition("-")[0]


def test_a_step_before_the_claim_would_break_running_instances() -> None:
    def changed(context: DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        yield context.call_activity_with_retry(names.PLAN_SOURCE, INFRASTRUCTURE, {})
        return (yield from daily_scrape(context))

    with pytest.raises(ReplayBroken, match="starts the activity 'plan_source'"):
        check_replay(REPOSITORY / "tests/data/histories/daily_scrape-running.json", changed)


async def test_the_same_recording_gives_the_same_files() -> None:
    first = [pair async for pair in finished_run()]
    assert [pair async for pair in finished_run()] == first
