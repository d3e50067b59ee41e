"""A pytest fixture for plain tests: `pytest_plugins = ["devhost.testing.fixtures"]` in the top conftest.py.

The project gives its app in a fixture of its own:

    @pytest.fixture
    def durable_app():
        return function_app.app
"""

from collections.abc import Iterator

import pytest

from devhost.testing.errors import KitError, hides_frames
from devhost.testing.rig.app_adapter import App
from devhost.testing.sync_host import SyncHost

__tracebackhide__ = hides_frames


@pytest.fixture
def durable_app() -> App:
    """The app under test; every project says which."""
    raise KitError(
        "Write a fixture `durable_app` in conftest.py that returns the app object, or the folder of function_app.py."
    )


@pytest.fixture
def durable_host(durable_app: App) -> Iterator[SyncHost]:
    """A host for one test, everything in memory. Async tests use `async with Host(app)` instead."""
    with SyncHost(durable_app) as host:
        yield host
