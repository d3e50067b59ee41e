"""Rewinding failed instances: what failed runs once more, what had succeeded does not."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.errors import InstanceNotFound, NotRewindable
from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance, RuntimeStatus
from devhost.durable.store.store import Store
from tests.helpers.durable_hub import running_hub, status_is, wait_until

pytestmark = [
    pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Potential duplicate Task completion:UserWarning"),
]

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]
ONCE_MORE = df.RetryOptions(1, 2)
_FLOORS = 60


class Work:
    """Activities that count their calls; `flaky` fails until `is_mended`."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.is_mended = False

    @property
    def activities(self) -> Mapping[str, Callable[[Any], Any]]:
        return {"steady": self.steady, "flaky": self.flaky}

    def steady(self, value: Any) -> Any:
        self.calls[f"steady {value}"] += 1
        return value

    def flaky(self, value: Any) -> Any:
        self.calls[f"flaky {value}"] += 1
        if not self.is_mended:
            raise ValueError(f"boom {value}")
        return value


async def ended(hub: TaskHub, instance_id: str = "r") -> Instance:
    found = await hub.wait_until_finished(instance_id, 20)
    assert found is not None, f"still {await hub.get_instance(instance_id)}"
    return found


async def fail_first(hub: TaskHub, name: str) -> Instance:
    """An instance "r" of the orchestrator that has failed."""
    await hub.create_instance(name, instance_id="r", input_text=None)
    found = await ended(hub)
    assert found.runtime_status is RuntimeStatus.FAILED, found
    return found


async def rewound(tmp_path: Path, orchestrators: Mapping[str, Callable[..., Any]], work: Work) -> Instance:
    """How "r" of the first orchestrator ends that failed, and was rewound once flaky activities are mended."""
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, work.activities) as hub:
        await fail_first(hub, next(iter(orchestrators)))
        work.is_mended = True
        await hub.rewind("r", "mended")
        return await ended(hub)


def chain(context: Context) -> Steps:
    first = yield context.call_activity("steady", 1)
    second = yield context.call_activity("flaky", 2)
    return [first, second, (yield context.call_activity("steady", 3))]


async def test_a_chain_goes_on_from_the_failed_activity(tmp_path: Path) -> None:
    work = Work()
    found = await rewound(tmp_path, {"chain": chain}, work)
    assert (found.runtime_status, found.output_text) == (RuntimeStatus.COMPLETED, "[1,2,3]")
    assert work.calls == {"steady 1": 1, "flaky 2": 2, "steady 3": 1}


async def test_the_failed_task_is_scheduled_again_with_the_same_id(tmp_path: Path) -> None:
    work = Work()
    async with running_hub(tmp_path / "hub.sqlite", {"chain": chain}, work.activities) as hub:
        await fail_first(hub, "chain")
        work.is_mended = True
        await hub.rewind("r", "mended")
        await ended(hub)
        history = await hub.history("r")
    assert [(event["EventType"], event["EventId"]) for event in history if event["EventType"] in (4, 17)] == [
        (4, 0),
        (17, 1),  # TaskScheduled
        (17, -1),  # TaskFailed
        (17, 2),  # ExecutionCompleted
        (17, -1),  # the reason, which wakes the instance
        (4, 1),
        (4, 2),
    ]
    assert [event["Data"] for event in history if event["EventType"] == 17] == [
        "Rewound: TaskScheduled",
        "Rewound: TaskFailed",
        "Rewound: ExecutionCompleted",
        "mended",
    ]


async def test_a_rewound_instance_has_no_output_and_may_fail_and_be_rewound_again(tmp_path: Path) -> None:
    work = Work()
    release = asyncio.Event()

    async def held(value: Any) -> Any:
        await release.wait()
        return work.flaky(value)

    async with running_hub(tmp_path / "hub.sqlite", {"chain": chain}, {**work.activities, "flaky": held}) as hub:
        await hub.create_instance("chain", instance_id="r", input_text=None)
        release.set()
        await ended(hub)
        release.clear()
        await hub.rewind("r", "too early")
        found = await hub.get_instance("r")
        assert found is not None
        assert (found.runtime_status.is_terminal, found.output_text) == (False, None)
        release.set()
        assert (await ended(hub)).runtime_status is RuntimeStatus.FAILED
        work.is_mended = True
        await hub.rewind("r", "mended")
        assert (await ended(hub)).output_text == "[1,2,3]"
    assert work.calls == {"steady 1": 1, "flaky 2": 3, "steady 3": 1}


