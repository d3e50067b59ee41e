"""Composition for tests: the host's own parts around one app, on a virtual clock and without a thread."""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from devhost.config.host_json import HostJson, read_host_json
from devhost.durable.client_payload import client_payload
from devhost.durable.engine_parts import EngineParts
from devhost.durable.hub import TaskHub
from devhost.durable.store import Store
from devhost.durable.webhooks import DurableWebhooks
from devhost.errors import FunctionFailed
from devhost.functions.app_loading import LoadedApp, LoadedFunction
from devhost.options import HOST_JSON
from devhost.state_dir import StateDir
from devhost.testing.app_adapter import make_invoker
from devhost.testing.functions_under_test import FunctionsUnderTest
from devhost.testing.power import CrashPoint, InlineWork, MemoryStatuses, Power, PoweredStatuses
from devhost.testing.virtual_clock import VirtualClock
from devhost.timers.timer_loop import TimerFunction, TimerInfo, TimerLoop
from devhost.timers.timer_status import TimerStatuses, TimerStatusStore
from devhost.web.admin import AdminEndpoints
from devhost.web.http_server import HttpServer, bind
from devhost.web.request_router import HOST_API_REASON, RequestRouter
from devhost.web.routing import build_routes

HOST_NAME = "localhost:7071"
_BASE_URL = f"http://{HOST_NAME}"
_RPC_ADDRESS, _RPC_MOUNT_POINT = "127.0.0.1", "/durabletask/"
_WEBHOOK_MOUNT_POINT = "/runtime/webhooks/durabletask"
# Concurrency that host.json leaves open scales with the machine; in a test it must not.
_CPU_COUNT = 10
_IN_MEMORY = Path(":memory:")
_logger = logging.getLogger("devhost.testing")


@dataclass(frozen=True, slots=True)
class World:
    """What a host of the kit is made from; `state_dir` None keeps everything in memory."""

    script_root: Path
    environ: Mapping[str, str]
    state_dir: Path | None
    clock: VirtualClock
    random: random.Random
    crash: CrashPoint | None = None


class Assembly:
    """All parts of one host. `start` once inside the event loop, `stop` once."""

    def __init__(self, app: LoadedApp, world: World) -> None:
        self.power = Power(world.crash)
        self._clock, self._random = world.clock, world.random
        self._host_json = read_host_json(world.script_root / HOST_JSON, world.environ, cpu_count=_CPU_COUNT)
        self._state = None if world.state_dir is None else StateDir(world.state_dir)
        self._rpc: HttpServer | None = None
        self._rpc_start: asyncio.Task[None] | None = None
        self._app_functions = app.functions
        self._invoker, self._worker = make_invoker(
            app, self.power, client_payload=self._client_payload, script_root=world.script_root
        )
        self.functions = FunctionsUnderTest(self._invoker, clock=world.clock, power=self.power)
        self.store = Store(self._hub_file(self._host_json), commit=self.power.commit)
        self.hub = self._make_hub()
        self.timers = self._make_timers()
        self._webhooks = DurableWebhooks(
            self.hub,
            hub_name=self._host_json.durable.hub_name,
            connection_name=self._host_json.durable.connection_name,
        )
        self.router = self._make_router(app, world)

    def new_id(self) -> str:
        """32 hex digits; the same ones in the same order at every run of a test."""
        return f"{self._random.getrandbits(128):032x}"

    async def start(self) -> None:
        """Go on with what the state holds."""
        await self.hub.start()
        await self.timers.start()

    async def stop(self) -> None:
        """End everything at once; calls under way are cancelled."""
        self.power.release()
        ends = await asyncio.gather(self.timers.stop(grace_s=0), self.hub.stop(grace_s=0), return_exceptions=True)
        if self._rpc is not None and self._rpc_start is not None:
            await self._rpc_start
            await self._rpc.stop()
        self._worker.close()
        self.store.close()
        for end in ends:
            if isinstance(end, BaseException) and not self.power.is_down:
                raise end

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
            parts=parts,
        )

    def _make_timers(self) -> TimerLoop:
        functions = [
            TimerFunction(
                name=one.name,
                schedule=str(one.trigger["schedule"]),
                run_on_startup=bool(one.trigger.get("runOnStartup", False)),
                use_monitor=bool(one.trigger.get("useMonitor", True)),
                is_disabled=one.disabled,
            )
            for one in self._app_functions
            if one.trigger_type == "timerTrigger"
        ]
        statuses: TimerStatuses = MemoryStatuses()
        if self._state is not None:
            statuses = PoweredStatuses(TimerStatusStore(self._state.timer_status), self.power)
        return TimerLoop(
            functions,
            invoke=self._run_timer,
            status=statuses,
            clock=self._clock,
            logger=logging.getLogger("devhost.timers"),
        )

    def _make_router(self, app: LoadedApp, world: World) -> RequestRouter:
        routes = build_routes(app.functions, prefix=self._host_json.route_prefix)
        admin = AdminEndpoints(
            app.functions,
            refusals=routes.refusals,
            host_id=world.script_root.name.lower(),
            base_url=_BASE_URL,
            templates={route.function.name: route.template.text for route in routes.routes},
            run_function=self._run_by_hand,
        )
        admin.state = "Running"
        return RequestRouter(routes, self._invoker, webhooks=self._webhooks, admin=admin)

    def _hub_file(self, host_json: HostJson) -> Path:
        return _IN_MEMORY if self._state is None else self._state.hub_database(host_json.durable.hub_name)

    def _client_payload(self, binding: Mapping[str, Any]) -> str:
        return client_payload(
            base_url=f"{_BASE_URL}{_WEBHOOK_MOUNT_POINT}",
            rpc_base_url=f"http://{_RPC_ADDRESS}:{self._rpc_port()}{_RPC_MOUNT_POINT}",
            hub_name=str(binding.get("taskHub") or self._host_json.durable.hub_name),
            connection_name=str(binding.get("connectionName") or self._host_json.durable.connection_name),
            code="",
        )

    def _rpc_port(self) -> int:
        """The socket listens at once, so a client may connect before the server has begun."""
        if self._rpc is None:
            self._rpc = HttpServer(self._answer_rpc, bind(_RPC_ADDRESS, 0))
            self._rpc_start = asyncio.get_running_loop().create_task(self._rpc.start())
        return self._rpc.port

    async def _answer_rpc(self, request: web.Request) -> web.StreamResponse:
        raw_path = request.raw_path.partition("?")[0]
        if not raw_path.lower().startswith(_RPC_MOUNT_POINT):
            return web.Response(status=404)
        return await self._webhooks.handle(request, raw_path[len(_RPC_MOUNT_POINT) :])

    async def _run_timer(self, timer: TimerFunction, info: TimerInfo) -> None:
        function = next(one for one in self._app_functions if one.name == timer.name)
        try:
            await self._invoker.call(function, Datum(info.payload_json, "json"), reason=info.reason)
        except FunctionFailed as failed:
            # The invoker has logged it with its traceback; a failed run counts as a run.
            _logger.debug("%s", failed)

    async def _run_by_hand(self, function: LoadedFunction, text: str) -> None:
        if function.trigger_type == "timerTrigger":
            await self.timers.run_now(function.name)
        else:
            await self._invoker.call(function, Datum(text, "string"), reason=HOST_API_REASON)
