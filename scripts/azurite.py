"""Azurite, the storage emulator, on ports the system chooses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scripts.checkout import AZURITE_SCRIPT, NODE_POINTER
from scripts.processes import Child, ChildFailed, Supervisor

ACCOUNT = "devstoreaccount1"
# The emulator's account key: the same in every Azurite, printed in its documentation, a secret of nobody.
PUBLIC_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
READY_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Azurite:
    """A running Azurite: its three ports on 127.0.0.1, and the process."""

    blob_port: int
    queue_port: int
    table_port: int
    child: Child

    @property
    def connection_string(self) -> str:
        """What AzureWebJobsStorage takes."""
        services = {"Blob": self.blob_port, "Queue": self.queue_port, "Table": self.table_port}
        endpoints = "".join(f"{name}Endpoint=http://127.0.0.1:{port}/{ACCOUNT};" for name, port in services.items())
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={PUBLIC_KEY};{endpoints}"


def start_azurite(supervisor: Supervisor, *, location: Path | None) -> Azurite:
    """Start Azurite and wait until its three services listen. Raises ChildFailed.

    `location` is the folder that keeps the data; None keeps it in memory, until Azurite ends.
    """
    if not NODE_POINTER.exists() or not AZURITE_SCRIPT.exists():
        raise ChildFailed("azurite", "it is not installed in this checkout; run: make setup", "")
    where = ["--inMemoryPersistence"] if location is None else ["--location", str(location)]
    ports = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"]
    flags = ["--skipApiVersionCheck", "--disableTelemetry", *where, *ports]
    child = supervisor.start("azurite", [NODE_POINTER.read_text(), AZURITE_SCRIPT, *flags])
    return Azurite(_port(child, "Blob"), _port(child, "Queue"), _port(child, "Table"), child)


def _port(child: Child, service: str) -> int:
    pattern = rf"Azurite {re.escape(service)} service is successfully listening at http://[^:]+:(\d+)"
    return int(child.wait_for_line(pattern, timeout_s=READY_TIMEOUT_S, what=f"its {service} service")[1])
