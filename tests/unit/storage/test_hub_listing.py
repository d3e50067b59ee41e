"""What the task hub lists: whose instances they are, and whether there may be more."""

from types import SimpleNamespace
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from storage.ledger.hub import A_PAGE, LIVE, live_instances


class OnePage:
    """A hub that has `count` instances of the orchestrator, and one of another."""

    def __init__(self, count: int) -> None:
        one = {"runtime_status": Status.Running, "name": "start_later"}
        self.page: list[Any] = [SimpleNamespace(instance_id=f"later:{number}", **one) for number in range(count)]
        self.page.append(SimpleNamespace(instance_id="later:x", **{**one, "name": "welcome"}))
        self.asked: dict[str, Any] = {}

    async def get_status_by(self, *_: Any, **asked: Any) -> list[Any]:
        self.asked = asked
        return self.page[:A_PAGE]


@pytest.mark.parametrize(
    ("count", "listed", "is_whole"), [(0, 0, True), (98, 98, True), (99, 99, False), (150, 100, False)]
)
async def test_a_full_page_of_the_hub_is_not_taken_for_all_there_is(count: int, listed: int, is_whole: bool) -> None:
    hub = OnePage(count)
    found, told = await live_instances(hub, "later:", of="start_later")
    assert ({one.name for one in found} <= {"start_later"}, len(found), told) == (True, listed, is_whole)
    assert hub.asked["instance_id_prefix"] == "later:"
    assert set(hub.asked["runtime_status"]) == LIVE
