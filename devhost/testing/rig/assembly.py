"""Composition for tests: the host's own parts around one app, on a virtual clock and without a thread."""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from devhost.config.host_json import read_host_json
from devhost.durable.hub import TaskHub
from devhost.durable.runners.engine_parts import EngineParts
from devhost.durable.store.store import Store
from devhost.durable_clients import DurableClients
from devhost.functions.description import LoadedFunction
from devhost.functions.invocation import Invoker
from devhost.options import HOST_JSON
from devhost.queues.memory_queues import MemoryQueues
from devhost.queues.queue_listener import QueueListeners
from devhost.queues.queue_options import QueueOptions, read_queue_options
from devhost.state_dir import StateDir
from devhost.storage_bindings.accounts import StorageAccounts
from devhost.storage_bindings.storage_bindings import StorageBindings
from devhost.testing.rig.app_adapter import AppUnderTest, make_runner
from devhost.testing.rig.functions_under_test import FunctionsUnderTest, HttpUnderTest
from devhost.testing.rig.http_side import BASE_URL, make_router
from devhost.testing.rig.parked_work import Work, WorkList
from devhost.testing.rig.power import CrashPoint, InlineWork, MemoryStatuses, Power, PoweredStatuses
from devhost.testing.rig.powered_queues import PoweredQueues
from devhost.testing.rig.virtual_clock import VirtualClock
from devhost.timers.timer_loop import TimerFunction, TimerInfo, TimerLoop
from devhost.timers.timer_status import TimerStatuses, TimerStatusStore
from devhost.trigger_runs import TriggerRuns, queue_functions, timer_functions
from devhost.web.request_router import RequestRouter

# Concurrency that host.json leaves open scales with the machine; in a test it must not.
_CPU_COUNT = 10
# Queues in memory say when a message can be seen, so nobody has to look again and again.
_POLLING_INTERVAL_S = 7 * 86_400.0
_IN_MEMORY = Path(":memory:")


@dataclass(frozen=True, slots=True)
class World:
    """What a host of the kit is made from; `state` None keeps everything in memory."""

    script_root: Path
    environ: Mapping[str, str]
    state: StateDir | None
    clock: VirtualClock
    random: random.Random
    queues: MemoryQueues | None = None
    """Those of an earlier life of the host."""
    crash: CrashPoint | None = None


