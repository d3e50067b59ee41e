"""`make run`: storage, the sample site and the host, up until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devhost.config.local_settings import read_local_settings
from scripts.azurite import start_azurite
from scripts.checkout import IN_USE_LOCK, ROOT, CheckoutBusy, file_lock
from scripts.free_port import is_free
from scripts.functions_host import FunctionsHost, listing_of, on_first_free_port, start_devhost, start_func
from scripts.http_json import Unreachable, ask
from scripts.processes import ChildFailed, Supervisor, stop_signals_raise
from scripts.run_folder import new_run_folder
from scripts.sample_site import start_sample_site

EMULATOR = "usedevelopmentstorage=true"
STORAGE_ACCOUNT_SETTINGS = ("AzureWebJobsStorage__accountName", "AzureWebJobsStorage__tableServiceUri")


def main(arguments: Sequence[str] | None = None) -> int:
    """Stay up until a signal or until a part ends; 0 after Ctrl-C, 1 if something failed."""
    options = _parse(arguments)
    folder = new_run_folder("run")
    try:
        with (
            stop_signals_raise(),
            file_lock(IN_USE_LOCK, shared=True),
            file_lock(options.state / ".azurite" / "make-run.lock", wait=False),
            Supervisor(folder) as supervisor,
        ):
            host, emulator = start_everything(supervisor, options)
            next_steps = what_to_do_next(host.url, logs=folder.relative_to(ROOT), emulator=emulator)
            print(*listing_of(host.child), "", *what_is_wrong(host.url), *next_steps, sep="\n", flush=True)
            ended = supervisor.wait_for_an_end()
            raise ChildFailed(ended.name, f"ended with code {ended.returncode}", ended.log_tail())
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running")
        return 0
    except CheckoutBusy:
        state = options.state.relative_to(ROOT) if options.state.is_relative_to(ROOT) else options.state
        print(f"run failed: another `make run` uses the state in {state}; name another: make run STATE=folder")
        return 1
    except (ChildFailed, OSError) as failure:
        print(f"\nrun failed: {failure}\nAll logs: {folder.relative_to(ROOT)}", file=sys.stderr)
        return 1


def start_everything(supervisor: Supervisor, options: argparse.Namespace) -> tuple[FunctionsHost, str | None]:
    """What the user's own settings leave to us, then the host; with the connection string of an emulator of ours.

    Raises ChildFailed, OSError.
    """
    if options.port and not is_free(options.port):
        raise OSError(
            f"port {options.port} is taken; name another with PORT=, or leave it out for 7071 or the next free one"
        )
    own_settings = _own_settings()
    ours: dict[str, str] = {}
    if needs_azurite(own_settings):
        print("starting Azurite …", flush=True)
        ours["AzureWebJobsStorage"] = start_azurite(supervisor, location=options.state / ".azurite").connection_string
    if options.sample:
        port_file = options.state / ".devhost" / "sample-site-port"
        site = start_sample_site(supervisor, books=options.books, fault_percent=options.faults, port_file=port_file)
        ours |= site.settings
        print(f"sample site: {site.url}", flush=True)
    print(f"starting the host ({options.host}) …", flush=True)

    def start(port: int) -> FunctionsHost:
        if options.host == "func":
            # `func` refuses to start without a worker runtime, which otherwise stands in local.settings.json.
            worker = {} if own_settings.get("FUNCTIONS_WORKER_RUNTIME") else {"FUNCTIONS_WORKER_RUNTIME": "python"}
            return start_func(supervisor, port=port, env=ours | worker)
        return start_devhost(supervisor, port=port, state_dir=options.state / ".devhost", env=ours, reload=True)

    host = start(options.port) if options.port else on_first_free_port(supervisor, start)
    return host, ours.get("AzureWebJobsStorage")


def needs_azurite(settings: Mapping[str, str]) -> bool:
    """Whether the settings name no storage account, or the emulator without saying where it is."""
    if any(settings.get(name) for name in STORAGE_ACCOUNT_SETTINGS):
        return False
    connection = settings.get("AzureWebJobsStorage", "").strip().rstrip(";").lower()
    return connection in {"", EMULATOR}


def _own_settings() -> dict[str, str]:
    """The user's settings: local.settings.json, under variables that are set already."""
    local = read_local_settings(ROOT / "local.settings.json")
    for warning in local.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return {**local.values, **{name: value for name, value in os.environ.items() if value}}


def what_to_do_next(url: str, *, logs: Path, emulator: str | None) -> list[str]:
    """The lines that end the start; the last one, alone, is what most people look for.

    `emulator`: the connection string, if we started one; others hold secrets.
    """
    tables = f"tables: AzureWebJobsStorage='{emulator}' .venv/bin/python -m storage datasets"
    return [
        f"logs:   {logs}",
        f"health: {url}/api/health",
        f"start:  curl -X POST {url}/api/runs",
        f"watch:  curl '{url}/api/runs?limit=1'",
        f"data:   curl {url}/api/datasets",
        *([tables] if emulator else []),
        "Ctrl-C stops everything.",
        "",
        f"dashboard: {url}/api/dashboard",
    ]


def what_is_wrong(url: str) -> list[str]:
    """What the app, which is up, says that it cannot work with, such as a sources file that is not there."""
    try:
        answer = ask("GET", f"{url}/api/health/details")
    except Unreachable:
        return []
    faults = answer.document.get("faults", {}) if isinstance(answer.document, dict) else {}
    return [f"warning: {name}: {fault}" for name, fault in faults.items()]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--host", choices=["devhost", "func"], default="devhost")
    parser.add_argument("--port", type=int, default=0, help="7071 or the next free port")
    parser.add_argument("--sample", type=int, choices=[0, 1], default=1, help="0: no sample site")
    parser.add_argument("--books", type=int, default=1000, help="books of the sample site (1000)")
    parser.add_argument("--faults", type=float, default=2.0, help="per cent of its book pages with a fault (2)")
    parser.add_argument("--state", type=Path, default=ROOT, help="where .azurite and .devhost are (the checkout)")
    options = parser.parse_args(arguments)
    options.state = options.state.resolve()
    return options


if __name__ == "__main__":
    sys.exit(main())
