"""A hub in a process of its own, to be killed: `python -m tests.helpers.durable_crash_app FILE COUNT`.

Prints `running` when the hub has started and `finished` when every instance has ended. Beside FILE lie the files
`listener-N.sent`, each as long as the number of events that the hub has accepted for that instance.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from devhost.durable.entities.entity import EntityId
from devhost.durable.errors import InstanceFinished
from devhost.durable.hub import TaskHub
from tests.helpers.durable_hub import running_hub, wait_until

Steps = Generator[Any, Any, Any]
RETRY = df.RetryOptions(10, 200)
PIPELINE_OUTPUT = 5 * (0 + 1 + 2 + 3) * 2 + 5 * 7 + 5 * 30
LOOPER_OUTPUT = sum(range(12)) * 2
EVERYONE = EntityId("tally", "all")
EVENT_COUNT = 20
EVENTS_PER_GENERATION = 4
TALLY_ROUNDS = 5
TALLIER_OUTPUT = 2 * TALLY_ROUNDS
LISTENER_OUTPUT = sum(range(EVENT_COUNT))


def pipeline(context: df.DurableOrchestrationContext) -> Steps:
    """Fan-outs, a child, a retried activity and a timer in each of five rounds."""
    total = 0
    for _ in range(5):
        total += sum((yield context.task_all([context.call_activity("double", n) for n in range(4)])))
        retried = context.call_activity_with_retry("flaky", RETRY, 7)
        child = context.call_sub_orchestrator("child", [10, 20])
        total += sum((yield context.task_all([retried, child])))
        timer = context.create_timer(context.current_utc_datetime + timedelta(milliseconds=30))
        late = context.create_timer(context.current_utc_datetime + timedelta(hours=9))
        yield context.task_any([timer, late])
        late.cancel()
    return total


def child(context: df.DurableOrchestrationContext) -> Steps:
    """The sum of its input, one retried activity for each number."""
    numbers = json.loads(context.get_input()) if isinstance(context.get_input(), str) else context.get_input()
    tasks = [context.call_activity_with_retry("flaky", RETRY, number) for number in numbers]
    return sum((yield context.task_all(tasks)))


def looper(context: df.DurableOrchestrationContext) -> Steps:
    """Twelve generations, each adding one doubled number."""
    value = context.get_input()
    count, total = json.loads(value) if isinstance(value, str) else value
    total += yield context.call_activity("double", count)
    if count == 11:
        return total
    context.continue_as_new([count + 1, total])


def listener(context: df.DurableOrchestrationContext) -> Steps:
    """Numbered events, a few for each generation; the sum of them all, if none is missing.

    A kill between acceptance and the sender's note of it makes the sender repeat one event: it counts once.
    """
    value = context.get_input()
    following, total = json.loads(value) if isinstance(value, str) else value
    last = following + EVENTS_PER_GENERATION
    while following < last:
        number = yield context.wait_for_external_event("tick")
        if number == following:
            following, total = following + 1, total + number
    if following == EVENT_COUNT:
        return total
    context.continue_as_new([following, total])


def tallier(context: df.DurableOrchestrationContext) -> Steps:
    """Calls and signals that each add one to a tally for all instances, and to one of its own that it reads at last."""
    everyone, own = df.EntityId("tally", "all"), df.EntityId("tally", context.instance_id)
    for _ in range(TALLY_ROUNDS):
        yield context.task_all([context.call_entity(everyone, "add"), context.call_entity(own, "add")])
        context.signal_entity(everyone, "add")
        context.signal_entity(own, "add")
    return (yield context.call_entity(own, "get"))


def tally(context: df.DurableEntityContext) -> None:
    """`add` one; every operation answers the number so far."""
    total = context.get_state(lambda: 0) + (context.operation_name == "add")
    context.set_state(total)
    context.set_result(total)


def double(value: int) -> int:
    time.sleep(0.005)
    return value * 2


def flaky(value: int) -> int:
    time.sleep(0.005)
    if random.random() < 0.3:
        raise ValueError("not this time")
    return value


async def send_events(hub: TaskHub, instance_id: str, sent: Path) -> None:
    """Send what has not been accepted yet; an accepted event is never sent again, so it must never be lost."""
    with sent.open("ab", buffering=0) as note:
        for number in range(sent.stat().st_size, EVENT_COUNT):
            try:
                await hub.raise_event(instance_id, "tick", str(number))
            except InstanceFinished:  # the last event was accepted, and a kill came before the note of it
                return
            note.write(b".")
            await asyncio.sleep(0.01)


async def main(path: Path, count: int) -> None:
    orchestrators = {"pipeline": pipeline, "child": child, "looper": looper, "listener": listener, "tallier": tallier}
    inputs = {"pipeline": None, "looper": '"[0, 0]"', "listener": '"[0, 0]"', "tallier": None}
    activities = {"double": double, "flaky": flaky}
    async with running_hub(path, orchestrators, activities, entities={"tally": tally}) as hub:
        print("running", flush=True)
        names = [(name, f"{name}-{number}") for number in range(count) for name in inputs]
        for name, instance_id in names:
            if await hub.get_instance(instance_id) is None:
                await hub.create_instance(name, instance_id=instance_id, input_text=inputs[name])
        listeners = [instance_id for name, instance_id in names if name == "listener"]
        await asyncio.gather(*(send_events(hub, one, path.with_name(f"{one}.sent")) for one in listeners))
        for _, instance_id in names:
            await hub.wait_until_finished(instance_id, 60)
        whole = TALLIER_OUTPUT * count
        await wait_until(lambda: hub.read_entity(EVERYONE), lambda found: int(found.state_text) >= whole, 60)
        print("finished", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