class Assembly:
    """All parts of one host. `start` once inside the event loop, `stop` once."""

    def __init__(self, app: AppUnderTest, world: World) -> None:
        self._app, self._world, self._clock = app, world, world.clock
        self.power = Power(world.crash)
        self.timer_work = WorkList()
        self._host_json = read_host_json(world.script_root / HOST_JSON, world.environ, cpu_count=_CPU_COUNT)
        self._state = world.state
        self.queues = world.queues or MemoryQueues(world.clock, new_id=self.new_id)
        self.queue_options = self._queue_options()
        functions = queue_functions(app.offered.functions)
        self._listened = sorted({one.queue for one in functions if not one.is_disabled})
        self._accounts = StorageAccounts(
            world.environ, new_queues=lambda _connection: PoweredQueues(self.queues, self.power)
        )
        self._clients = DurableClients(self._host_json.durable, base_url=BASE_URL)
        runner, self._worker = make_runner(app, self.power, script_root=world.script_root)
        self._invoker = Invoker(
            app.offered.functions, runner, client_payload=self._clients.payload, data_bindings=self._storage_bindings()
        )
        self._runs = TriggerRuns(app.offered.functions, self._invoker, world.clock, jitter=world.random.random)
        self.functions = FunctionsUnderTest(self._invoker, clock=world.clock, power=self.power)
        self.store = Store(self._hub_file(), commit=self.power.commit)
        self.hub = self._make_hub()
        self.timers = self._make_timers()
        self.listeners = self._make_listeners()
        self._webhooks = self._clients.serve(self.hub)
        self._router: RequestRouter | None = None

    def new_id(self) -> str:
        """32 hex digits; the same ones in the same order at every run of a test."""
        return f"{self._world.random.getrandbits(128):032x}"

    async def start(self) -> None:
        """Go on with what the state holds."""
        for queue in self._listened:
            await self.queues.create(queue)
        await self.hub.start()
        await self.timers.start()
        await self.listeners.start()

    async def stop(self) -> None:
        """End everything at once; calls under way are cancelled."""
        self.power.release()
        parts = (self.timers.stop(grace_s=0), self.listeners.stop(grace_s=0), self.hub.stop(grace_s=0))
        ends = await asyncio.gather(*parts, return_exceptions=True)
        await self._clients.stop()
        self._worker.close()
        await self._accounts.close()
        self.store.close()
        for end in ends:
            if isinstance(end, BaseException) and not self.power.is_down:
                raise end

    async def router(self) -> RequestRouter:
        """What answers requests to the app."""
        if self._router is None:
            self._router = await make_router(
                self._app.offered,
                self._invoker,
                self._webhooks,
                host_json=self._host_json,
                environ=self._world.environ,
                script_root=self._world.script_root,
                run_by_hand=self._run_by_hand,
            )
        return self._router

    @property
    def next_message_at(self) -> datetime | None:
        """When a message becomes visible again; None if none will."""
        moments = (self.queues.next_visible_at(name) for name in self._listened)
        return min((one for one in moments if one is not None and one > self._clock.now()), default=None)

    @property
    def has_visible_message(self) -> bool:
        """True if a message waits for nothing but that somebody looks."""
        return any(self._is_visible(name) for name in self._listened)

    def wake_listeners(self) -> None:
        """Those of queues with a message to be seen look at once."""
        for name in self._listened:
            if self._is_visible(name):
                self.listeners.wake(name)

    def _is_visible(self, queue: str) -> bool:
        visible_at = self.queues.next_visible_at(queue)
        return visible_at is not None and visible_at <= self._clock.now()

    def _queue_options(self) -> QueueOptions:
        options = read_queue_options(self._host_json.queues, self._world.environ, cpu_count=_CPU_COUNT)
        return replace(options, max_polling_interval_s=_POLLING_INTERVAL_S)

    def _storage_bindings(self) -> StorageBindings:
        return StorageBindings(
            self._accounts,
            is_base64=self.queue_options.is_base64,
            on_sent=self._message_sent,
            clock=self._clock,
        )

    def _make_hub(self) -> TaskHub:
        parts = EngineParts(
            side_work=lambda _name: InlineWork(self.power),
            new_id=self.new_id,
            # How long a replay took must not decide which results an episode finds.
            episode_gap_s=lambda _replay_s, _open_tasks: 0.0,
        )
        return TaskHub(
            store=self.store,
            functions=self.functions,
            clock=self._clock,
            options=self._host_json.durable,
            logger=logging.getLogger("devhost.durable"),
            http=HttpUnderTest(self.functions),
            parts=parts,
        )

    def _make_timers(self) -> TimerLoop:
        statuses: TimerStatuses = MemoryStatuses()
        if self._state is not None:
            statuses = PoweredStatuses(TimerStatusStore(self._state.timer_status), self.power)
        return TimerLoop(
            timer_functions(self._app.offered.functions),
            invoke=self._run_timer,
            status=statuses,
            clock=self._clock,
            logger=logging.getLogger("devhost.timers"),
        )

    def _make_listeners(self) -> QueueListeners:
        return QueueListeners(
            queue_functions(self._app.offered.functions),
            options=self.queue_options,
            run=self._runs.run_message,
            service_of=self._accounts.queues,
            clock=self._clock,
            logger=logging.getLogger("devhost.queues"),
            jitter=lambda: 0.5,
        )

    def _message_sent(self, queue: str) -> None:
        self.listeners.wake(queue)

    def _hub_file(self) -> Path:
        return _IN_MEMORY if self._state is None else self._state.hub_database(self._host_json.durable.hub_name)

    async def _run_timer(self, timer: TimerFunction, info: TimerInfo) -> None:
        if Work.current() is not None:  # by hand: part of a request, which counts already
            await self._runs.run_timer(timer, info)
            return
        with self.timer_work.doing(f"the timer function '{timer.name}'"):
            await self._runs.run_timer(timer, info)

    async def _run_by_hand(self, function: LoadedFunction, text: str) -> None:
        if function.trigger_type == "timerTrigger":
            await self.timers.run_now(function.name)
        else:
            await self._runs.run_by_hand(function, text)
