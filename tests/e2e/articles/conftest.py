"""One host for all tests of an article."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from tests.helpers.running_app import RunningApp

StartScene = Callable[..., RunningApp]


@pytest.fixture(scope="module")
def start_scene(azurite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartScene]:
    """Starts the app on a sample site of its own; everything ends with the module.

    Its timer can be run by hand and does not fire by itself; its queues deliver again after a second.
    """
    folder = tmp_path_factory.mktemp("article")
    with Supervisor(folder / "logs") as supervisor:

        def start(*, books: int, latency_ms: float = 0, **settings: str) -> RunningApp:
            site = start_sample_site(supervisor, books=books, fault_percent=0, latency_ms=latency_ms)
            environment = {
                **site.settings,
                "AzureWebJobsStorage": azurite,
                "TABLE_PREFIX": f"t{uuid.uuid4().hex[:12]}",
                "SCRAPE_SCHEDULE": "0 0 0 29 2 *",
                "WELCOME_FAILURE_PERCENT": "0",
                "AzureWebJobs.watchdog.Disabled": "true",
                "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
                "DEVHOST_QUEUE_LEASE_SECONDS": "1",
                **settings,
            }
            return RunningApp(supervisor, folder / "devhost", environment)

        yield start
