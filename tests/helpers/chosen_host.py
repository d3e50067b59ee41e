"""The host that end-to-end tests run the app under: the bundled one, or Core Tools with HOST=func."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from scripts.checkout import ROOT, content_hash
from scripts.functions_host import FunctionsHost, start_devhost, start_func
from scripts.processes import Supervisor

HUB = "AzureFunctionsJobHost__extensions__durableTask__hubName"


def core_tools_are_chosen() -> bool:
    """Whether this test run is one of Core Tools."""
    return os.environ.get("HOST") == "func"


def start_chosen_host(
    supervisor: Supervisor, *, state_dir: Path, env: Mapping[str, str], script_root: Path = ROOT
) -> FunctionsHost:
    """Start the host on a free port. Raises ChildFailed.

    The bundled host keeps orchestrations in `state_dir`. Core Tools keep them in the storage account, which all
    tests of a session share: there the folder gives its task hub a name.
    """
    if not core_tools_are_chosen():
        return start_devhost(supervisor, port=0, state_dir=state_dir, env=env, script_root=script_root)
    hub = f"E2e{content_hash(str(state_dir))[:16]}"
    return start_func(supervisor, port=_free_port(), env={"FUNCTIONS_WORKER_RUNTIME": "python", HUB: hub, **env})


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
