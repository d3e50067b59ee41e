import asyncio

import pytest

from devhost.web.host_state import HostState, State
from devhost.web.request_queue import RequestQueue, TooManyRequests


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def hold(queue: RequestQueue, release: asyncio.Event, running: list[int], number: int) -> None:
    async with queue.place():
        running.append(number)
        await release.wait()


async def test_request_beyond_the_outstanding_ones_is_turned_away():
    queue = RequestQueue(max_outstanding=1, max_concurrent=None)
    async with queue.place():
        with pytest.raises(TooManyRequests):
            async with queue.place():
                raise AssertionError


async def test_place_is_free_again_after_a_failure():
    queue = RequestQueue(max_outstanding=1, max_concurrent=None)
    with pytest.raises(ZeroDivisionError):
        async with queue.place():
            raise ZeroDivisionError
    async with queue.place():
        pass


async def test_request_beyond_the_concurrent_ones_waits_for_its_turn():
    queue, release, running = RequestQueue(max_outstanding=3, max_concurrent=1), asyncio.Event(), []
    tasks = [asyncio.create_task(hold(queue, release, running, number)) for number in range(2)]
    await turns()
    waiting = list(running)
    release.set()
    await asyncio.gather(*tasks)
    assert (waiting, running) == ([0], [0, 1])


async def test_waiting_requests_count_as_outstanding():
    queue, release = RequestQueue(max_outstanding=2, max_concurrent=1), asyncio.Event()
    tasks = [asyncio.create_task(hold(queue, release, [], number)) for number in range(2)]
    await turns()
    with pytest.raises(TooManyRequests):
        async with queue.place():
            raise AssertionError
    release.set()
    await asyncio.gather(*tasks)


@pytest.mark.row("host/2.3/not-running")
async def test_request_waits_while_the_host_starts():
    state = HostState()
    waiting = asyncio.create_task(state.wait_until_running())
    await turns()
    was_waiting = not waiting.done()
    await state.change(State.RUNNING)
    assert (was_waiting, await waiting) == (True, True)


async def test_wait_for_a_host_that_does_not_start_ends_at_the_limit():
    assert await HostState().wait_until_running(limit_s=0.01) is False


@pytest.mark.parametrize("other", [State.OFFLINE, State.STOPPING])
async def test_host_that_is_away_is_not_waited_for(other: State):
    state = HostState()
    await state.change(other)
    assert await asyncio.wait_for(state.wait_until_running(), timeout=1) is False
