"""Loops that go on whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from devhost.background import cancel_all, repeat


async def run_until_third_step(first: BaseException) -> None:
    steps = 0
    third = asyncio.Event()

    async def step() -> None:
        nonlocal steps
        steps += 1
        if steps == 1:
            raise first
        if steps == 3:
            third.set()
        await asyncio.sleep(0)

    await with_loop(step, third.wait())


async def with_loop(step: Callable[[], Awaitable[None]], until: Awaitable[object]) -> None:
    loop = asyncio.create_task(repeat(step, what="Stepping", pause_s=0, logger=logging.getLogger("test.loop")))
    try:
        await asyncio.wait_for(until, 5)
    finally:
        await cancel_all([loop])


@pytest.mark.parametrize("fault", [RuntimeError("boom"), asyncio.CancelledError()])
async def test_an_error_in_a_step_does_not_end_the_loop(fault: BaseException) -> None:
    await run_until_third_step(fault)


async def test_an_error_in_a_step_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    await run_until_third_step(RuntimeError("boom"))
    assert [record.getMessage() for record in caplog.records] == ["Stepping failed; trying again in 0 s"]
    assert "RuntimeError: boom" in caplog.text


async def test_a_cancelled_loop_ends_even_if_its_step_fails_meanwhile() -> None:
    began = asyncio.Event()

    async def step() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            raise RuntimeError("while ending") from error

    await asyncio.wait_for(with_loop(step, began.wait()), 5)
