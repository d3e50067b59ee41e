"""The way into the app over HTTP: its routes, without a socket."""

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from devhost.config.host_json import HostJson
from devhost.durable.webhooks.durable_webhooks import DurableWebhooks
from devhost.functions.app_loading import script_file_name
from devhost.functions.description import LoadedApp, LoadedFunction
from devhost.functions.invocation import Invoker
from devhost.web.admin import AdminEndpoints
from devhost.web.admin_host import HostCommands, HostEndpoints, host_id
from devhost.web.authorization import OpenToAll
from devhost.web.function_description import Descriptions
from devhost.web.host_state import HostState, State
from devhost.web.http_settings import http_settings
from devhost.web.request_router import RequestRouter
from devhost.web.routing import build_routes

HOST_NAME = "localhost:7071"
BASE_URL = f"http://{HOST_NAME}"

RunByHand = Callable[[LoadedFunction, str], Coroutine[Any, Any, None]]


async def make_router(
    app: LoadedApp,
    invoker: Invoker,
    webhooks: DurableWebhooks,
    *,
    host_json: HostJson,
    environ: Mapping[str, str],
    script_root: Path,
    run_by_hand: RunByHand,
) -> RequestRouter:
    """The router of the public listener, which asks nobody for a key."""
    routes = build_routes(app.functions, prefix=host_json.route_prefix)
    state = HostState()
    await state.change(State.RUNNING)
    templates = {route.function.name: route.template.text for route in routes.routes}
    admin = AdminEndpoints(
        app.functions,
        refusals=routes.refusals,
        descriptions=Descriptions(BASE_URL, script_file_name(environ), templates),
        host=HostEndpoints(
            host_id=host_id(script_root, environ),
            errors=tuple(routes.refusals.values()),
            state=state,
            commands=HostCommands(pause=_nothing, resume=_nothing, restart=lambda: None),
        ),
        run_function=run_by_hand,
    )
    return RequestRouter(
        routes,
        invoker,
        webhooks=webhooks,
        admin=admin,
        authorization=OpenToAll(),
        state=state,
        settings=http_settings(environ, host_json.http),
    )


async def _nothing() -> None:
    """A host of the kit is paused by not moving its clock."""
