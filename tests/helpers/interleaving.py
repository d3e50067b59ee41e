"""Every order in which a few coroutines can run between their awaits, one after the other and repeatable."""

from collections.abc import Callable, Coroutine, Generator, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any


class Pause:
    """Awaiting this gives the turn back; the explorer decides who goes on."""

    def __await__(self) -> Generator[None, None, None]:
        yield


Actors = Sequence[Coroutine[Any, Any, Any]]
Outcome = Any


def run_schedule(actors: Actors, choices: Sequence[int]) -> tuple[list[Outcome], list[int]]:
    """Run the actors by `choices`, then always the first that can; returns outcomes and how many could go each time.

    A choice is an index among the actors that still run. An outcome is what an actor returned, or its exception.
    """
    outcomes: list[Outcome] = [None] * len(actors)
    contexts = [copy_context() for _ in actors]  # as tasks have: what one sets in its context, no other sees
    running = list(range(len(actors)))
    options: list[int] = []
    while running:
        choice = choices[len(options)] if len(options) < len(choices) else 0
        options.append(len(running))
        actor = running[choice]
        try:
            contexts[actor].run(actors[actor].send, None)
        except StopIteration as done:
            outcomes[actor] = done.value
            running.remove(actor)
        except Exception as error:
            outcomes[actor] = error
            running.remove(actor)
    return outcomes, options


def explore(make_actors: Callable[[], Actors], check: Callable[[list[Outcome]], None]) -> int:
    """Run every interleaving once from the start, `check` the outcomes of each; returns how many there were."""
    count = 0
    pending: list[list[int]] = [[]]
    while pending:
        prefix = pending.pop()
        outcomes, options = run_schedule(make_actors(), prefix)
        check(outcomes)
        count += 1
        for depth in range(len(prefix), len(options)):
            pending.extend([*prefix, *[0] * (depth - len(prefix)), other] for other in range(1, options[depth]))
    return count


def explore_switches(make_actors: Callable[[], Actors], check: Callable[[list[Outcome]], None], *, at_most: int) -> int:
    """Run every order in which actors are interrupted `at_most` so many times; returns how many orders there were.

    For actors with too many steps to `explore` all their orders. Whoever runs goes on until the order interrupts it,
    or it ends; then any of the others takes its turn.
    """
    count = 0
    pending: list[list[int]] = [[]]
    while pending:
        prefix = pending.pop()
        outcomes, turns = _run_order(make_actors(), prefix)
        check(outcomes)
        count += 1
        interrupted = sum(turn.interrupts for turn in turns[: len(prefix)])
        for depth in range(len(prefix), len(turns)):
            if interrupted + turns[depth].could_interrupt <= at_most:
                order = [turn.actor for turn in turns[:depth]]
                pending.extend([*order, other] for other in turns[depth].others)
    return count


@dataclass(frozen=True, slots=True)
class _Turn:
    actor: int
    others: tuple[int, ...]
    interrupts: bool
    could_interrupt: bool  # the one before still runs


def _run_order(actors: Actors, order: Sequence[int]) -> tuple[list[Outcome], list[_Turn]]:
    """Run the actors one step each as `order` says, then each to its end; returns outcomes and who had the turns."""
    outcomes: list[Outcome] = [None] * len(actors)
    contexts = [copy_context() for _ in actors]  # as tasks have: what one sets in its context, no other sees
    running = list(range(len(actors)))
    turns: list[_Turn] = []
    before = running[0]
    while running:
        goes_on = bool(turns) and before in running
        actor = order[len(turns)] if len(turns) < len(order) else (before if goes_on else running[0])
        others = tuple(other for other in running if other != actor)
        turns.append(_Turn(actor, others, goes_on and actor != before, goes_on))
        before = actor
        try:
            contexts[actor].run(actors[actor].send, None)
        except StopIteration as done:
            outcomes[actor] = done.value
            running.remove(actor)
        except Exception as error:
            outcomes[actor] = error
            running.remove(actor)
    return outcomes, turns