async def test_of_a_fan_out_only_the_failed_members_run_again(tmp_path: Path) -> None:
    def fan(context: Context) -> Steps:
        names = ["steady", "flaky", "steady", "flaky"]
        return (yield context.task_all([context.call_activity(name, n) for n, name in enumerate(names)]))

    work = Work()
    found = await rewound(tmp_path, {"fan": fan}, work)
    assert found.output_text == "[0,1,2,3]"
    assert work.calls == {"steady 0": 1, "flaky 1": 2, "steady 2": 1, "flaky 3": 2}


async def test_a_failed_http_call_is_made_again(tmp_path: Path) -> None:
    def asks(context: Context) -> Steps:
        yield context.call_http("GET", "http://127.0.0.1:1/")

    async with running_hub(tmp_path / "hub.sqlite", {"asks": asks}) as hub:
        await fail_first(hub, "asks")
        await hub.rewind("r", "again")
        found = await ended(hub)
        history = await hub.history("r")
    assert found.runtime_status is RuntimeStatus.FAILED
    assert [event["EventType"] for event in history if event["EventType"] in (4, 6)] == [4, 6]


async def test_failed_children_are_rewound_in_turn_and_report(tmp_path: Path) -> None:
    def top(context: Context) -> Steps:
        children = [context.call_sub_orchestrator("middle", n, f"m{n}") for n in (1, 2)]
        return (yield context.task_all(children))

    def middle(context: Context) -> Steps:
        yield context.call_activity("steady", f"before {context.get_input()}")
        return (yield context.call_sub_orchestrator("leaf", context.get_input()))

    def leaf(context: Context) -> Steps:
        kind = "flaky" if context.get_input() == 1 else "steady"
        return (yield context.call_activity(kind, context.get_input()))

    work = Work()
    found = await rewound(tmp_path, {"top": top, "middle": middle, "leaf": leaf}, work)
    assert found.output_text == "[1,2]"
    assert work.calls == {"steady before 1": 1, "steady before 2": 1, "flaky 1": 2, "steady 2": 1}


async def test_only_the_deepest_failed_instances_are_woken(tmp_path: Path) -> None:
    def top(context: Context) -> Steps:
        return (yield context.call_sub_orchestrator("leaf", None, "leaf-1"))

    def leaf(context: Context) -> Steps:
        return (yield context.call_activity("flaky", 1))

    async with running_hub(tmp_path / "hub.sqlite", {"top": top, "leaf": leaf}, Work().activities) as hub:
        await fail_first(hub, "top")
    async with running_hub(tmp_path / "hub.sqlite", {"top": top, "leaf": leaf}, {"flaky": stuck}) as hub:
        await hub.rewind("r", "again")
        await status_is(hub, "leaf-1", RuntimeStatus.RUNNING)
        assert (await status(hub, "r")) is RuntimeStatus.PENDING
        kinds = [event["EventType"] for event in await hub.history("r")]
    assert kinds == [12, 0, 7, 13, 12, 17, 17, 13]  # the child's creation stays


async def test_a_tree_may_be_deeper_than_the_stack_of_python(tmp_path: Path) -> None:
    def tower(context: Context) -> Steps:
        floor = context.get_input() or 0
        if floor == _FLOORS:
            return (yield context.call_activity("flaky", 1))
        return (yield context.call_sub_orchestrator("tower", floor + 1))

    path, work = tmp_path / "hub.sqlite", Work()
    async with running_hub(path, {"tower": tower}, work.activities) as hub:
        await fail_first(hub, "tower")
    work.is_mended = True
    with closing(Store(path)) as store, shallow_stack(_FLOORS):
        store.instances.rewind("r", "mended", datetime.now(UTC))
    async with running_hub(path, {"tower": tower}, work.activities) as hub:
        assert (await ended(hub)).output_text == "1"


async def test_a_child_that_was_terminated_starts_anew(tmp_path: Path) -> None:
    def top(context: Context) -> Steps:
        return (yield context.call_sub_orchestrator("leaf", None, "leaf-1"))

    def leaf(context: Context) -> Steps:
        return (yield context.wait_for_external_event("go"))

    async with running_hub(tmp_path / "hub.sqlite", {"top": top, "leaf": leaf}) as hub:
        await hub.create_instance("top", instance_id="r", input_text=None)
        await status_is(hub, "leaf-1", RuntimeStatus.RUNNING)
        await hub.terminate("leaf-1", "enough")
        await ended(hub)
        await hub.rewind("r", "again")
        await status_is(hub, "leaf-1", RuntimeStatus.RUNNING)
        await hub.raise_event("leaf-1", "go", "7")
        assert (await ended(hub)).output_text == "7"


