"""Megabytes through everything that carries a value, and the one value that has a limit."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance, RuntimeStatus
from tests.helpers.durable_hub import running_hub

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]

# Two bytes and four bytes each in UTF-8, quotes and backslashes: everything that an encoding could lose.
LARGE = 'ü😀"\\' * 250_000


async def ended(hub: TaskHub, instance_id: str) -> Instance:
    found = await hub.wait_until_finished(instance_id, 60)
    assert found is not None
    return found


async def start(hub: TaskHub, name: str, value: Any) -> str:
    """As the SDK's client starts it: JSON within JSON."""
    return await hub.create_instance(name, instance_id="big", input_text=json.dumps(json.dumps(value)))


def echo(context: Context) -> Steps:
    yield from ()
    return context.get_input()


async def test_input_and_output_of_an_orchestration(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"echo": echo}) as hub:
        await start(hub, "echo", LARGE)
        assert json.loads((await ended(hub, "big")).output_text or "") == LARGE


async def test_input_and_result_of_an_activity(tmp_path: Path) -> None:
    def asks(context: Context) -> Steps:
        return (yield context.call_activity("same", context.get_input())) == context.get_input()

    async with running_hub(tmp_path / "hub.sqlite", {"asks": asks}, {"same": lambda value: value}) as hub:
        await start(hub, "asks", LARGE)
        assert (await ended(hub, "big")).output_text == "true"


async def test_input_and_output_of_a_child_and_of_the_next_generation(tmp_path: Path) -> None:
    def asks(context: Context) -> Steps:
        value = context.get_input()
        if value != LARGE[1:]:
            context.continue_as_new((yield context.call_sub_orchestrator("echo", value))[1:])
        else:
            return "the same"

    async with running_hub(tmp_path / "hub.sqlite", {"asks": asks, "echo": echo}) as hub:
        await start(hub, "asks", LARGE)
        assert (await ended(hub, "big")).output_text == '"the same"'


async def test_an_external_event(tmp_path: Path) -> None:
    def waits(context: Context) -> Steps:
        return (yield context.wait_for_external_event("go")) == LARGE

    async with running_hub(tmp_path / "hub.sqlite", {"waits": waits}) as hub:
        await hub.create_instance("waits", instance_id="big", input_text=None)
        await hub.raise_event("big", "go", json.dumps(LARGE))
        assert (await ended(hub, "big")).output_text == "true"


async def test_the_text_of_a_failure(tmp_path: Path) -> None:
    def asks(context: Context) -> Steps:
        yield context.call_activity("fails")

    def fails(value: Any) -> None:
        raise ValueError(LARGE[:100_000])

    async with running_hub(tmp_path / "hub.sqlite", {"asks": asks}, {"fails": fails}) as hub:
        await hub.create_instance("asks", instance_id="big", input_text=None)
        failed = await ended(hub, "big")
    assert failed.runtime_status is RuntimeStatus.FAILED
    assert f"ValueError: {LARGE[:100_000]}" in (failed.output_text or "")


@pytest.mark.row("durable/4.1/custom-status-limit")
@pytest.mark.parametrize(
    ("length", "status"),
    [(8 * 1024 - 2, RuntimeStatus.COMPLETED), (8 * 1024 - 1, RuntimeStatus.FAILED)],
    ids=["16 KB with its quotes", "one character more"],
)
async def test_a_custom_status_of_exactly_16_kb_of_utf_16_is_the_limit(
    tmp_path: Path, length: int, status: RuntimeStatus
) -> None:
    def tells(context: Context) -> Steps:
        context.set_custom_status("ü" * length)
        yield context.call_activity("nothing")

    async with running_hub(tmp_path / "hub.sqlite", {"tells": tells}, {"nothing": lambda value: None}) as hub:
        await hub.create_instance("tells", instance_id="big", input_text=None)
        assert (await ended(hub, "big")).runtime_status is status
