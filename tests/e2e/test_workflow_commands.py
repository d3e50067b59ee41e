"""200 clients at once start, check and stop workflows on 50 keys: all answers fit a serial order, none is a 5xx."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from scripts.processes import Supervisor
from tests.helpers.running_app import RunningApp
from tests.helpers.serial_order import Command, figures, unexplained

CLIENTS = 200
KEYS = [f"key-{number}" for number in range(50)]
KINDS = {"start": 4, "stop": 3, "check": 3}
END_S = 60


@dataclass
class Commands:
    """What was asked of each key, and answered."""

    url: str
    session: aiohttp.ClientSession
    by_key: dict[str, list[Command]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)

    async def ask(self, kind: Any, key: str) -> Command:
        """One command with data of its own; what it was answered is kept."""
        token = f"{kind}-{sum(map(len, self.by_key.values()))}-{random.getrandbits(32):08x}"
        body = None if kind == "check" else {"data": token}
        method = "GET" if kind == "check" else "POST"
        begun = time.monotonic()
        async with self.session.request(method, f"{self.url}/api/{kind}/{key}", json=body) as response:
            text = await response.text()
            done = time.monotonic()
            if response.status >= 500:
                self.faults.append(f"{kind} {key}: {response.status} {text[:300]}")
            view = await response.json(content_type=None) if kind == "check" and response.status == 200 else {}
        command = Command(kind, token, begun, done, response.status, **seen(view))
        self.by_key[key].append(command)
        return command

    async def client(self, dice: random.Random, calls: int) -> None:
        """One client: a few commands, one after the other; some keys are asked for much more often than others."""
        for _ in range(calls):
            (key,) = dice.choices(KEYS, weights=[1 / (10 + rank) for rank in range(len(KEYS))])
            (kind,) = dice.choices(list(KINDS), weights=list(KINDS.values()))
            await self.ask(kind, key)

    async def end(self, key: str) -> None:
        """Stop what lives, look at the key until nothing does, and try to stop that."""
        await self.ask("stop", key)
        given_up_at = time.monotonic() + END_S
        while (look := await self.ask("check", key)).status == 200 and not look.is_ended:
            assert time.monotonic() < given_up_at, f"'{key}' was stopped and does not end"
            await asyncio.sleep(0.1)
        await self.ask("stop", key)


def seen(view: dict[str, Any]) -> dict[str, Any]:
    """What a check shows: of which start, and by which stop it has ended."""
    if view.get("outcome") is None:
        return {"life": view.get("data")}
    assert view["outcome"] == "completed"
    return {"life": view["data"], "ended_by": view["events"][0]["data"], "is_ended": True}


async def check_commands(app: RunningApp, *, seeds: Sequence[int], calls: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(120)) as session:
        commands = Commands(app.host.url, session)
        for seed in seeds:
            dice = [random.Random(f"{seed}/{number}") for number in range(CLIENTS)]
            await asyncio.gather(*(commands.client(one, calls) for one in dice))
        await asyncio.gather(*(commands.end(key) for key in KEYS))
    report(commands)
    assert commands.faults == [], app.child.log_tail(200)
    assert {key: found for key, made in commands.by_key.items() if (found := unexplained(made))} == {}
    statuses = counted(commands)
    assert all(statuses[kind] for kind in ("start 202", "start 409", "check 200", "stop 202", "stop 409"))


def counted(commands: Commands) -> Counter[str]:
    return Counter(f"{one.kind} {one.status}" for made in commands.by_key.values() for one in made)


def report(commands: Commands) -> None:
    """The figures of the proof."""
    made = [one for per_key in commands.by_key.values() for one in per_key]
    print(f"\n{len(made)} commands of {CLIENTS} clients at once on {len(commands.by_key)} keys")
    for kind in KINDS:
        times = [(one.done - one.begun) * 1000 for one in made if one.kind == kind]
        print(f"  {kind:5}  {len(times):6}  {figures(times)}")
    print(f"  answers: {dict(sorted(counted(commands).items()))}")


@pytest.fixture
def app(supervisor: Supervisor, azurite: str, table_prefix: str, tmp_path: Any) -> RunningApp:
    settings = {
        "AzureWebJobsStorage": azurite,
        "TABLE_PREFIX": table_prefix,
        "AzureWebJobs.daily_timer.Disabled": "true",
    }
    return RunningApp(supervisor, tmp_path / "devhost", settings)


async def test_commands_of_200_clients_on_50_keys_fit_a_serial_order(app: RunningApp) -> None:
    await check_commands(app, seeds=[1], calls=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_workflow_commands_of_200_clients_on_50_keys_fit_a_serial_order_in_every_round(app: RunningApp) -> None:
    await check_commands(app, seeds=range(10), calls=5)
