"""Many trivial activities: flat in one orchestration, and spread over sub-orchestrations."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.helpers.durable_hub import running_hub
from tests.helpers.engine_loads import ACTIVITIES, ORCHESTRATORS, Cost, Meter, episodes, run_to_end

ROUNDS = 3


def fan_out_report(folder: Path) -> None:
    """Print both loads, round by round."""
    for number in range(ROUNDS):
        flat = folder / f"flat-{number}.sqlite"
        show("1,000 flat", 1000, asyncio.run(cost_of(flat, "fan_out", 1000, 500_500)), episodes(flat))
        nested = folder / f"nested-{number}.sqlite"
        total = asyncio.run(cost_of(nested, "fan_out_in_children", [50, 100], 50 * 5050))
        show("5,000 in 50 children", 5000, total, episodes(nested))


async def cost_of(path: Path, name: str, payload: object, expected: int) -> Cost:
    """What one orchestration costs in an empty hub."""
    meter = Meter()
    async with running_hub(path, ORCHESTRATORS, ACTIVITIES, make_functions=meter) as hub:

        async def load() -> None:
            ended = await run_to_end(hub, name, payload)
            assert ended.output_text == str(expected), ended

        return await meter.cost_of(load)


def show(what: str, activities: int, cost: Cost, episode_count: int) -> None:
    """One line of the report."""
    per_s = activities / cost.seconds
    print(f"  {what}: {cost.seconds:.2f} s ({per_s:,.0f} activities/s), {cost.cpu_s:.2f} s of processor time,", end=" ")
    print(f"{episode_count} episodes, replays {cost.replay_share:.0%} of the processor time", flush=True)
