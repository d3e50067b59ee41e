"""The network that tests cut: it passes on everything, or nothing."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.helpers.relay import Relay, running_relay

BODY = b"x" * 1_000_000


class Pages(BaseHTTPRequestHandler):
    hold = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2])
        if self.path == "/stalled":
            self.hold.wait(60)
        self.wfile.write(BODY[len(BODY) // 2 :])

    def log_message(self, *_: object) -> None:
        """Nobody wants to know."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Pages.hold = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        Pages.hold.set()
        running.shutdown()


@pytest.fixture
def relay(server: ThreadingHTTPServer) -> Iterator[Relay]:
    with running_relay(server.server_address[1]) as running:
        yield running


def get(relay: Relay, path: str = "/") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_a_relay_passes_on_everything(relay: Relay) -> None:
    assert get(relay) == BODY
    assert get(relay) == BODY
    assert relay.connections == 2


def test_a_cut_relay_refuses_connections_until_it_is_mended(relay: Relay) -> None:
    relay.cut()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            get(relay)
    relay.mend()
    assert get(relay) == BODY


def test_a_cut_breaks_off_what_is_on_its_way(relay: Relay) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=60)
    connection.request("GET", "/stalled")
    response = connection.getresponse()
    assert response.read(10) == BODY[:10]
    relay.cut()
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        response.read()
    connection.close()


def test_a_mended_relay_may_lead_elsewhere(relay: Relay, server: ThreadingHTTPServer) -> None:
    relay.cut()
    relay.mend(1)  # where nobody listens
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        get(relay)
    relay.cut()
    relay.mend(server.server_address[1])
    assert get(relay) == BODY
