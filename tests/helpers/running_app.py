"""The real app under a real host, on Azurite and the sample site, as processes that a test may kill."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from samples.site.catalogue import Catalogue
from scraper.models import scalar_as_json
from scraper.settings import Settings
from scripts.checkout import ROOT
from scripts.functions_host import FunctionsHost
from scripts.http_json import Answer, Unreachable, ask
from scripts.processes import Child, Supervisor
from storage.data.dataset import Dataset
from storage.store import Store, open_store
from tests.helpers.chosen_host import start_chosen_host

POLL_S = 0.25


@dataclass
class RunningApp:
    """A host with this repository's app; `restart` may follow a kill, on the same state."""

    supervisor: Supervisor
    state_dir: Path
    settings: Mapping[str, str]
    script_root: Path = ROOT
    host: FunctionsHost = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    @property
    def child(self) -> Child:
        return self.host.child

    def restart(self) -> None:
        """Start the host on its state folder; the port may be another one than before."""
        self.host = start_chosen_host(
            self.supervisor, state_dir=self.state_dir, env=self.settings, script_root=self.script_root
        )

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        return ask(method, f"{self.host.url}{path}", body)

    def start_run(self, run_id: str, body: Any = None) -> Answer:
        return self.ask("POST", f"/api/orchestrators/daily_scrape/{run_id}", body)

    def finished_run(self, run_id: str, *, timeout_s: float = 240) -> dict[str, Any]:
        """The run's record once its orchestration has ended, too."""
        wait_for(lambda: self.status(run_id)["runtimeStatus"] not in {"Pending", "Running"}, timeout_s=timeout_s)
        return self.run(run_id)

    def run(self, run_id: str) -> dict[str, Any]:
        """The run's record as it stands."""
        answer = self.ask("GET", f"/api/runs/{run_id}")
        assert answer.status == 200, answer.text
        document: dict[str, Any] = answer.document
        return document

    def status(self, instance_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/runtime/webhooks/durabletask/instances/{instance_id}")
        assert answer.status in {200, 202}, answer.text
        document: dict[str, Any] = answer.document
        return document

    def custom_status(self, instance_id: str) -> dict[str, Any]:
        """The custom status of an instance; empty before it has taken its first step."""
        return self.status(instance_id)["customStatus"] or {}

    def input_of(self, instance_id: str) -> Any:
        """What the instance was started with; the SDK's client sends it as JSON text."""
        return json.loads(self.status(instance_id)["input"])

    def live_instances(self) -> list[str]:
        """IDs of all instances that have not ended."""
        listed = self.ask("GET", "/runtime/webhooks/durabletask/instances?runtimeStatus=Running,Pending&top=1000")
        return [instance["instanceId"] for instance in listed.document]

    def terminate(self, instance_id: str) -> None:
        answer = self.ask("POST", f"/runtime/webhooks/durabletask/instances/{instance_id}/terminate?reason=test")
        assert answer.status in {202, 410}, answer.text

    def failures(self, run_id: str) -> list[dict[str, Any]]:
        """All failed pages of the run."""
        failures: list[dict[str, Any]] = []
        continuation: str | None = ""
        while continuation is not None:
            answer = self.ask("GET", f"/api/runs/{run_id}/failures?continuation={quote(continuation)}")
            assert answer.status == 200, answer.text
            failures += answer.document["failures"]
            continuation = answer.document["continuation"]
        return failures

    def _hub_file(self) -> Path:
        """The host names it after the task hub, and the app has one hub only."""
        (found,) = self.state_dir.glob("*.sqlite")
        return found

    def history_sizes(self) -> dict[str, int]:
        """Bytes of the history of every instance that the hub has, as it stands in the state file."""
        with closing(sqlite3.connect(self._hub_file())) as db:
            found = db.execute("SELECT instance_id, sum(length(cast(events AS BLOB))) FROM history GROUP BY 1")
            return dict(found.fetchall())

    def largest_custom_status(self) -> int:
        """Bytes of the largest custom status in the hub."""
        with closing(sqlite3.connect(self._hub_file())) as db:
            select = "SELECT coalesce(max(length(cast(custom_status_text AS BLOB))), 0) FROM instances"
            return int(db.execute(select).fetchone()[0])


def wait_for(is_so: Callable[[], bool], *, timeout_s: float, every_s: float = POLL_S) -> None:
    """Return when it is so. A host that is being restarted does not answer; that counts as not yet."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with suppress(Unreachable):
            if is_so():
                return
        time.sleep(every_s)
    raise AssertionError(f"not so within {timeout_s} s")


@asynccontextmanager
async def storage_of(settings: Mapping[str, str]) -> AsyncIterator[Store]:
    """The storage of an app with these settings; once per test, since it cannot be opened again."""
    store = open_store(
        Settings(storage_connection=settings["AzureWebJobsStorage"], table_prefix=settings["TABLE_PREFIX"])
    )
    try:
        yield store
    finally:
        await store.tables.close()


async def published(settings: Mapping[str, str], source: str) -> tuple[Dataset | None, dict[str, list[dict[str, Any]]]]:
    """The dataset of a source and its rows by page path, read as a reader does: through the pointer. Once per test."""
    async with storage_of(settings) as store:
        return await rows_by_path(store, source)


async def rows_by_path(store: Store, source: str) -> tuple[Dataset | None, dict[str, list[dict[str, Any]]]]:
    """As `published`, for a test that has a store."""
    dataset = await store.datasets.find(source)
    rows: dict[str, list[dict[str, Any]]] = {}
    if dataset is not None and dataset.snapshot:
        async for row in store.published_rows(source):
            rows.setdefault("/" + row.url.split("/", 3)[3], []).append(dict(row.values))
    return dataset, rows


def expected_rows(catalogue: Catalogue) -> dict[str, list[dict[str, Any]]]:
    """What the `books` source must publish of this catalogue, in the form that rows are stored in."""
    return {
        path: [{name: scalar_as_json(value) for name, value in values.items() if value is not None}]
        for path, values in catalogue.expected_rows().items()
    }


def failures_by_path(failures: list[dict[str, Any]]) -> dict[str, str]:
    """Reason codes of the failed pages of `books`, by path."""
    return {"/" + one["url"].split("/", 3)[3]: one["reason"] for one in failures if one["source"] == "books"}


def as_json(value: Any) -> str:
    """Stable text, for messages."""
    return json.dumps(value, sort_keys=True, default=str)
