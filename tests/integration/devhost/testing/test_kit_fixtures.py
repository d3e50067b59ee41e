"""Plain pytest: the fixture of the kit as a project uses it, and the host without async."""

from __future__ import annotations

import inspect

import pytest

from devhost.testing import Host, SyncHost
from devhost.testing.fixtures import durable_host
from devhost.testing.rig.app_adapter import App
from tests.helpers.kit_app import make_app

__all__ = ["durable_host"]


@pytest.fixture
def durable_app() -> App:
    return make_app()


def test_the_fixture_gives_a_host_on_the_app_of_the_project(durable_host: SyncHost) -> None:
    run = durable_host.start("greeting", "Tokyo")
    assert durable_host.wait_for(run).output == "Hello Tokyo!"


def public_methods(host: type) -> dict[str, list[str]]:
    members = inspect.getmembers(host, inspect.isfunction)
    return {name: list(inspect.signature(one).parameters) for name, one in members if not name.startswith("_")}


def test_the_plain_host_has_every_method_of_the_async_one() -> None:
    assert public_methods(SyncHost) == public_methods(Host)