async def test_a_late_result_for_a_terminated_child_does_not_reach_the_one_that_starts_anew(tmp_path: Path) -> None:
    releases = [asyncio.Event(), asyncio.Event()]
    calls = 0

    async def slow(_value: Any) -> Any:
        nonlocal calls
        own, calls = calls, calls + 1
        await releases[own].wait()
        return own

    async def called() -> int:
        return calls

    def top(context: Context) -> Steps:
        return (yield context.call_sub_orchestrator("leaf", None, "leaf-1"))

    def leaf(context: Context) -> Steps:
        return (yield context.call_activity("slow"))

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"top": top, "leaf": leaf}, {"slow": slow}) as hub:
        await hub.create_instance("top", instance_id="r", input_text=None)
        await wait_until(called, lambda count: count == 1)
        await hub.terminate("leaf-1", "enough")
        await ended(hub)
        await hub.rewind("r", "again")
        await wait_until(called, lambda count: count == 2)
        releases[0].set()
        await wait_until(lambda: rows_of(path, "work_items"), lambda count: count == 1)
        releases[1].set()
        assert (await ended(hub)).output_text == "1"


async def test_a_child_that_was_rewound_by_itself_reports_to_its_parent_all_the_same(tmp_path: Path) -> None:
    def top(context: Context) -> Steps:
        return (yield context.call_sub_orchestrator("leaf", None, "leaf-1"))

    def leaf(context: Context) -> Steps:
        return (yield context.call_activity("flaky", 1))

    work = Work()
    async with running_hub(tmp_path / "hub.sqlite", {"top": top, "leaf": leaf}, work.activities) as hub:
        await fail_first(hub, "top")
        work.is_mended = True
        await hub.rewind("leaf-1", "mended")
        await ended(hub, "leaf-1")
        await hub.rewind("r", "mended")
        assert (await ended(hub)).output_text == "1"
    assert work.calls == {"flaky 1": 2}


async def test_a_task_with_retry_gets_all_its_attempts_again(tmp_path: Path) -> None:
    def retries(context: Context) -> Steps:
        first = yield context.call_activity_with_retry("flaky", ONCE_MORE, 1)
        return [first, (yield context.call_activity("steady", 2))]

    work = Work()
    async with running_hub(tmp_path / "hub.sqlite", {"retries": retries}, work.activities) as hub:
        await fail_first(hub, "retries")
        await hub.rewind("r", "again")
        assert (await ended(hub)).runtime_status is RuntimeStatus.FAILED
        assert work.calls == {"flaky 1": 4}
        work.is_mended = True
        await hub.rewind("r", "mended")
        assert (await ended(hub)).output_text == "[1,2]"
        history = await hub.history("r")
    assert [event["EventId"] for event in history if event["EventType"] == 4] == [0, 1]


async def test_a_child_with_retry_starts_anew(tmp_path: Path) -> None:
    def retries(context: Context) -> Steps:
        return (yield context.call_sub_orchestrator_with_retry("leaf", ONCE_MORE, 1))

    def leaf(context: Context) -> Steps:
        yield context.call_activity("steady", 1)
        return (yield context.call_activity("flaky", 2))

    work = Work()
    found = await rewound(tmp_path, {"retries": retries, "leaf": leaf}, work)
    assert found.output_text == "2"
    assert work.calls == {"steady 1": 3, "flaky 2": 3}


async def test_attempts_that_led_to_success_stay_as_they_are(tmp_path: Path) -> None:
    attempts: list[int] = []

    def second_time(value: Any) -> Any:
        attempts.append(value)
        if len(attempts) == 1:
            raise ValueError("first time")
        return value

    def retries(context: Context) -> Steps:
        first = yield context.call_activity_with_retry("second_time", df.RetryOptions(1, 3), 5)
        return [first, (yield context.call_activity("flaky", 6))]

    work = Work()
    async with running_hub(
        tmp_path / "hub.sqlite", {"retries": retries}, {**work.activities, "second_time": second_time}
    ) as hub:
        await fail_first(hub, "retries")
        work.is_mended = True
        await hub.rewind("r", "mended")
        assert (await ended(hub)).output_text == "[5,6]"
    assert attempts == [5, 5]


