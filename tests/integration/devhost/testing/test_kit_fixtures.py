"""The pytest fixture of the kit, as a project uses it."""

from __future__ import annotations

import pytest

from devhost.testing import SyncHost
from devhost.testing.app_adapter import App
from devhost.testing.fixtures import durable_host
from tests.helpers.kit_app import make_app

__all__ = ["durable_host"]


@pytest.fixture
def durable_app() -> App:
    return make_app()


def test_the_fixture_gives_a_host_on_the_app_of_the_project(durable_host: SyncHost) -> None:
    run = durable_host.start("greeting", "Tokyo")
    assert durable_host.wait_for(run).output == "Hello Tokyo!"
