from __future__ import annotations

import threading

import pytest

from devhost.life import Ending, GaveUp, Life, Restarted, Stopped

RESTARTED, STOPPED, GAVE_UP = Restarted("changed"), Stopped(), GaveUp("too often")


@pytest.mark.parametrize(
    ("asked", "counts"),
    [
        ((STOPPED, RESTARTED), STOPPED),
        ((RESTARTED, STOPPED), STOPPED),
        ((RESTARTED, GAVE_UP), GAVE_UP),
        ((GAVE_UP, STOPPED), GAVE_UP),
        ((RESTARTED, Restarted("changed again")), RESTARTED),
    ],
)
async def test_first_ending_counts_but_a_restart_gives_way(asked: tuple[Ending, Ending], counts: Ending):
    life = Life()
    for ending in asked:
        life.end(ending)
    assert (await life.wait(), life.ending) == (counts, counts)


async def test_ending_from_another_thread_wakes_who_waits():
    life = Life()
    threading.Timer(0.01, life.end, [STOPPED]).start()
    assert await life.wait() == STOPPED
