"""Pauses that grow while nothing happens."""

from __future__ import annotations

import pytest

from devhost.back_off import BackOff


def pauses(back_off: BackOff, count: int) -> list[float]:
    return [round(back_off.next_s(), 3) for _ in range(count)]


@pytest.mark.row("host/5/polling")
def test_pauses_double_from_the_shortest_to_the_longest() -> None:
    assert pauses(BackOff(0.1, 2.0, random=lambda: 0.5), 8) == [0.1, 0.2, 0.3, 0.5, 0.9, 1.7, 2.0, 2.0]


@pytest.mark.parametrize(("dice", "second"), [(0.0, 0.18), (0.999999, 0.22)])
def test_every_pause_but_the_first_varies_by_a_fifth(dice: float, second: float) -> None:
    assert pauses(BackOff(0.1, 2.0, random=lambda: dice), 2) == [0.1, second]


def test_a_reset_begins_anew() -> None:
    back_off = BackOff(0.1, 2.0, random=lambda: 0.5)
    pauses(back_off, 20)
    back_off.reset()
    assert pauses(back_off, 2) == [0.1, 0.2]


def test_equal_bounds_give_the_same_pause_for_ever() -> None:
    assert pauses(BackOff(5.0, 5.0, random=lambda: 0.5), 3) == [5.0, 5.0, 5.0]
