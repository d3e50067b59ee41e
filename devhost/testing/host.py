"""An app under test: the real engine in the test's own process, on a clock that the test moves."""

import json as json_text
import os
import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from azure.durable_functions.models.utils.df_serialization import df_dumps

from devhost.durable.errors import InstanceNotFound
from devhost.durable.instance import InstanceQuery
from devhost.durable.protocol import Event
from devhost.testing.app_adapter import App, load_app_under_test
from devhost.testing.assembly import HOST_NAME, Assembly, World
from devhost.testing.calls import Calls
from devhost.testing.environ import changed_environ
from devhost.testing.errors import HostCrashed, KitError
from devhost.testing.functions_under_test import Fake, Replacement
from devhost.testing.http_exchange import Reply, make_request, read_reply
from devhost.testing.journal import Journal
from devhost.testing.power import CrashPoint, Moment, Power
from devhost.testing.rest import Rest
from devhost.testing.sdk_session import close_sdk_session
from devhost.testing.status import Status, read_status
from devhost.testing.virtual_clock import DEFAULT_START, VirtualClock
from devhost.testing.waiting import Goal, wait_for

_ALL = 2**31
Command = Callable[[], Coroutine[Any, Any, Any]]


class Host:
    """Use with `async with`.

    Between two lines of a test the app is at rest: every method returns when all that can happen at the present
    time of the clock has happened. Refusals of the engine are those of devhost.durable.errors.
    """

    def __init__(  # noqa: PLR0913  (all but the app have a default)
        self,
        app: App,
        *,
        settings: Mapping[str, str] | None = None,
        script_root: Path | str | None = None,
        state_dir: Path | str | None = None,
        start: datetime = DEFAULT_START,
        seed: int = 0,
        patience_s: float = 30.0,
        activities: Mapping[str, Fake] | None = None,
        crash: CrashPoint | None = None,
        after: "Host | None" = None,
        journal: Journal | None = None,
    ) -> None:
        """`app` is the app object, or the folder of the app, whose host.json then counts (else `script_root`'s).

        `settings` are environment variables while the host is open. `state_dir` keeps the state after that; without
        one it is in memory. `start` (aware) is what the clock shows first, unless the state knows a later time. The
        same `seed` gives the same IDs. `patience_s` of real time is what code of the app may take. `activities` are
        replaced from the beginning (see replace_activity).

        At `crash` the host goes down. `after` is a host that did: its clock and replaced activities go on. `journal`
        knows the commands of earlier lives (see survive_every_crash).
        """
        self._app, self._settings, self._crash = app, dict(settings or {}), crash
        self._script_root = Path(script_root or (app if isinstance(app, str | Path) else ".")).resolve()
        self._state_dir = None if state_dir is None else Path(state_dir)
        self._clock = VirtualClock(start) if after is None else after.clock
        self._fakes: dict[str, Fake] = {**({} if after is None else after._fakes), **(activities or {})}
        self._seed, self._patience_s = seed, patience_s
        self._journal = journal or Journal()
        self._stack = AsyncExitStack()
        self._opened: tuple[Assembly, Rest] | None = None
        self._power: Power | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.enter_context(changed_environ(self._settings))
            stack.push_async_callback(close_sdk_session)
            loaded = load_app_under_test(self._app, os.environ)
            ids = random.Random(self._seed)  # noqa: S311  (repeatable, not secret)
            world = World(self._script_root, os.environ, self._state_dir, self._clock, ids, self._crash)
            parts = Assembly(loaded, world)
            self._power = parts.power
            stack.push_async_callback(parts.stop)
            rest = Rest(parts, self._clock, patience_s=self._patience_s)
            self._go_on_from_the_state(parts, ids)
            for name, fake in self._fakes.items():
                parts.functions.replace(name, fake)
            await rest.begin(parts.start())
            self._opened, self._stack = (parts, rest), stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened = None
        await self._stack.aclose()

    @property
    def clock(self) -> VirtualClock:
        """`now()`, and `sleep` for replaced activities."""
        return self._clock

    @property
    def calls(self) -> Calls:
        """Every activity call so far, in the order in which they began."""
        return self._parts.functions.calls

    @property
    def writes(self) -> int:
        """How many writes to its state the host has made, also when it is closed."""
        return 0 if self._power is None else self._power.writes

    @property
    def last_write(self) -> str:
        """What the last write was about, in a few words; after a crash, the write that it cut or followed."""
        return "nothing" if self._power is None else self._power.last_write

    async def start(self, name: str, input: Any = None, *, instance_id: str | None = None) -> str:  # noqa: A002
        """Start an orchestration as the SDK's `client.start_new` does; its instance ID.

        Raises UnknownFunction, InvalidInstanceId, InstanceAlreadyLive.
        """
        own_id = instance_id or self._parts.new_id()
        text = None if input is None else json_text.dumps(df_dumps(input))
        hub = self._parts.hub
        begin = partial(hub.create_instance, name, instance_id=own_id, input_text=text)
        return str(await self._command(begin, own_id))

    async def raise_event(self, instance_id: str, name: str, value: Any = None) -> None:
        """Send an event as the SDK's `client.raise_event` does: the orchestrator receives the value's JSON text.

        Raises InstanceNotFound, InstanceFinished.
        """
        text = json_text.dumps(json_text.dumps(value))
        await self._command(lambda: self._parts.hub.raise_event(instance_id, name, text))

    async def terminate(self, instance_id: str, reason: str = "") -> None:
        """End the instance, not its children. Raises InstanceNotFound, InstanceFinished."""
        await self._command(lambda: self._parts.hub.terminate(instance_id, reason))

    async def suspend(self, instance_id: str, reason: str = "") -> None:
        """Hold back all further progress. Raises InstanceNotFound, InstanceFinished, WrongState."""
        await self._command(lambda: self._parts.hub.suspend(instance_id, reason))

    async def resume(self, instance_id: str, reason: str = "") -> None:
        """Go on after `suspend`. Raises InstanceNotFound, InstanceFinished, WrongState."""
        await self._command(lambda: self._parts.hub.resume(instance_id, reason))

    async def purge(self, instance_id: str) -> None:
        """Forget an ended instance. Raises InstanceNotFound, InstanceNotFinished."""
        await self._command(lambda: self._parts.hub.purge(instance_id))

    async def status(self, instance_id: str) -> Status:
        """The instance as it is now. Raises InstanceNotFound."""
        found = await self._parts.hub.get_instance(instance_id)
        if found is None:
            raise InstanceNotFound(instance_id)
        return read_status(found)

    async def instances(self) -> list[Status]:
        """All instances, sub-orchestrations among them, by ID."""
        found, _ = await self._parts.hub.list_instances(InstanceQuery(), top=_ALL, continuation=None)
        return [read_status(one) for one in found]

    async def history(self, instance_id: str) -> list[Event]:
        """The raw history events of the present generation, oldest first."""
        return await self._parts.hub.history(instance_id)

    async def wait_for(self, instance_id: str, goal: Goal = "Completed", *, within: timedelta | None = None) -> Status:
        """The status as soon as it is `goal`: a runtime status, or a condition on the Status.

        Takes no real time: the clock skips to whatever is due next, `within` at most. Raises NotReached as soon as
        the goal is out of reach, with a picture of what the instance waits for.
        """
        return await wait_for(self._parts.store, self._rest, self._clock, instance_id, goal, within)

    async def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the clock forward; everything that is due meanwhile happens at its own time, in order."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        # Noted before it is done: after a crash the clock still goes no further than meant.
        until = self._journal.skip() if self._journal.is_done else self._journal.note(self._clock.now() + step)
        await self._rest.advance_to(until)

    async def run_timer(self, name: str) -> None:
        """Run a timer function once, to its end, whatever its schedule says. Raises UnknownTimer."""
        await self._command(lambda: self._parts.timers.run_now(name), is_one_write=False)

    async def request(
        self, method: str, path: str, *, json: Any = None, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Reply:
        """The answer of the app, its durable webhooks included, to an HTTP request; no socket is involved.

        `path` begins with a slash (`/api/runs?limit=1`), or is a whole URL that the app has given out.
        """

        async def ask() -> Reply:
            asked = make_request(method, path, json_body=json, body=body, headers=headers, host=HOST_NAME)
            return read_reply(await self._parts.router.handle(asked))

        reply: Reply = await self._command(ask, label=f"the request {method} {path}", is_one_write=False)
        return reply

    def replace_activity(self, name: str, fake: Fake) -> Replacement:
        """Call `fake` instead of the activity, until the host is closed, or as long as a `with` block.

        It receives the input as the activity does, may be plain or async, and may raise. Raises KitError for an
        unknown name.
        """
        replacement = Replacement(self._parts.functions, name, fake)
        self._fakes[name] = fake
        return replacement

    @property
    def _parts(self) -> Assembly:
        return self._require_open()[0]

    @property
    def _rest(self) -> Rest:
        return self._require_open()[1]

    def _require_open(self) -> tuple[Assembly, Rest]:
        if self._opened is None:
            raise KitError("The host is not open: use it inside `async with Host(app) as host:`.")
        return self._opened

    async def _command(self, act: Command, result: Any = None, *, label: str = "", is_one_write: bool = True) -> Any:
        """Carry the command out, unless an earlier life of the host has done so; then settle.

        `result` is what a command of one write is worth even if the host goes down before it can answer.
        """
        if self._journal.is_done:
            return self._journal.skip()
        try:
            found = await self._rest.carry_out(act(), label)
        except HostCrashed:
            if is_one_write and self._crash is not None and self._crash.moment is Moment.AFTER:
                self._journal.note(result)
            raise
        self._journal.note(found if result is None else result)
        await self._rest.settle()
        return found

    def _go_on_from_the_state(self, parts: Assembly, ids: random.Random) -> None:
        changed_at, count = parts.store.instances.latest_change()
        if changed_at is not None:
            self._clock.move_to(max(self._clock.now(), changed_at))
            ids.seed(f"{self._seed} {changed_at} {count}")
