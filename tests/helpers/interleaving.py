"""Every order in which a few coroutines can run between their awaits, one after the other and repeatable."""

from collections.abc import Callable, Coroutine, Generator, Sequence
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
    running = list(range(len(actors)))
    options: list[int] = []
    while running:
        choice = choices[len(options)] if len(options) < len(choices) else 0
        options.append(len(running))
        actor = running[choice]
        try:
            actors[actor].send(None)
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
