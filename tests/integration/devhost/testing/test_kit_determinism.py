"""The same test gives the same histories, to the last byte."""

from __future__ import annotations

import asyncio
import json
import random

from devhost.testing import Host
from tests.helpers.kit_app import make_app


async def everything(host: Host) -> str:
    """Fan-out, retries, timers, children, events, continue-as-new, clients; all histories and calls as one text."""
    faults = [OSError("away"), None, OSError("away again"), None, None]
    # Real time must not matter, so this part of the scenario is different at every run.
    jitter = random.Random()

    async def reserve(number: int) -> int:
        await asyncio.sleep(jitter.random() / 200)
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        return number

    host.replace_activity("reserve", reserve)
    runs = [await host.start("order", number) for number in (1, 2)]
    await host.request("POST", "/api/greetings/Tokyo")
    await host.start("approval")
    await host.advance(hours=3)
    for run in runs:
        await host.raise_event(run, "paid", {"for": run})
    for run in runs:
        await host.wait_for(run)
    await host.advance(days=1)
    histories = {one.instance_id: await host.history(one.instance_id) for one in await host.instances()}
    assert len(histories) == 8
    return json.dumps([histories, [str(call) for call in host.calls]], indent=1)


async def run_everything(seed: int = 0) -> str:
    async with Host(make_app([]), seed=seed) as host:
        return await everything(host)


async def test_twenty_runs_of_a_scenario_give_the_same_histories() -> None:
    first = await run_everything()
    others = [await run_everything() for _ in range(19)]
    assert [other == first for other in others] == [True] * 19


async def test_another_seed_gives_other_ids() -> None:
    assert await run_everything(1) != await run_everything(2)
