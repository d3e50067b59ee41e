"""What an activity costs in a hub that holds many finished instances, against an empty hub."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from devhost.durable.hub import TaskHub
from tests.helpers.durable_hub import running_hub
from tests.helpers.engine_loads import ACTIVITIES, ORCHESTRATORS, Meter, fill, run_to_end

FINISHED = (0, 1_000, 10_000)
ROUNDS = 25
INSTANCES_A_ROUND = 10
ACTIVITIES_EACH = 10


def hub_size_report(folder: Path) -> None:
    """Print the processor time of an activity for each size, and the medians of the ratios to the empty hub."""
    rounds = asyncio.run(costs_ms(folder))
    empty = [costs[0] for costs in rounds]
    for column, finished in enumerate(FINISHED):
        costs = [one[column] for one in rounds]
        ratio = statistics.median(cost / base for cost, base in zip(costs, empty, strict=True))
        print(f"  {finished:6,} finished instances: {statistics.median(costs):.2f} ms an activity, ratio {ratio:.2f}")


async def costs_ms(folder: Path, finished: Sequence[int] = FINISHED, rounds: int = ROUNDS) -> list[list[float]]:
    """Milliseconds of processor time for an activity: one row for each round, one column for each hub."""
    async with AsyncExitStack() as stack:
        hubs: list[tuple[TaskHub, Meter]] = []
        for count in finished:
            meter = Meter()
            path = folder / f"hub-{count}.sqlite"
            hub = await stack.enter_async_context(running_hub(path, ORCHESTRATORS, ACTIVITIES, make_functions=meter))
            await fill(hub, count)
            hubs.append((hub, meter))
        return [await round_ms(hubs, number) for number in range(rounds)]


async def round_ms(hubs: Sequence[tuple[TaskHub, Meter]], number: int) -> list[float]:
    """One cost for each hub. Each round begins with another hub, as the one before it warms the processor up."""
    costs = [0.0] * len(hubs)
    for step in range(len(hubs)):
        column = (number + step) % len(hubs)
        costs[column] = await cost_ms(*hubs[column])
    return costs


async def cost_ms(hub: TaskHub, meter: Meter) -> float:
    """One measurement; the instances come one after the other, so that nothing depends on how they meet."""
    total_s = 0.0
    for _ in range(INSTANCES_A_ROUND):
        total_s += (await meter.cost_of(partial(run_to_end, hub, "fan_out", ACTIVITIES_EACH))).cpu_s
    return 1000 * total_s / INSTANCES_A_ROUND / ACTIVITIES_EACH
