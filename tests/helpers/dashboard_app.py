"""The app under a host that asks for keys, with a past, for tests in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.checkout import ROOT
from scripts.past_days import write_past_days
from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.running_app import storage_of, wait_for
from tests.helpers.threads import LoopThread

TIMERS = ("daily_timer", "watchdog", "purge_timer")
QUIET = {f"AzureWebJobs.{name}.Disabled": "true" for name in TIMERS}
RUN_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class DashboardApp:
    """A running app; `key` opens its functions, as an operator has it."""

    host: RunningHost
    key: str

    @property
    def url(self) -> str:
        """Of the page."""
        return f"{self.host.url}/api/dashboard"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer below `/api`, which must be a good one."""
        payload = None if body is None else json.dumps(body)
        headers = {"x-functions-key": self.key, "Content-Type": "application/json"}
        answer = self.host.call(method, f"/api/{path}", body=payload, headers=headers)
        assert answer.status < 300, answer.body.decode()
        return answer.json()

    def start_run(self, *sources: str) -> str:
        """Start a run of these sources, or of all; its ID."""
        run_id: str = self.ask("POST", "runs", {"sources": list(sources)} if sources else {})["runId"]
        return run_id

    def finished(self, run_id: str) -> dict[str, Any]:
        """The record of a run once it has ended and the next one can begin."""
        wait_for(lambda: self.ask("GET", f"runs/{run_id}")["state"] == "finished", timeout_s=RUN_TIMEOUT_S, every_s=0.1)
        wait_for(self.is_free, timeout_s=RUN_TIMEOUT_S, every_s=0.1)
        record: dict[str, Any] = self.ask("GET", f"runs/{run_id}")
        return record

    def end_runs(self) -> None:
        """End what is still alive."""
        newest = self.newest_run()
        if newest["state"] != "finished":
            self.ask("POST", f"runs/{newest['runId']}/stop?mode=now")
        wait_for(self.is_free, timeout_s=RUN_TIMEOUT_S, every_s=0.1)

    def is_free(self) -> bool:
        """Whether no run is alive."""
        return all(run["state"] == "finished" for run in self.ask("GET", "runs?limit=1")["runs"])

    def newest_run(self) -> dict[str, Any]:
        """The record of the run that has begun last."""
        record: dict[str, Any] = self.ask("GET", "runs?limit=1")["runs"][0]
        return record


@contextmanager
def dashboard_app(
    folder: Path, settings: Mapping[str, str], *, past: Mapping[str, int] | None = None
) -> Iterator[DashboardApp]:
    """The app on a storage of its own; `past` gives it thirty days of runs of sources with so many pages."""
    if past:
        with LoopThread("past") as loop:  # the thread of the tests may have a loop that runs
            loop.call(_write_past(settings, past))
    state = folder / "state"
    with running_host(
        ROOT, log_dir=folder / "logs", state_dir=state, arguments=["--enable-auth"], env={**QUIET, **settings}
    ) as host:
        keys = json.loads((state / "keys.json").read_text())
        yield DashboardApp(host, keys["host"]["default"])


async def _write_past(settings: Mapping[str, str], past: Mapping[str, int]) -> None:
    async with storage_of(settings) as store:
        await write_past_days(store, past, today=datetime.now(UTC), days=30)
