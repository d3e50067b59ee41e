"""The app under the host, for tests over HTTP."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.processes import Supervisor
from scripts.sample_site import SampleSite
from tests.helpers.chosen_host import core_tools_are_chosen
from tests.helpers.linked_site import LinkedSite
from tests.helpers.running_app import RunningApp

StartApp = Callable[..., RunningApp]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under Core Tools only what speaks to the app over HTTP alone; all else looks into the bundled host."""
    if not core_tools_are_chosen():
        return
    chosen = [item for item in items if item.get_closest_marker("any_host")]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.fixture
def start_app(supervisor: Supervisor, azurite: str, table_prefix: str, tmp_path: Path) -> StartApp:
    """Starts the app on a sample site; everything ends with the test."""

    def start(site: SampleSite | LinkedSite, **settings: str) -> RunningApp:
        environment = {
            **site.settings,
            "AzureWebJobsStorage": azurite,
            "TABLE_PREFIX": table_prefix,
            "AzureWebJobs.daily_timer.Disabled": "true",
            "AzureWebJobs.watchdog.Disabled": "true",
            "AzureWebJobs.purge_timer.Disabled": "true",
            **settings,
        }
        return RunningApp(supervisor, tmp_path / "devhost", environment)

    return start
