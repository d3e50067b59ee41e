"""/admin/host: how the host is, and commands to the host as a whole.

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/Controllers/HostController.cs.
"""

import hashlib
import json
import os
import platform
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from devhost.web.host_state import HostState, State

HOST_VERSION = "4.0.0-devhost"
_HOST_ID_SETTING = "azurefunctionswebhost__hostid"
_HOST_ID_LENGTH = 32


@dataclass(frozen=True, slots=True)
class HostCommands:
    """What /admin/host can make the host do."""

    pause: Callable[[], Awaitable[None]]
    """Start no more runs by itself; what runs may end."""
    resume: Callable[[], Awaitable[None]]
    """Start runs again."""
    restart: Callable[[], None]
    """Stop in order and start afresh, later."""


class HostEndpoints:
    """The answers below /admin/host."""

    def __init__(self, *, host_id: str, errors: Sequence[str], state: HostState, commands: HostCommands) -> None:
        """`errors` are sentences about functions that are left out."""
        self.state = state
        self._host_id = host_id
        self._errors = list(errors)
        self._commands = commands
        self._instance_id = str(uuid.uuid4())
        self._started = time.monotonic()
        self._is_draining = False

    async def handle(self, request: web.Request, segments: Sequence[str]) -> web.Response:
        """The answer for the path segments below /admin/host, in lower case."""
        match request.method, *segments:
            case "GET", "status":
                return web.json_response(self._status())
            case "GET" | "POST", "ping":
                return web.Response(headers={"Cache-Control": "no-store"})
            case "PUT", "state":
                return await self._change_state(request)
            case "POST", "drain" | "resume" | "restart" as command:
                return await self._command(command)
        return web.Response(status=404)

    async def _command(self, command: str) -> web.Response:
        match command:
            case "drain":
                self._is_draining = True
                await self._commands.pause()
                return web.Response(status=202)
            case "resume":
                return await self._resume()
            case _:
                self._commands.restart()
                return web.Response(status=202)

    async def _change_state(self, request: web.Request) -> web.Response:
        try:
            text = json.loads(await request.read())
        except (ValueError, RecursionError):
            text = None
        wanted = {"running": State.RUNNING, "offline": State.OFFLINE}.get(str(text).lower())
        now = self.state.state
        if wanted is None or now not in {State.RUNNING, State.OFFLINE}:
            message = 'The body must be the JSON text "offline" or "running", and the host must be in one of these.'
            return web.json_response({"Message": message}, status=400)
        if wanted is now:
            return web.Response()
        await self.state.change(wanted)
        await (self._commands.pause() if wanted is State.OFFLINE else self._commands.resume())
        return web.Response(status=202)

    async def _resume(self) -> web.Response:
        if not self.state.is_running:
            return web.Response(status=409)
        if self._is_draining:
            self._is_draining = False
            await self._commands.resume()
        return web.json_response({"state": self.state.state})

    def _status(self) -> dict[str, Any]:
        return {
            "id": self._host_id,
            "state": self.state.state,
            "version": HOST_VERSION,
            "versionDetails": f"devhost on Python {platform.python_version()}, process {os.getpid()}",
            "instanceId": self._instance_id,
            "computerName": platform.node(),
            "processUptime": int((time.monotonic() - self._started) * 1000),
            "errors": self._errors,
            "extensionBundle": None,
        }


def host_id(script_root: Path, environ: Mapping[str, str]) -> str:
    """The name of this host among those that share a storage account: at most 32 characters, in lower case.

    Two folders of one app have different ones. The setting AzureFunctionsWebHost__hostid wins.
    Source: Azure/azure-functions-host, WebJobs.Script.WebHost/ScriptHostIdProvider.cs.
    """
    given = next((value for name, value in environ.items() if name.lower() == _HOST_ID_SETTING), "")
    if given:
        return given.lower()[:_HOST_ID_LENGTH]
    machine = "".join(one for one in platform.node().lower() if one.isascii() and one.isalnum())
    digest = str(int(hashlib.sha256(str(script_root).encode()).hexdigest()[:8], 16))
    return f"{machine[: _HOST_ID_LENGTH - 1 - len(digest)]}-{digest}"
