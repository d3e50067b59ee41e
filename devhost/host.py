"""Composition: builds every part of the host for one app, starts them in order and stops them again."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devhost.clock import Clock, SystemClock
from devhost.config.host_json import HostJson
from devhost.console import ListedFunction
from devhost.durable.hub import TaskHub
from devhost.durable.store.store import Store
from devhost.durable_clients import DurableClients
from devhost.functions.app_loading import script_file_name
from devhost.functions.description import LoadedApp, LoadedFunction
from devhost.functions.invocation import Invoker
from devhost.functions.runner import FunctionRunner
from devhost.options import HOST_JSON
from devhost.queues.queue_listener import QueueListeners
from devhost.queues.queue_options import QueueOptions, read_queue_options
from devhost.state_dir import StateDir
from devhost.storage_bindings.accounts import StorageAccounts
from devhost.storage_bindings.binding_rules import binding_warnings
from devhost.storage_bindings.storage_bindings import StorageBindings
from devhost.timers.timer_loop import TimerLoop
from devhost.timers.timer_status import TimerStatusStore
from devhost.trigger_runs import TriggerRuns, queue_functions, retry_warnings, timer_functions
from devhost.web.access_keys import AccessKeys, open_keys
from devhost.web.admin import AdminEndpoints
from devhost.web.admin_host import HostCommands, HostEndpoints, host_id
from devhost.web.authorization import KeyRequired, OpenToAll
from devhost.web.cors import CorsPolicy
from devhost.web.function_description import Descriptions
from devhost.web.host_state import HostState, State
from devhost.web.http_server import HttpServer
from devhost.web.http_settings import http_settings
from devhost.web.request_router import RequestRouter
from devhost.web.routing import RouteTable, build_routes

_STOP_GRACE_S = 1.2
_logger = logging.getLogger("devhost.host")


@dataclass(frozen=True, slots=True)
class Listener:
    """The public listener: its bound socket, its address as clients write it, and whom it serves."""

    sock: socket.socket
    base_url: str
    """Without a final slash."""
    cors: CorsPolicy | None = None
    asks_for_keys: bool = False


class Host:
    """All parts for one loaded app. `start` once inside an event loop, then `stop` once.

    `runner` runs the functions; whoever made it stops it, after the host. `restart` asks for the end of this host and
    a new one. The state folder is locked by the caller. Raises DevhostError if a setting or a state file is unusable.
    """

    def __init__(
        self,
        app: LoadedApp,
        runner: FunctionRunner,
        *,
        host_json: HostJson,
        environ: Mapping[str, str],
        script_root: Path,
        state: StateDir,
        listener: Listener,
        restart: Callable[[], None],
    ) -> None:
        clock = SystemClock()
        self._host_json, self._base_url, self._restart = host_json, listener.base_url, restart
        self._routes = build_routes(app.functions, prefix=host_json.route_prefix)
        self._functions = tuple(one for one in app.functions if one.name not in self._routes.refusals)
        self._refusals = {**app.refusals, **self._routes.refusals}
        self._keys = self._open_keys(state) if listener.asks_for_keys else None
        code = "" if self._keys is None else self._keys.durable
        self._clients = DurableClients(host_json.durable, base_url=listener.base_url, code=code)
        queue_options = read_queue_options(host_json.queues, environ, path=script_root / HOST_JSON)
        self._accounts = StorageAccounts(environ)
        self._invoker = Invoker(
            self._functions,
            runner,
            client_payload=self._clients.payload,
            data_bindings=StorageBindings(
                self._accounts,
                is_base64=queue_options.is_base64,
                on_sent=self._message_sent,
                clock=clock,
            ),
        )
        self._runs = TriggerRuns(self._functions, self._invoker, clock)
        self._store = Store(state.hub_database(host_json.durable.hub_name))
        self._hub = TaskHub(
            store=self._store,
            functions=self._invoker,
            clock=clock,
            options=host_json.durable,
            logger=logging.getLogger("devhost.durable"),
        )
        self._webhooks = self._clients.serve(self._hub)
        self._timers = self._timer_loop(TimerStatusStore(state.timer_status), clock)
        self._queues = self._queue_listeners(queue_options, clock)
        self._state = HostState()
        self._switching = asyncio.Lock()
        self._admin = self._admin_endpoints(script_root, environ)
        self._server = self._public_server(listener, environ)

    @property
    def base_url(self) -> str:
        """The address of the public listener, without a final slash."""
        return self._base_url

    @property
    def rpc_port(self) -> int:
        """The port of the listener for the durable client, on 127.0.0.1 only."""
        return self._clients.port

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for every function that is left out."""
        return tuple(self._refusals.values())

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for every pair of routes that hides something, and for every decorator without effect."""
        ignored_keys = [text for one in self._functions for text in binding_warnings(one.name, one.bindings)]
        return (*self._routes.warnings, *retry_warnings(self._functions), *ignored_keys)

    def listed_functions(self) -> list[ListedFunction]:
        """The functions for the list at the start, in name order."""
        routes = {route.function.name: route for route in self._routes.routes}
        return [
            ListedFunction(
                name=function.name,
                trigger_type=function.trigger_type,
                methods=tuple(str(method) for method in function.trigger.get("methods") or ()),
                url=f"{self._base_url}/{routes[function.name].template.text}" if function.name in routes else None,
                is_disabled=function.disabled,
            )
            for function in self._functions
        ]

    async def start(self) -> None:
        """Start everything; on return requests are answered."""
        for name, count in sorted((await self._hub.live_without_orchestrator()).items()):
            _logger.warning("%s", unserved_warning(name, count))
        await self._hub.start()
        await self._timers.start()
        await self._queues.start()
        await self._state.change(State.RUNNING)
        await self._server.start()
        # Editors that attach a debugger wait for this sentence of Core Tools.
        _logger.info("Worker process started and initialized.", extra={"always_shown": True})
        found = "".join(f"\nHost.Functions.{function.name}" for function in self._functions)
        _logger.info("Found the following functions:%s", found or " none")
        _logger.info("Job host started")

    def accept_no_more(self) -> None:
        """Leave new connections to a successor; those that are open are still served."""
        self._server.accept_no_more()

    async def stop(self) -> None:
        """Stop everything, within about one and a half seconds."""
        await self._state.change(State.STOPPING)
        ends = await asyncio.gather(
            self._timers.stop(grace_s=_STOP_GRACE_S),
            self._queues.stop(grace_s=_STOP_GRACE_S),
            self._server.stop(),
            self._hub.stop(),
            self._admin.stop(),
            return_exceptions=True,
        )
        for end in ends:
            if isinstance(end, Exception):
                _logger.error("A part of the host did not stop cleanly.", exc_info=end)
        await self._clients.stop()
        await self._accounts.close()
        self._store.close()

    def _open_keys(self, state: StateDir) -> AccessKeys:
        return open_keys(state.keys, [one.name for one in self._functions if one.trigger_type == "httpTrigger"])

    def _timer_loop(self, status: TimerStatusStore, clock: Clock) -> TimerLoop:
        return TimerLoop(
            timer_functions(self._functions),
            invoke=self._runs.run_timer,
            status=status,
            clock=clock,
            logger=logging.getLogger("devhost.timers"),
        )

    def _queue_listeners(self, options: QueueOptions, clock: Clock) -> QueueListeners:
        return QueueListeners(
            queue_functions(self._functions),
            options=options,
            run=self._runs.run_message,
            service_of=self._accounts.queues,
            clock=clock,
            logger=logging.getLogger("devhost.queues"),
        )

    def _admin_endpoints(self, script_root: Path, environ: Mapping[str, str]) -> AdminEndpoints:
        return AdminEndpoints(
            self._functions,
            refusals=self._refusals,
            descriptions=Descriptions(self._base_url, script_file_name(environ), _templates(self._routes)),
            host=HostEndpoints(
                host_id=host_id(script_root, environ),
                errors=tuple(self._refusals.values()),
                state=self._state,
                commands=HostCommands(pause=self._pause, resume=self._resume, restart=self._restart),
            ),
            run_function=self._run_by_hand,
        )

    async def _pause(self) -> None:
        async with self._switching:
            await self._stop_triggers()

    async def _resume(self) -> None:
        # Not while a pause is under way: the runs that it waits for would overlap with new ones.
        async with self._switching:
            await self._stop_triggers()
            await self._timers.start()
            await self._queues.start()

    async def _stop_triggers(self) -> None:
        await asyncio.gather(self._timers.stop(grace_s=_STOP_GRACE_S), self._queues.stop(grace_s=_STOP_GRACE_S))

    def _public_server(self, listener: Listener, environ: Mapping[str, str]) -> HttpServer:
        settings = http_settings(environ, self._host_json.http)
        router = RequestRouter(
            self._routes,
            self._invoker,
            webhooks=self._webhooks,
            admin=self._admin,
            authorization=OpenToAll() if self._keys is None else KeyRequired(self._keys),
            state=self._state,
            settings=settings,
        )
        limit = settings.body_limit_bytes
        return HttpServer(router.handle, listener.sock, body_limit_bytes=limit, cors=listener.cors)

    def _message_sent(self, queue: str) -> None:
        self._queues.wake(queue)

    async def _run_by_hand(self, function: LoadedFunction, text: str) -> None:
        if function.trigger_type == "timerTrigger":
            await self._timers.run_now(function.name)
        else:
            await self._runs.run_by_hand(function, text)


def _templates(routes: RouteTable) -> dict[str, str]:
    return {route.function.name: route.template.text for route in routes.routes}


def unserved_warning(orchestrator: str, count: int) -> str:
    """What becomes of live instances whose function this host does not have."""
    what = "1 live instance" if count == 1 else f"{count} live instances"
    return (
        f"The hub holds {what} of the orchestrator '{orchestrator}', which is not loaded (left out by --functions, "
        "renamed, disabled or removed). They fail as soon as something happens to them; load the function again "
        "before, or rewind them afterwards."
    )


def missing_warnings(wanted: Sequence[str] | None, functions: Iterable[LoadedFunction]) -> list[str]:
    """A sentence for each of the wanted functions that is none of the app's."""
    names = sorted((function.name for function in functions), key=str.lower)
    known = {name.lower() for name in names}
    return [
        f"The app has no function '{name}'; --functions or host.json names it. It has: {', '.join(names) or 'none'}."
        for name in wanted or ()
        if name.lower() not in known
    ]
