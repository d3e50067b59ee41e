"""/admin: list functions, run one by hand, and say how the host is.

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/Controllers/FunctionsController.cs, HostController.cs.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from devhost.errors import DevhostError
from devhost.functions.description import LoadedFunction
from devhost.web.admin_host import HostEndpoints
from devhost.web.function_description import Descriptions

RunFunction = Callable[[LoadedFunction, str], Awaitable[None]]
"""Runs a function by hand with the text of the request's `input`."""

_logger = logging.getLogger("devhost.web.admin")


class AdminEndpoints:
    """Everything below /admin. Whether the caller may use it is for the listener to decide."""

    def __init__(
        self,
        functions: Sequence[LoadedFunction],
        *,
        refusals: Mapping[str, str],
        descriptions: Descriptions,
        host: HostEndpoints,
        run_function: RunFunction,
    ) -> None:
        """`refusals` maps a refused function to the reason."""
        self._functions = {function.name.lower(): function for function in functions}
        self._refusals = {name.lower(): reason for name, reason in refusals.items()}
        self._descriptions = descriptions
        self._host = host
        self._run_function = run_function
        self._runs: set[asyncio.Task[None]] = set()

    def is_open(self, tail: str) -> bool:
        """Whether `tail` asks for no key: the ping of load balancers."""
        return tail.rstrip("/").lower() == "host/ping"

    async def handle(self, request: web.Request, tail: str) -> web.StreamResponse:
        """The answer for `tail`, the raw path below /admin/."""
        segments = [segment.lower() for segment in tail.rstrip("/").split("/")]
        if segments[0] == "host":
            return await self._host.handle(request, segments[1:])
        match request.method, *segments:
            case "GET", "functions":
                return web.json_response([self._descriptions.of(one) for one in self._functions.values()])
            case "GET", "functions", name if name in self._functions:
                return web.json_response(self._descriptions.of(self._functions[name]))
            case "GET", "functions", name, "status" if name in self._functions or name in self._refusals:
                return web.json_response(self._function_status(name))
            case "POST", "functions", name if name in self._functions:
                return await self._start_run(request, self._functions[name])
        return web.Response(status=404)

    async def stop(self) -> None:
        """Stop waiting for functions that were started here."""
        for run in self._runs:
            run.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    async def _start_run(self, request: web.Request, function: LoadedFunction) -> web.Response:
        if not self._host.state.is_running:
            return web.Response(status=503)
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            return _bad_request('The body must be JSON, for example {"input": "text"} or {}.')
        if not isinstance(body, dict):
            return _bad_request('The body must be a JSON object, for example {"input": "text"}.')
        text = {str(key).lower(): value for key, value in body.items()}.get("input")
        if text is not None and not isinstance(text, str):
            return _bad_request("'input' must be a string; write JSON data as text inside it.")
        run = asyncio.create_task(self._run(function, text or ""), name=f"admin-{function.name}")
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        return web.Response(status=202)

    async def _run(self, function: LoadedFunction, text: str) -> None:
        try:
            await self._run_function(function, text)
        except DevhostError as error:
            # The caller has its 202 already; the console is the only place left to say so.
            _logger.error("The run of '%s' that was asked for over /admin failed: %s", function.name, error)

    def _function_status(self, name: str) -> dict[str, Any]:
        reason = self._refusals.get(name)
        return {} if reason is None else {"errors": [reason]}


def _bad_request(message: str) -> web.Response:
    return web.json_response({"Message": message}, status=400)
