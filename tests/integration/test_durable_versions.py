"""Versions of instances: given, taken from defaultVersion of host.json, and seen by orchestrators."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance
from tests.helpers.durable_hub import running_hub

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]


def own(context: Context) -> Steps:
    yield from ()
    return context.version


def family(context: Context) -> Steps:
    """The own version, that of a child without one, that of a child that was given one."""
    plain = yield context.call_sub_orchestrator("own")
    given = yield context.call_sub_orchestrator("own", version="7.7")
    return [context.version, plain, given]


def twice(context: Context) -> Steps:
    yield from ()
    if context.get_input() is None:
        context.continue_as_new("second")
    else:
        return context.version


ORCHESTRATORS = {"own": own, "family": family, "twice": twice}


async def run(hub: TaskHub, name: str, version: str | None) -> Instance:
    own_id = await hub.create_instance(name, instance_id=None, input_text=None, version=version)
    ended = await hub.wait_until_finished(own_id, 20)
    assert ended is not None
    return ended


@pytest.mark.parametrize(
    ("version", "default_version", "output"),
    [
        (None, "", '["","","7.7"]'),
        ("1.0", "", '["1.0","","7.7"]'),
        (None, "2.0", '["2.0","2.0","7.7"]'),
        ("1.0", "2.0", '["1.0","2.0","7.7"]'),
    ],
)
async def test_orchestrators_and_children_know_their_version(
    tmp_path: Path, version: str | None, default_version: str, output: str
) -> None:
    async with running_hub(tmp_path / "hub.sqlite", ORCHESTRATORS, default_version=default_version) as hub:
        assert (await run(hub, "family", version)).output_text == output


async def test_a_new_generation_keeps_its_version_whatever_the_default_is(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", ORCHESTRATORS, default_version="2.0") as hub:
        assert (await run(hub, "twice", "1.0")).output_text == '"1.0"'


async def test_a_restart_keeps_the_version(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", ORCHESTRATORS, default_version="2.0") as hub:
        first = await run(hub, "own", "1.0")
        again = await hub.wait_until_finished(await hub.restart(first.instance_id, with_new_id=True), 20)
    assert again is not None
    assert again.output_text == '"1.0"'


async def test_the_history_holds_the_versions(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", ORCHESTRATORS, default_version="2.0") as hub:
        history = await hub.history((await run(hub, "family", "1.0")).instance_id)
    assert [(one["EventType"], one["Version"]) for one in history if one["EventType"] in (0, 7)] == [
        (0, "1.0"),
        (7, "2.0"),
        (7, "7.7"),
    ]
