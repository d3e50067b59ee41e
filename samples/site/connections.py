"""Answers that HTTP servers do not give: written past the server, or cut off."""

import asyncio
import socket
import struct

from aiohttp import web

_LINGER_S = 0.2


class Gone(web.Response):
    """Stands for an answer that has gone its own way: its connection is no more. `outcome` is how /stats counts it."""

    def __init__(self, outcome: str) -> None:
        super().__init__()
        self.outcome = outcome


def reset(request: web.BaseRequest) -> Gone:
    """Break the connection at once."""
    transport = request.transport
    if transport is not None:
        # Lingering for zero seconds makes the kernel send RST instead of an orderly FIN.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return Gone("reset")


async def send_as_it_is(request: web.BaseRequest, headers: dict[str, str], body: bytes) -> Gone:
    """Send 200 with these headers and this body, whether they fit each other or not; then close the connection.

    Not at once: a reader that has enough must see that more has come.
    """
    transport = request.transport
    if transport is not None:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        transport.write(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body)
        await asyncio.sleep(_LINGER_S)
        transport.close()
    return Gone("200")