async def test_retries_whose_ids_later_actions_rest_on_are_refused_and_nothing_changes(tmp_path: Path) -> None:
    def cleans_up(context: Context) -> Steps:
        try:
            yield context.call_activity_with_retry("flaky", ONCE_MORE, 1)
        except Exception:
            yield context.call_activity("steady", 2)
            raise

    async with running_hub(tmp_path / "hub.sqlite", {"cleans_up": cleans_up}, Work().activities) as hub:
        before = await fail_first(hub, "cleans_up")
        with pytest.raises(NotRewindable, match=r"after the first failed attempt.*Use restart instead"):
            await hub.rewind("r", "again")
        assert await hub.get_instance("r") == before
        assert [event["EventType"] for event in await hub.history("r")].count(17) == 0


async def test_an_orchestrator_that_went_on_after_the_failure_fails_again_as_on_the_product(tmp_path: Path) -> None:
    def cleans_up(context: Context) -> Steps:
        try:
            yield context.call_activity("flaky", 1)
        except Exception:
            yield context.call_activity("steady", 2)
            raise

    work = Work()
    found = await rewound(tmp_path, {"cleans_up": cleans_up}, work)
    assert found.runtime_status is RuntimeStatus.FAILED
    assert "Non-Deterministic workflow detected: an earlier execution" in (found.output_text or "")


async def test_a_failure_of_the_orchestrators_own_code_runs_on_once_the_code_is_mended(tmp_path: Path) -> None:
    def broken(context: Context) -> Steps:
        yield context.call_activity("steady", 1)
        raise ValueError("own fault")

    def mended(context: Context) -> Steps:
        first = yield context.call_activity("steady", 1)
        return [first, (yield context.call_activity("steady", 2))]

    work = Work()
    async with running_hub(tmp_path / "hub.sqlite", {"own": broken}, work.activities) as hub:
        await fail_first(hub, "own")
    async with running_hub(tmp_path / "hub.sqlite", {"own": mended}, work.activities) as hub:
        await hub.rewind("r", "mended")
        assert (await ended(hub)).output_text == "[1,2]"
    assert work.calls == {"steady 1": 1, "steady 2": 1}


@pytest.mark.parametrize("after", [0, 1], ids=["at once", "after an activity"])
async def test_an_instance_that_the_host_ended_takes_its_last_episode_again(tmp_path: Path, after: int) -> None:
    def broken(context: Context) -> Steps:
        for n in range(after):
            yield context.call_activity("steady", n)
        yield [context.call_activity("steady", 9)]  # no task: the SDK gives up without a state

    def mended(context: Context) -> Steps:
        for n in range(after):
            yield context.call_activity("steady", n)
        return (yield context.task_all([context.call_activity("steady", 9)]))

    work = Work()
    async with running_hub(tmp_path / "hub.sqlite", {"own": broken}, work.activities) as hub:
        await fail_first(hub, "own")
    async with running_hub(tmp_path / "hub.sqlite", {"own": mended}, work.activities) as hub:
        await hub.rewind("r", "mended")
        assert (await ended(hub)).output_text == "[9]"
        history = await hub.history("r")
    assert [event["EventType"] for event in history].count(0) == 1
    assert set(work.calls.values()) == {1}


async def test_what_was_open_when_the_host_ended_an_instance_reports_or_runs_again(tmp_path: Path) -> None:
    """Two activities, a timer, a child and an event wait, of which one activity reports to the ended instance."""
    release = asyncio.Event()
    calls: Counter[str] = Counter()

    async def slow(value: Any) -> Any:
        calls[value] += 1
        if value == "late":
            await release.wait()
        return value

    def many(context: Context) -> Steps:
        tasks = [
            context.task_any([context.wait_for_external_event("poke")]),
            context.call_activity("slow", "late"),
            context.create_timer(context.current_utc_datetime + timedelta(seconds=0.5)),
            context.call_sub_orchestrator("leaf", None, "leaf-1"),
            context.wait_for_external_event("go"),
        ]
        yield context.task_any(tasks)
        if not is_mended:
            yield ["no task"]
        values = yield context.task_all(tasks[1:])
        return values

    def leaf(context: Context) -> Steps:
        return (yield context.wait_for_external_event("go"))

    is_mended = False
    async with running_hub(tmp_path / "hub.sqlite", {"many": many, "leaf": leaf}, {"slow": slow}) as hub:
        await hub.create_instance("many", instance_id="r", input_text=None)
        await status_is(hub, "leaf-1", RuntimeStatus.RUNNING)
        await hub.raise_event("r", "poke", "0")
        assert (await ended(hub)).runtime_status is RuntimeStatus.FAILED
        release.set()  # its result finds nobody
        await wait_until(lambda: rows_of(tmp_path / "hub.sqlite", "work_items"), lambda count: count == 0)
        is_mended = True
        await hub.rewind("r", "mended")
        await hub.raise_event("leaf-1", "go", '"child"')
        await hub.raise_event("r", "go", '"event"')
        found = await ended(hub)
    assert found.output_text == '["late",null,"child","event"]'
    assert calls == {"late": 2}


