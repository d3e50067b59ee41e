"""The app of tests/data/busy_app under load, on a host that a test kills."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.processes import Supervisor
from tests.helpers.host_process import Answer, RunningHost, host_command, wait_until_running
from tests.helpers.processes import wait_until

APP = Path(__file__).parents[1] / "data" / "busy_app"
WEBHOOKS = "/runtime/webhooks/durabletask"
ROUNDS = 3
OUTPUT_OF_ROUNDS = [[f".{step}.0", f".{step}.1", step, step * 10] for step in range(ROUNDS)]


@dataclass
class BusyApp:
    """Orders on a host with two workers. Whatever the host has accepted once is never asked again."""

    supervisor: Supervisor
    folder: Path
    orders: int
    dice: random.Random
    host: RunningHost = field(init=False)
    started: set[int] = field(default_factory=set)
    paid: set[int] = field(default_factory=set)
    members: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.start_host()

    @property
    def effects_file(self) -> Path:
        return self.folder / "effects"

    def start_host(self) -> None:
        state = self.folder / "state"
        command = host_command(APP, state_dir=state, arguments=["--workers", "2", "--no-reload"])
        child = self.supervisor.start("busy-host", command, env={"EFFECTS_FILE": str(self.effects_file)})
        self.host = wait_until_running(child)

    def kill_host(self) -> None:
        """End the host and whatever it has started as a power cut would, then start it again."""
        self.host.child.kill()
        self.start_host()

    def kill_a_worker(self) -> None:
        """End one of the worker processes; the host must notice by itself."""
        workers = wait_until(lambda: children_of(self.host.child.pid))
        with suppress(ProcessLookupError):
            os.kill(self.dice.choice(workers), signal.SIGKILL)

    def send_some(self, count: int) -> None:
        """Start orders, pay for them and sign up members, as far as the host accepts it."""
        for _ in range(count):
            number = self.dice.randrange(self.orders)
            if number not in self.started:
                self._start(number)
            elif number not in self.paid and self._post(f"instances/{number:04}/raiseEvent/paid", number):
                self.paid.add(number)
            name = f"member-{self.dice.randrange(self.orders)}"
            if name not in self.members and self._post("entities/members/all?op=add", json.dumps(name)):
                self.members.add(name)

    def send_the_rest(self) -> None:
        """Until every order has been started and paid for."""
        for number in range(self.orders):
            if number not in self.started:
                wait_until(lambda number=number: self._start(number))  # type: ignore[misc]
            if number not in self.paid:
                pay = f"instances/{number:04}/raiseEvent/paid"
                wait_until(lambda pay=pay, number=number: self._post(pay, number))  # type: ignore[misc]

    def statuses(self) -> Counter[str]:
        """How many orders have which status."""
        return Counter(one["runtimeStatus"] for one in self.instances() if one["name"] == "order")

    def instances(self) -> list[dict[str, Any]]:
        answer = self.host.get(f"{WEBHOOKS}/instances?top=100000")
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json()
        return found

    def entity(self, key: str) -> Any:
        answer = self.host.get(f"{WEBHOOKS}/entities/{key}")
        return answer.json() if answer.status == 200 else None

    def effects(self) -> Counter[str]:
        """How often the activity `effect` ran, by its input."""
        return Counter(self.effects_file.read_text(encoding="ascii").split())

    def _start(self, number: int) -> bool:
        # A repeated start is refused while the instance lives, and would replace a finished one: it is asked only
        # when the first answer got lost, long before the instance can end without its event.
        answer = self._ask(f"orchestrators/order/{number:04}", {"number": number})
        if answer is None or answer.status not in {202, 409}:
            return False
        self.started.add(number)
        return True

    def _post(self, path: str, payload: Any) -> bool:
        # 410: the answer to an earlier try got lost, and the instance has ended since.
        answer = self._ask(path, payload)
        return answer is not None and answer.status in {202, 410}

    def _ask(self, path: str, payload: Any) -> Answer | None:
        try:
            return self.host.post(f"{WEBHOOKS}/{path}", payload)
        except OSError:
            return None


def expected_output(number: int) -> list[Any]:
    """What an order returns, the event's value last."""
    rounds = [f"{number}{part}" if isinstance(part, str) else part for one in OUTPUT_OF_ROUNDS for part in one]
    return [*rounds, number]


def children_of(pid: int) -> list[int]:
    """PIDs of the direct children of a process."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(word) for word in text.split()]


def check_everything_is_there(app: BusyApp) -> None:
    """No order is stuck or lost, every effect has been made, and the entities have counted each message once."""
    outputs = {one["instanceId"]: one["output"] for one in app.instances() if one["name"] == "order"}
    assert outputs == {f"{number:04}": expected_output(number) for number in range(app.orders)}
    keys = {f"{number}.{step}.{part}" for number in range(app.orders) for step in range(ROUNDS) for part in range(2)}
    assert set(app.effects()) == keys
    wait_until(lambda: app.entity("total/signalled") == app.orders * ROUNDS)
    assert app.entity("total/called") == app.orders * ROUNDS
    assert app.members <= set(app.entity("members/all") or [])
