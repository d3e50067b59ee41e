"""The sockets that the host listens on."""

import socket

from devhost.errors import HostStartError

BACKLOG = 1024
"""Connections that may wait for their turn; while the host starts again, all of them do."""


def bind(address: str, port: int) -> socket.socket:
    """A bound TCP socket that does not listen yet; port 0 takes a free one.

    Raises HostStartError, which names the port, if it is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        # Two hosts may both bind; only one may listen. Finding out now keeps the error at the start.
        sock.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        sock.close()
        raise HostStartError(
            f"Port {port} of {address} is unavailable ({error}). Close the process that uses the port, "
            "or choose another with --port (0 takes a free one)."
        ) from error
    return sock


def take_over(descriptor: int | None, address: str, port: int) -> socket.socket:
    """The listening socket of this process's predecessor, if it is the one that is asked for; else a new one.

    Raises HostStartError as `bind` does.
    """
    if descriptor is None:
        return bind(address, port)
    sock = socket.socket(fileno=descriptor)
    present_address, present_port = sock.getsockname()[:2]
    if _has_address(present_address, address) and port in (0, present_port):
        return sock
    sock.close()
    return bind(address, port)


def _has_address(present: str, written: str) -> bool:
    """Whether `written`, which may be a host name or a short form, means the address `present`."""
    try:
        found = socket.getaddrinfo(written, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return present in {address[0] for *_, address in found}