async def test_an_entity_call_whose_response_found_nobody_is_made_again(tmp_path: Path) -> None:
    release = threading.Event()

    def counter(context: df.DurableEntityContext) -> None:
        release.wait(10)
        context.set_state(context.get_state(lambda: 0) + 1)
        context.set_result(context.get_state())

    def asks(context: Context) -> Steps:
        call = context.call_entity(df.EntityId("counter", "k"), "add")
        yield context.task_any([call, context.wait_for_external_event("poke")])
        if not is_mended:
            yield ["no task"]
        return (yield call)

    is_mended = False
    async with running_hub(tmp_path / "hub.sqlite", {"asks": asks}, entities={"counter": counter}) as hub:
        await hub.create_instance("asks", instance_id="r", input_text=None)
        await status_is(hub, "r", RuntimeStatus.RUNNING)
        await hub.raise_event("r", "poke", "0")
        assert (await ended(hub)).runtime_status is RuntimeStatus.FAILED
        release.set()
        await wait_until(lambda: rows_of(tmp_path / "hub.sqlite", "entity_operations"), lambda count: count == 0)
        is_mended = True
        await hub.rewind("r", "mended")
        assert (await ended(hub)).output_text == "2"


async def test_a_rewind_outlives_the_host(tmp_path: Path) -> None:
    work = Work()
    async with running_hub(tmp_path / "hub.sqlite", {"chain": chain}, work.activities) as hub:
        await fail_first(hub, "chain")
    async with running_hub(tmp_path / "hub.sqlite", {"chain": chain}, {"steady": stuck, "flaky": stuck}) as hub:
        await hub.rewind("r", "again")
        await status_is(hub, "r", RuntimeStatus.RUNNING)
    work.is_mended = True
    async with running_hub(tmp_path / "hub.sqlite", {"chain": chain}, work.activities) as hub:
        assert (await ended(hub)).output_text == "[1,2,3]"


async def test_an_event_that_came_before_the_failure_is_not_asked_for_again(tmp_path: Path) -> None:
    def listens(context: Context) -> Steps:
        said = yield context.wait_for_external_event("said")
        return [said, (yield context.call_activity("flaky", 1))]

    work = Work()
    async with running_hub(tmp_path / "hub.sqlite", {"listens": listens}, work.activities) as hub:
        await hub.create_instance("listens", instance_id="r", input_text=None)
        await hub.raise_event("r", "said", '"hello"')
        await ended(hub)
        work.is_mended = True
        await hub.rewind("r", "mended")
        assert (await ended(hub)).output_text == '["hello",1]'


async def test_only_failed_instances_can_be_rewound(tmp_path: Path) -> None:
    def waits(context: Context) -> Steps:
        return (yield context.wait_for_external_event("go"))

    async with running_hub(tmp_path / "hub.sqlite", {"waits": waits}) as hub:
        with pytest.raises(InstanceNotFound):
            await hub.rewind("r", "")
        await hub.create_instance("waits", instance_id="r", input_text=None)
        await status_is(hub, "r", RuntimeStatus.RUNNING)
        with pytest.raises(NotRewindable, match="it has the status Running, and only Failed ones can be"):
            await hub.rewind("r", "")
        await hub.raise_event("r", "go", "1")
        await ended(hub)
        with pytest.raises(NotRewindable, match="Completed"):
            await hub.rewind("r", "")


async def test_what_failed_under_a_host_that_kept_no_tasks_is_refused(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"chain": chain}, Work().activities) as hub:
        await fail_first(hub, "chain")
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as db:
        db.executescript("DELETE FROM task_tables")
    async with running_hub(tmp_path / "hub.sqlite", {"chain": chain}, Work().activities) as hub:
        with pytest.raises(NotRewindable, match="failed under an earlier version of this host"):
            await hub.rewind("r", "again")


async def test_a_purged_failed_instance_leaves_no_table(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"chain": chain}, Work().activities) as hub:
        await fail_first(hub, "chain")
        await hub.purge("r")
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM task_tables").fetchone() == (0,)


@contextmanager
def shallow_stack(frames: int) -> Iterator[None]:
    """About as many frames more than now are allowed."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


async def rows_of(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def stuck(value: Any) -> Any:
    await asyncio.sleep(3600)


async def status(hub: TaskHub, instance_id: str) -> RuntimeStatus:
    found = await hub.get_instance(instance_id)
    assert found is not None
    return found.runtime_status
