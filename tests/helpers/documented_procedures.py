"""The commands of docs/procedures.md, run by a shell against the app in the test kit, whose clock is virtual."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from devhost.testing import Host
from samples.serving import serving
from tests.helpers.scrape_host import REPOSITORY

TEXT = (REPOSITORY / "docs/procedures.md").read_text("utf-8")
BLOCK = re.compile(r"^ *```sh ([a-z-]+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
COMMANDS: dict[str, str] = {match[1]: match[2] for match in BLOCK.finditer(TEXT)}


@asynccontextmanager
async def reachable(host: Host) -> AsyncIterator[str]:
    """The URL of an app in the kit, for programs of their own."""

    async def pass_on(request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read() if request.can_read_body else None
        kept = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        reply = await host.request(request.method, request.raw_path, body=body, headers=kept)
        return web.Response(status=reply.status, body=reply.body, content_type="application/json")

    async with serving(pass_on) as url:
        yield url


class Operator:
    """Somebody with the document and a shell."""

    def __init__(self, url: str, **environment: str) -> None:
        self._environment = {**os.environ, "APP": url, "KEY": "some-key", **environment}

    async def run(self, name: str, *, status: int = 0, **variables: str) -> list[Any]:
        """The JSON documents that a command prints."""
        left = (await self.output_of(name, status=status, **variables)).strip()
        documents = []
        while left:
            document, end = json.JSONDecoder().raw_decode(left)
            documents.append(document)
            left = left[end:].strip()
        return documents

    async def output_of(self, name: str, *, status: int = 0, **variables: str) -> str:
        """What a command prints; `status` is the exit status that it must have."""
        script = f"set -euo pipefail\n{COMMANDS['prelude']}\n{COMMANDS[name]}"
        path = f"{Path(sys.executable).parent}{os.pathsep}{self._environment['PATH']}"
        shell = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            script,
            cwd=REPOSITORY,
            env={**self._environment, "PATH": path, **variables},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await shell.communicate()
        assert shell.returncode == status, f"{name}: {out.decode()}"
        return out.decode()
