"""A TCP relay between two programs: the network that a test can cut."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from tests.helpers.threads import LoopThread

ADDRESS = "127.0.0.1"
_CHUNK_BYTES = 65_536


class Relay:
    """Whoever connects to `port` speaks with `target_port`, until `cut`. Its methods may be called by any thread."""

    def __init__(self, loop: LoopThread, port: int, target_port: int) -> None:
        self.port, self.target_port = port, target_port
        self.connections = 0
        """How many there have been."""
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def mend(self, target_port: int | None = None) -> None:
        """Take connections, from now on to another port if one is given."""
        self.target_port = target_port or self.target_port
        self._loop.call(self._listen())

    def cut(self) -> None:
        """Reset all connections, and refuse new ones. What was on its way is lost."""
        self._loop.call(self._cut())

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._take, ADDRESS, self.port, reuse_address=True)

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            _reset(writer)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._pass_on(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward, back = await asyncio.open_connection(ADDRESS, self.target_port)
        except OSError:
            _reset(writer)
            return
        if self._server is None:  # cut meanwhile
            _reset(writer)
            _reset(back)
            return
        self._writers |= {writer, back}
        await asyncio.gather(_pump(reader, back), _pump(onward, writer))
        self._writers -= {writer, back}


def _reset(writer: asyncio.StreamWriter) -> None:
    """Lingering for zero seconds makes the kernel send RST instead of an orderly FIN."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes; the end of one side is the end of the other."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


@contextmanager
def running_relay(target_port: int = 0) -> Iterator[Relay]:
    """A relay that takes connections, to `target_port` if that is given; else from the first `mend` on.

    Its port is its own also while it is cut: somebody else's it would never be again.
    """
    with closing(socket.socket()) as guard, LoopThread("relay") as loop:
        guard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        guard.bind((ADDRESS, 0))
        relay = Relay(loop, guard.getsockname()[1], target_port)
        if target_port:
            relay.mend()
        try:
            yield relay
        finally:
            relay.cut()
