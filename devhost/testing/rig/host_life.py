"""The life of a host of the kit: opened, used by commands, closed or crashed."""

import os
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from devhost.queues.memory_queues import MemoryQueues
from devhost.state_dir import StateDir
from devhost.testing.calls import Calls
from devhost.testing.errors import HostCrashed, KitError, drop_frames, hides_frames
from devhost.testing.rig.app_adapter import App, load_app_under_test
from devhost.testing.rig.assembly import Assembly, World
from devhost.testing.rig.environ import changed_environ
from devhost.testing.rig.functions_under_test import Fake
from devhost.testing.rig.journal import Journal
from devhost.testing.rig.power import CrashPoint, Moment, Power
from devhost.testing.rig.rest import Rest
from devhost.testing.rig.sdk_session import close_sdk_session
from devhost.testing.rig.virtual_clock import DEFAULT_START, VirtualClock

__tracebackhide__ = hides_frames
T = TypeVar("T")
Command = Callable[[], Coroutine[Any, Any, Any]]
# Like Core Tools with an emulator; queues of the kit are in memory, so nothing is there to be reached.
_DEFAULT_SETTINGS = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}


class HostLife:
    """What every host of the kit is made of; see Host."""

    def __init__(  # noqa: PLR0913  (all but the app have a default)
        self,
        app: App,
        *,
        settings: Mapping[str, str] | None = None,
        script_root: Path | str | None = None,
        state_dir: Path | str | None = None,
        start: datetime = DEFAULT_START,
        seed: int = 0,
        patience_s: float = 60.0,
        activities: Mapping[str, Fake] | None = None,
        crash: CrashPoint | None = None,
        after: "HostLife | None" = None,
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
        _must_be_a_host(after)
        self._app, self._settings, self._crash = app, dict(settings or {}), crash
        self._script_root = Path(script_root or (app if isinstance(app, str | Path) else ".")).resolve()
        self._state = None if state_dir is None else StateDir(Path(state_dir))
        self._before = after
        self._clock = VirtualClock(start) if after is None else after.clock
        self._fakes: dict[str, Fake] = {**({} if after is None else after._fakes), **(activities or {})}
        self._seed, self._patience_s = seed, patience_s
        self._journal = journal or Journal()
        self._stack = AsyncExitStack()
        self._opened: tuple[Assembly, Rest] | None = None
        self._power: Power | None = None
        self._queues: MemoryQueues | None = None if after is None else after._queues

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.enter_context(changed_environ({**_DEFAULT_SETTINGS, **os.environ, **self._settings}))
            stack.push_async_callback(close_sdk_session)
            self._claim_the_state(stack)
            loaded = load_app_under_test(self._app, os.environ)
            ids = random.Random(self._seed)  # noqa: S311  (repeatable, not secret)
            world = World(self._script_root, os.environ, self._state, self._clock, ids, self._queues, self._crash)
            parts = Assembly(loaded, world)
            self._power, self._queues = parts.power, parts.queues
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
        except Exception as refusal:
            self._journal.note_refusal(refusal)
            drop_frames(refusal)
            raise
        self._journal.note(found if result is None else result)
        await self._rest.settle()
        return found

    async def _answer(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the test asks for. A test that runs again after a crash is told what it was told before."""
        if self._journal.is_done:
            told: T = self._journal.skip()
            return told
        try:
            found = await ask()
        except HostCrashed:
            raise
        except Exception as refusal:
            self._journal.note_refusal(refusal)
            drop_frames(refusal)
            raise
        self._journal.note(found)
        return found

    def _claim_the_state(self, stack: AsyncExitStack) -> None:
        if self._before is not None and self._before._state is not None:
            self._before._state.release()  # a process that is gone holds no lock
        if self._state is not None:
            self._state.lock()
            stack.callback(self._state.release)

    def _go_on_from_the_state(self, parts: Assembly, ids: random.Random) -> None:
        changed_at, count = parts.store.instances.latest_change()
        if changed_at is not None:
            self._clock.move_to(max(self._clock.now(), changed_at))
            ids.seed(f"{self._seed} {changed_at} {count}")


def _must_be_a_host(after: object) -> None:
    if after is not None and not isinstance(after, HostLife):
        raise KitError(
            f"`after` is the host that went down, not {type(after).__name__}: keep `crashed` of "
            "`async with Host(app, state_dir=folder, crash=CrashPoint(3)) as crashed:`."
        )
