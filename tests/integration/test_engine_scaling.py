"""How the engine's work grows, counted rather than timed; `make bench` prints the seconds."""

from __future__ import annotations

import statistics
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.helpers.durable_hub import running_hub
from tests.helpers.engine_loads import (
    ACTIVITIES,
    ORCHESTRATORS,
    counted_sql_steps,
    episodes,
    fill,
    raise_all,
    run_to_end,
    waiting_workflows,
)

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

FINISHED = 1_000


async def test_a_flat_fan_out_replays_a_few_times_and_not_once_for_each_result(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with running_hub(path, ORCHESTRATORS, ACTIVITIES) as hub:
        ended = await run_to_end(hub, "fan_out", 600)
    assert ended.output_text == "180300"
    assert episodes(path) <= 60


async def test_sub_orchestrations_replay_a_few_times_each(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with running_hub(path, ORCHESTRATORS, ACTIVITIES) as hub:
        ended = await run_to_end(hub, "fan_out_in_children", [10, 50])
    assert ended.output_text == "12750"
    assert episodes(path) <= 11 * 10


async def test_finished_instances_in_the_hub_do_not_make_an_activity_dearer(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        steps = stack.enter_context(counted_sql_steps())
        empty = await stack.enter_async_context(running_hub(tmp_path / "empty.sqlite", ORCHESTRATORS, ACTIVITIES))
        full = await stack.enter_async_context(running_hub(tmp_path / "full.sqlite", ORCHESTRATORS, ACTIVITIES))
        await fill(full, FINISHED)
        ratios = []
        for _ in range(10):
            before = steps()
            await run_to_end(empty, "fan_out", 10)
            between = steps()
            await run_to_end(full, "fan_out", 10)
            ratios.append((steps() - between) / (between - before))
    assert statistics.median(ratios) <= 1.5


async def test_two_hundred_waiting_workflows_all_get_their_event(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with running_hub(path, ORCHESTRATORS, ACTIVITIES) as hub:
        ids = await waiting_workflows(hub, 200)
        ended = await raise_all(hub, ids)
    assert ended == [("Completed", f"waiting-{number}") for number in range(200)]
    assert episodes(path) <= 200 * 3
