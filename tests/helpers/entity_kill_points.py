"""Kills a hub before every single write of a scenario, each time on a new file, and lets it finish after that.

`python -m tests.helpers.entity_kill_points FOLDER [FIRST [STEP]]` prints one JSON line for each kill: the write that
was not made, and what the file held in the end. The scenario: orchestrations and a client append to one entity.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from devhost.durable.entities.entity import EntityId
from devhost.durable.hub import TaskHub
from tests.helpers.durable_hub import running_hub, wait_until
from tests.helpers.sdk_entities import as_client_sends, log

SENDERS = ("o1", "o2")
OPERATIONS = 4  # of each sender
CLIENT_SIGNALS = 3
LOG = EntityId("log", "all")
_WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT")


def sender(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Two calls and two signals in turn, the last two in a second generation; the end is told by an activity."""
    entity, first = df.EntityId("log", "all"), int(context.get_input() or 0)
    yield context.call_entity(entity, "append", [context.instance_id, first])
    context.signal_entity(entity, "append", [context.instance_id, first + 1])
    yield context.call_activity("nothing")
    if first == 0:
        context.continue_as_new(2)


def nothing(value: Any) -> None:
    """An activity."""


def client_signals_in(path: Path) -> int:
    """How many signals of the client the file of a dead hub has accepted: those in the queue and in the state."""
    if not path.exists():
        return 0
    db = sqlite3.connect(path)
    queued = db.execute("SELECT input_text FROM entity_operations").fetchall()
    states = db.execute("SELECT state_text FROM entities").fetchall()
    db.close()
    waiting = [json.loads(json.loads(text)) for (text,) in queued]
    return sum(one[0] == "client" for one in [*waiting, *(entry for (text,) in states for entry in json.loads(text))])


async def play(path: Path, die_at: int | None) -> None:
    """The scenario from wherever the file has got to; the process dies before its write number `die_at`."""
    accepted = client_signals_in(path)
    async with running_hub(path, {"sender": sender}, {"nothing": nothing}, entities={"log": log}) as hub:
        if die_at is not None:
            _die_before(hub, die_at)
        for name in SENDERS:
            if await hub.get_instance(name) is None:
                await hub.create_instance("sender", instance_id=name, input_text=None)
        for number in range(accepted, CLIENT_SIGNALS):
            await hub.signal_entity(LOG, "append", as_client_sends(["client", number]))
        for name in SENDERS:
            assert await hub.wait_until_finished(name, 30) is not None, name
        await wait_until(
            lambda: hub._store_thread.run(hub._store.entities.entities_with_operations), lambda left: not left
        )


def _die_before(hub: TaskHub, write: int) -> None:
    counted = 0

    def look(statement: str) -> None:
        nonlocal counted
        if statement.lstrip().upper().startswith(_WRITES):
            counted += 1
            if counted == write:
                os.kill(os.getpid(), signal.SIGKILL)

    hub._store.entities._view._database._connection.set_trace_callback(look)  # type: ignore[attr-defined]


def run_child(path: Path, die_at: int | None) -> int:
    """Wait status of a child that plays the scenario."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            asyncio.run(play(path, die_at))
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def result(path: Path) -> dict[str, Any]:
    """What the file holds: the numbers of every sender as they arrived, what waits, and how the instances ended."""
    db = sqlite3.connect(path)
    ((state_text,),) = db.execute("SELECT state_text FROM entities").fetchall()
    entries = json.loads(state_text)
    found = {
        "arrived": {name: [number for one, number in entries if one == name] for name in (*SENDERS, "client")},
        "waiting": [
            db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("inbox", "entity_operations")
        ],
        "statuses": [status for (status,) in db.execute("SELECT runtime_status FROM instances ORDER BY 1")],
    }
    db.close()
    return found


def main(folder: Path, first: int, step: int) -> None:
    write = first
    while True:
        path = folder / f"{write}.sqlite"
        status = run_child(path, write)
        if os.waitstatus_to_exitcode(status) == 0:
            return
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, status
        assert run_child(path, None) == 0, f"the hub does not finish after a kill before write {write}"
        print(json.dumps({"write": write, **result(path)}), flush=True)
        write += step


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    arguments = [int(one) for one in sys.argv[2:]]
    main(Path(sys.argv[1]), *(arguments + [1, 1][len(arguments) :]))
