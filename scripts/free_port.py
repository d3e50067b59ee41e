"""Whether a port can be had."""

from __future__ import annotations

import socket
from contextlib import closing


def is_free(port: int) -> bool:
    """Whether nobody listens on `port` of 127.0.0.1."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT can be bound, too
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
