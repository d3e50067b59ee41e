"""`make screenshots`: the pictures of the dashboard in docs/images, of the real app scraping the sample site."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from scraper.settings import Settings
from scripts.azurite import start_azurite
from scripts.checkout import IN_USE_LOCK, ROOT, file_lock
from scripts.chromium import NoChromium, require_chromium
from scripts.functions_host import FunctionsHost, start_devhost
from scripts.http_json import ask
from scripts.past_days import write_past_days
from scripts.processes import ChildFailed, Supervisor, stop_signals_raise
from scripts.run_folder import new_run_folder
from scripts.sample_site import start_sample_site
from scripts.sample_sources import require_sample_sources
from storage.store import open_store

FOLDER = ROOT / "docs" / "images"
BOOKS = 1000
LATENCY_MS = 400
"""Slow enough to be met in the middle of a run."""
PAST_DAYS = 30
RUN_TIMEOUT_S = 300.0
MOST_BYTES = 200_000
DESK = (1280, 960)
PHONE = (360, 740)


@dataclass(frozen=True)
class Shot:
    """One picture: its file, the view that it shows, and in what window."""

    name: str
    view: str
    theme: Literal["light", "dark"] = "light"
    window: tuple[int, int] = DESK


LIVE = (
    Shot("dashboard", "#/"),
    Shot("dashboard-dark", "#/", theme="dark"),
    Shot("dashboard-phone", "#/", window=PHONE),
)
"""Taken while a run goes on."""


def ended(run_id: str) -> tuple[Shot, ...]:
    """Taken once the run has ended."""
    return (
        Shot("dashboard-run", f"#/runs/{run_id}"),
        Shot("dashboard-dataset", "#/datasets/books", theme="dark"),
    )


class ShotsFailed(Exception):
    """The pictures could not be taken; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Take all pictures; 0 if they are there, and small enough."""
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder of the pictures (docs/images)")
    folder = parser.parse_args(arguments).to
    require_sample_sources("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    logs = new_run_folder("screenshots")
    try:
        with stop_signals_raise(), file_lock(IN_USE_LOCK, shared=True), Supervisor(logs) as supervisor:
            host = start_everything(supervisor, logs)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=require_chromium())
                take_all(host, browser, folder)
                browser.close()
    except (ChildFailed, NoChromium, ShotsFailed) as failure:
        print(f"screenshots failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def start_everything(supervisor: Supervisor, logs: Path) -> FunctionsHost:
    """Azurite with a month of past, the sample site, and the host. Raises ChildFailed."""
    azurite = start_azurite(supervisor, location=None)
    site = start_sample_site(supervisor, books=BOOKS, fault_percent=2, latency_ms=LATENCY_MS)
    asyncio.run(_write_past(azurite.connection_string))
    settings = {
        **site.settings,
        "AzureWebJobsStorage": azurite.connection_string,
        "SOURCES_FILE": "sources.toml",
        "TABLE_PREFIX": "pictures",
        "AzureWebJobs.daily_timer.Disabled": "true",
    }
    return start_devhost(supervisor, port=0, state_dir=logs / "devhost", env=settings)


async def _write_past(connection: str) -> None:
    store = open_store(Settings(storage_connection=connection, table_prefix="pictures"))
    try:
        pages = {"books": BOOKS, "listing": BOOKS // 20}
        await write_past_days(store, pages, today=datetime.now(UTC), days=PAST_DAYS)
    finally:
        await store.tables.close()


def take_all(host: FunctionsHost, browser: Browser, folder: Path) -> None:
    """Start workflows and a run, and take the pictures of both its middle and its end. Raises ShotsFailed."""
    for key in ("order-1042", "order-1043"):
        _ask(host, "POST", f"start/{key}", {"waitFor": ["paid", "packed"], "mode": "all", "timeoutSeconds": 86_400})
    run_id = _ask(host, "POST", "runs")["runId"]

    def loaded() -> int:
        return int(_ask(host, "GET", f"runs/{run_id}")["totals"]["loaded"])

    _wait_for(lambda: loaded() > BOOKS * 0.3)
    for shot in LIVE:
        take(host, browser, shot, folder)
    _wait_for(lambda: _ask(host, "GET", f"runs/{run_id}")["state"] == "finished")
    for shot in ended(run_id):
        take(host, browser, shot, folder)


def take(host: FunctionsHost, browser: Browser, shot: Shot, folder: Path) -> None:
    """One picture. Raises ShotsFailed if it is too large for a repository."""
    width, height = shot.window
    size: ViewportSize = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme=shot.theme, reduced_motion="reduce")
    try:
        page = context.new_page()
        page.goto(f"{host.url}/api/dashboard{shot.view}")
        page.wait_for_selector("#view .loading", state="detached")
        _settle(page)
        path = folder / f"{shot.name}.png"
        page.screenshot(path=path, animations="disabled")
    finally:
        context.close()
    in_bytes = path.stat().st_size
    print(f"{path.name}: {width}x{height}, {in_bytes:,} bytes", flush=True)
    if in_bytes > MOST_BYTES:
        raise ShotsFailed(f"{path.name} has {in_bytes:,} bytes, at most {MOST_BYTES:,} are wanted")


def _settle(page: Page) -> None:
    """Two looks of the page at the app: rates are known from the second one on."""
    page.wait_for_timeout(2_500)


def _ask(host: FunctionsHost, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    answer = ask(method, f"{host.url}/api/{path}", body)
    if answer.status >= 300:
        raise ShotsFailed(f"{method} {path} answered {answer.status} {answer.text}")
    return answer.document


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + RUN_TIMEOUT_S
    while not is_so():
        if time.monotonic() > deadline:
            raise ShotsFailed("the run does not get there")
        time.sleep(0.3)


if __name__ == "__main__":
    sys.exit(main())
