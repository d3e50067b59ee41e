"""Waiting in virtual time for what an instance is to become."""

from collections.abc import Callable
from datetime import datetime, timedelta

from devhost.durable.instance import RuntimeStatus
from devhost.durable.store.store import Store
from devhost.testing.errors import KitError, NotReached, hides_frames
from devhost.testing.rig.rest import Rest
from devhost.testing.rig.virtual_clock import VirtualClock
from devhost.testing.rig.waiting_picture import picture
from devhost.testing.status import Status, read_status

__tracebackhide__ = hides_frames
Goal = str | Callable[[Status], bool]
"""A runtime status, for example `Completed`, or a condition."""

_LONGEST = timedelta(days=400)
# Timer functions come round for ever; a day of them that changes nothing will not be followed by one that does.
_TIMERS_ALONE = timedelta(days=1)
_MOST_MOMENTS = 20_000


async def wait_for(
    store: Store, rest: Rest, clock: VirtualClock, instance_id: str, goal: Goal, within: timedelta | None
) -> Status:
    """The status once the goal is reached; the clock skips from one due moment to the next.

    Raises NotReached as soon as it cannot be reached any more: another end, nothing left to happen, or `within`
    of virtual time is over. Raises KitError for a status that there is none of.
    """
    _must_be_possible(goal, within)
    await rest.settle()
    began, alone_until = clock.now(), clock.now() + _TIMERS_ALONE
    for _ in range(_MOST_MOMENTS):
        found = store.instances.get(instance_id)
        status = None if found is None else read_status(found)
        if status is not None and _is_reached(status, goal):
            return status
        if rest.next_engine_moment is not None:
            alone_until = rest.next_engine_moment + _TIMERS_ALONE
        last = alone_until if within is None else began + within
        why = _why_not(status, rest.next_moment, min(last, began + (within or _LONGEST)))
        if why is not None:
            raise NotReached(_message(store, clock, instance_id, goal, why))
        assert rest.next_moment is not None
        await rest.move_to(rest.next_moment)
    raise NotReached(_message(store, clock, instance_id, goal, f"{_MOST_MOMENTS:,} timers have fired meanwhile"))


def _must_be_possible(goal: Goal, within: object) -> None:
    names = [str(one) for one in RuntimeStatus]
    if isinstance(goal, str) and goal not in names:
        raise KitError(f"There is no runtime status '{goal}'; there are {', '.join(names)}. Or wait for a condition.")
    if within is not None and not isinstance(within, timedelta):
        raise KitError(f"`within` is a timedelta, for example timedelta(minutes=1), not {within!r}.")


def _is_reached(status: Status, goal: Goal) -> bool:
    return status.runtime_status == goal if isinstance(goal, str) else goal(status)


def _why_not(status: Status | None, due: datetime | None, last: datetime) -> str | None:
    if status is not None and status.is_ended:
        return "it has ended"
    if due is None:
        return "nothing is left to happen"
    if due > last:
        return f"nothing that could change this is due before {last:%Y-%m-%d %H:%M} (`within` sets another limit)"
    return None


def _message(store: Store, clock: VirtualClock, instance_id: str, goal: Goal, why: str) -> str:
    wanted = f"'{goal}'" if isinstance(goal, str) else "what the test waits for"
    return (
        f"Instance '{instance_id}' does not become {wanted}: {why}. "
        f"The clock shows {clock.now():%Y-%m-%d %H:%M:%S}.\n{picture(store, instance_id)}"
    )
