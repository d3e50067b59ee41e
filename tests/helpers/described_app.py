"""The app under a host that asks for keys, on a small sample site: the world that its description is held against."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devhost.functions.description import LoadedApp
from scripts.checkout import ROOT
from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.loaded_apps import load_script

ALL_ROUTES = {"ALLOW_GET_COMMANDS": "true"}
BOOKS = 20  # the least that the gates of sources.toml let through


@dataclass(frozen=True)
class DescribedApp:
    """A running host, a key that opens every function, and one that opens everything."""

    host: RunningHost
    key: str
    master_key: str

    def suspend(self, started: Mapping[str, str]) -> None:
        """Keep an instance from ending, by the answer to its start."""
        assert self.host.call("POST", started["suspendPostUri"].replace("{text}", "test")).status == 202

    def run_timer(self, name: str) -> None:
        """Run a timer function once; it has been accepted when this returns."""
        headers = {"x-functions-key": self.master_key, "Content-Type": "application/json"}
        assert self.host.call("POST", f"/admin/functions/{name}", body="{}", headers=headers).status == 202


@contextmanager
def described_app(folder: Path, storage: str, **settings: str) -> Iterator[DescribedApp]:
    """The app with all its routes, in which nothing starts by itself or fails on purpose: timers and queues are off."""
    with Supervisor(folder / "logs") as supervisor:
        site = start_sample_site(supervisor, books=BOOKS, fault_percent=5)
        quiet = {**switched_off(folder), "WELCOME_FAILURE_PERCENT": "0"}
        environment = {**site.settings, **quiet, **ALL_ROUTES, "AzureWebJobsStorage": storage, **settings}
        state = folder / "state"
        with running_host(
            ROOT, log_dir=folder / "logs", state_dir=state, arguments=["--enable-auth"], env=environment
        ) as host:
            keys = json.loads((state / "keys.json").read_text())
            yield DescribedApp(host, keys["host"]["default"], keys["master"])


def loaded_app(folder: Path) -> LoadedApp:
    """The functions of this repository's app; `folder` takes a copy of its script."""
    settings = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    return load_script(folder, (ROOT / "function_app.py").read_text(), environ=settings)


def switched_off(folder: Path) -> Mapping[str, str]:
    """The settings under which nothing of the app starts by itself; `folder` takes a copy of its script."""
    functions = loaded_app(folder).functions
    alone = [one.name for one in functions if one.trigger_type in {"timerTrigger", "queueTrigger"}]
    return {f"AzureWebJobs.{name}.Disabled": "true" for name in alone}
