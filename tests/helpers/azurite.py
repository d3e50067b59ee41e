"""Azurite for tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.azurite import Azurite, start_azurite
from scripts.processes import Supervisor
from tests.helpers.relay import Relay, running_relay

SAVED_EVERY_S = 5.0
"""Azurite saves its tables so often (autosaveInterval of its LokiTableMetadataStore), and when it is stopped."""


@contextmanager
def running_azurite(log_dir: Path, *, location: Path | None = None) -> Iterator[str]:
    """Connection string of an Azurite that ends with the block; in memory unless `location` is a folder."""
    with Supervisor(log_dir) as supervisor:
        yield start_azurite(supervisor, location=location).connection_string


class RestartedAzurite:
    """An Azurite with its data on disk that can be restarted, always at the same address."""

    def __init__(self, supervisor: Supervisor, location: Path, relays: tuple[Relay, Relay, Relay]) -> None:
        self._supervisor, self._location, self._relays = supervisor, location, relays
        self._running = self._start()

    @property
    def connection_string(self) -> str:
        """What AzureWebJobsStorage takes."""
        return Azurite(*(relay.port for relay in self._relays), self._running.child).connection_string

    @property
    def own_connection_string(self) -> str:
        """The same past the relays: another one after each restart, and good for as long as it runs."""
        return self._running.connection_string

    def restart(self, *, kill: bool) -> None:
        """Stop it in the midst of its work, or kill it with -9, and start it again on its data.

        To its clients both are the same: answers on their way are lost, connections refused. It is killed only when it
        has saved what it had acknowledged: that storage keeps what it has acknowledged is what all programs rely on.
        """
        for relay in self._relays:
            relay.cut()
        if kill:
            time.sleep(SAVED_EVERY_S + 1)
            self._running.child.kill()
        self._supervisor.stop(self._running.child)
        self._running = self._start()

    def _start(self) -> Azurite:
        azurite = start_azurite(self._supervisor, location=self._location)
        ports = (azurite.blob_port, azurite.queue_port, azurite.table_port)
        for relay, port in zip(self._relays, ports, strict=True):
            relay.mend(port)
        return azurite


@contextmanager
def restarted_azurite(log_dir: Path, *, location: Path) -> Iterator[RestartedAzurite]:
    """An Azurite with data in the folder `location`, which ends with the block."""
    with (
        Supervisor(log_dir) as supervisor,
        running_relay() as blobs,
        running_relay() as queues,
        running_relay() as tables,
    ):
        yield RestartedAzurite(supervisor, location, (blobs, queues, tables))
