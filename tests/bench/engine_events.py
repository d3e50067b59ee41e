"""Workflows that wait for an event each, which then come all at once."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

from tests.helpers.durable_hub import running_hub
from tests.helpers.engine_loads import ACTIVITIES, ORCHESTRATORS, raise_all, waiting_workflows

WORKFLOWS = 200
ROUNDS = 5


def waiting_workflows_report(folder: Path) -> None:
    """Print the median of the seconds from the first event to the last end."""
    seconds = [asyncio.run(seconds_until_all_end(folder / f"{number}.sqlite")) for number in range(ROUNDS)]
    print(
        f"  {WORKFLOWS} waiting workflows, all raised at once: all completed after {statistics.median(seconds):.2f} s"
    )


async def seconds_until_all_end(path: Path) -> float:
    """One round on a new hub."""
    async with running_hub(path, ORCHESTRATORS, ACTIVITIES) as hub:
        ids = await waiting_workflows(hub, WORKFLOWS)
        began = time.perf_counter()
        ended = await raise_all(hub, ids)
        seconds = time.perf_counter() - began
    assert ended == [("Completed", one) for one in ids], ended
    return seconds
