"""The judge of the workflow proof accepts what can have happened, and nothing else."""

import pytest

from tests.helpers.serial_order import Command, unexplained


def start(token: str, status: int, begun: float, done: float) -> Command:
    return Command("start", token, begun, done, status)


def stop(token: str, status: int, begun: float, done: float) -> Command:
    return Command("stop", token, begun, done, status)


def live(life: str | None, begun: float, done: float) -> Command:
    return Command("check", "", begun, done, 200, life)


def ended(life: str, by: str, begun: float, done: float) -> Command:
    return Command("check", "", begun, done, 200, life, by, is_ended=True)


def missing(begun: float, done: float) -> Command:
    return Command("check", "", begun, done, 404)


A_LIFE = [start("s1", 202, 0, 1), stop("e1", 202, 2, 3)]
EXPLAINED = {
    "one after the other": [missing(0, 1), start("s1", 202, 2, 3), live("s1", 4, 5), stop("e1", 202, 6, 7)],
    "the stop shows later": [*A_LIFE, live("s1", 4, 5), ended("s1", "e1", 6, 7), stop("e2", 409, 8, 9)],
    "a restart": [*A_LIFE, start("s2", 202, 4, 5), live("s2", 6, 7), start("s3", 409, 8, 9)],
    "a refused start before the winner's answer": [start("s1", 202, 0, 9), start("s2", 409, 1, 2), live(None, 3, 4)],
    "a stop in the middle of a start": [start("s1", 202, 0, 9), stop("e1", 404, 1, 2), stop("e2", 202, 3, 4)],
    "the second of two stops ends it": [start("s1", 202, 0, 1), stop("e1", 202, 2, 9), stop("e2", 202, 3, 8),
                                        ended("s1", "e2", 10, 11)],
    "two restarts at once": [*A_LIFE, start("s2", 202, 4, 9), stop("e2", 202, 4, 9), start("s3", 202, 4, 9),
                             live("s3", 10, 11)],
}  # fmt: skip
IMPOSSIBLE = {
    "two starts of one life": [start("s1", 202, 0, 5), start("s2", 202, 1, 4)],
    "refused, and not there": [start("s1", 202, 0, 9), start("s2", 409, 1, 2), missing(3, 4)],
    "refused without a winner": [start("s1", 409, 0, 1)],
    "gone after its start": [start("s1", 202, 0, 1), missing(2, 3)],
    "refused after its end": [*A_LIFE, ended("s1", "e1", 4, 5), start("s2", 409, 6, 7)],
    "alive again without a start": [*A_LIFE, ended("s1", "e1", 4, 5), live("s1", 6, 7)],
    "ended without a stop": [start("s1", 202, 0, 1), stop("e1", 409, 2, 3)],
    "ended by the later stop": [*A_LIFE, stop("e2", 202, 4, 5), ended("s1", "e2", 6, 7)],
    "ended by the stop of an earlier life": [*A_LIFE, start("s2", 202, 4, 5), ended("s2", "e1", 6, 7)],
    "the data of another start": [start("s1", 202, 0, 1), live("s2", 2, 3)],
    "stopped before it was there": [stop("e1", 202, 0, 1), start("s1", 202, 2, 3)],
    "an answer that is none": [start("s1", 500, 0, 1)],
}


@pytest.mark.parametrize("commands", EXPLAINED.values(), ids=EXPLAINED)
def test_answers_of_a_serial_order_are_explained(commands: list[Command]) -> None:
    assert unexplained(commands) is None


@pytest.mark.parametrize("commands", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_answers_that_no_serial_order_gives_are_found(commands: list[Command]) -> None:
    assert unexplained(commands) is not None


def test_many_commands_at_once_are_judged_fast_enough() -> None:
    starts = [start(f"s{number}", 202, 0, 1) for number in range(3)]
    stops = [stop(f"e{number}", 202, 0, 1) for number in range(3)]
    looks = [live(f"s{number % 3}", 0, 1) for number in range(60)]
    assert unexplained([*starts, *stops, *looks]) is None
    assert unexplained([*starts, *stops, *looks, live("s3", 0, 1)]) is not None
