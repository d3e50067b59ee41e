"""What is told of the newest purge."""

from typing import Any

from orchestrations import names
from scraper import clock
from tests.helpers.ticket_stores import HubInstance, MemoryHub, Status
from triggers.operations.purge_timer import last_purge

COUNTS = {"rows": 7, "runs": 1}


def hub_with(status: Status, *, name: str = names.PURGE_EXPIRED, output: Any = None, custom: Any = None) -> MemoryHub:
    hub = MemoryHub()
    hub.instances[names.PURGE_ID] = HubInstance(
        status, None, output=output, name=name, last_updated_time=clock.utc_now(), custom_status=custom
    )
    return hub


async def told(hub: MemoryHub) -> tuple[Any, ...]:
    purge = await last_purge(hub)
    assert purge is not None
    return tuple(purge[name] for name in ("runtimeStatus", "outcome", "reason", "deleted"))


async def test_before_the_first_purge_there_is_nothing_to_tell() -> None:
    assert await last_purge(MemoryHub()) is None


async def test_an_instance_of_another_orchestrator_is_no_purge() -> None:
    assert await last_purge(hub_with(Status.Completed, name="welcome")) is None


async def test_a_purge_on_its_way_tells_what_it_has_deleted_so_far() -> None:
    hub = hub_with(Status.Running, custom={"stage": "runs", "deleted": COUNTS})
    assert await told(hub) == ("Running", None, "", COUNTS)


async def test_a_purge_that_has_not_taken_its_first_step_has_deleted_nothing() -> None:
    assert await told(hub_with(Status.Pending)) == ("Pending", None, "", {})


async def test_the_output_of_a_purge_is_told_whether_the_hub_has_it_as_an_object_or_as_text() -> None:
    output = {"outcome": "failed", "reason": "infrastructure: away", "deleted": COUNTS}
    text = '{"outcome": "failed", "reason": "infrastructure: away", "deleted": {"rows": 7, "runs": 1}}'
    expected = ("Completed", "failed", "infrastructure: away", COUNTS)
    assert [await told(hub_with(Status.Completed, output=one)) for one in (output, text)] == [expected, expected]


async def test_a_purge_that_somebody_terminated_tells_what_the_hub_says_and_what_it_had_deleted() -> None:
    hub = hub_with(Status.Terminated, output="too late", custom={"stage": "runs", "deleted": COUNTS})
    assert await told(hub) == ("Terminated", None, "too late", COUNTS)
