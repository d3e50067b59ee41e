"""/admin: list functions, run one by hand, and say how the host is.

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/Controllers/FunctionsController.cs, HostController.cs.
"""

import asyncio
import json
import logging
import os
import platform
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from devhost.errors import DevhostError
from devhost.functions.app_loading import LoadedFunction

RunFunction = Callable[[LoadedFunction, str], Awaitable[None]]
"""Runs a function by hand with the text of the request's `input`."""

HOST_VERSION = "4.0.0-devhost"
_logger = logging.getLogger("devhost.web.admin")


class AdminEndpoints:
    """Everything below /admin. Like Core Tools without authentication, it asks for no key."""

    def __init__(
        self,
        functions: Sequence[LoadedFunction],
        *,
        refusals: Mapping[str, str],
        host_id: str,
        base_url: str,
        templates: Mapping[str, str],
        run_function: RunFunction,
    ) -> None:
        """`refusals` maps a refused function to the reason; `templates` an HTTP function to its route template."""
        self._functions = {function.name.lower(): function for function in functions}
        self._refusals = {name.lower(): reason for name, reason in refusals.items()}
        self._host_id = host_id
        self._base_url = base_url.rstrip("/")
        self._templates = templates
        self._run_function = run_function
        self._instance_id = str(uuid.uuid4())
        self._started = time.monotonic()
        self._runs: set[asyncio.Task[None]] = set()
        self.state = "Starting"

    async def handle(self, request: web.Request, tail: str) -> web.StreamResponse:
        """The answer for `tail`, the raw path below /admin/."""
        segments = [segment.lower() for segment in tail.rstrip("/").split("/")]
        if segments[0] == "host":
            return self._answer_about_host(request.method, segments[1:])
        match request.method, *segments:
            case "GET", "functions":
                return web.json_response([self._describe(one) for one in self._functions.values()])
            case "GET", "functions", name if name in self._functions:
                return web.json_response(self._describe(self._functions[name]))
            case "GET", "functions", name, "status" if name in self._functions or name in self._refusals:
                return web.json_response(self._function_status(name))
            case "POST", "functions", name if name in self._functions:
                return await self._start_run(request, self._functions[name])
        return web.Response(status=404)

    def _answer_about_host(self, method: str, segments: list[str]) -> web.Response:
        match method, *segments:
            case "GET", "status":
                return web.json_response(self._host_status())
            case "GET" | "POST", "ping":
                return web.Response()
        return web.Response(status=404)

    async def stop(self) -> None:
        """Stop waiting for functions that were started here."""
        for run in self._runs:
            run.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    async def _start_run(self, request: web.Request, function: LoadedFunction) -> web.Response:
        if self.state != "Running":
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

    def _describe(self, function: LoadedFunction) -> dict[str, Any]:
        href = f"{self._base_url}/admin/functions/{function.name}"
        template = self._templates.get(function.name)
        return {
            "name": function.name,
            "script_root_path_href": None,
            "script_href": f"{self._base_url}/admin/vfs/function_app.py",
            "config_href": None,
            "test_data_href": None,
            "href": href,
            "invoke_url_template": None if template is None else f"{self._base_url}/{template}",
            "language": "python",
            "config": {
                "name": function.name,
                "scriptFile": "function_app.py",
                "entryPoint": function.function.__name__,
                "language": "python",
                "functionDirectory": None,
                "bindings": list(function.bindings),
            },
            "files": None,
            "test_data": None,
            "isDisabled": function.disabled,
            "isDirect": True,
            "isProxy": False,
        }

    def _function_status(self, name: str) -> dict[str, Any]:
        reason = self._refusals.get(name)
        return {} if reason is None else {"errors": [reason]}

    def _host_status(self) -> dict[str, Any]:
        return {
            "id": self._host_id,
            "state": self.state,
            "version": HOST_VERSION,
            "versionDetails": f"devhost on Python {platform.python_version()}, process {os.getpid()}",
            "instanceId": self._instance_id,
            "computerName": platform.node(),
            "processUptime": int((time.monotonic() - self._started) * 1000),
            "errors": list(self._refusals.values()),
            "extensionBundle": None,
        }


def _bad_request(message: str) -> web.Response:
    return web.json_response({"Message": message}, status=400)
