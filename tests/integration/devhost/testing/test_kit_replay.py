"""Recorded histories against code that has changed since."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest

from devhost.durable.protocol import Event
from devhost.testing import Host, KitError, ReplayBroken, check_replay, read_record, record
from devhost.testing.__main__ import main
from tests.helpers.kit_app import make_app, order

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]


def trip(context: Context) -> Steps:
    """The code that the history is of."""
    hotel = yield context.call_activity("book", "hotel")
    parts = yield context.task_all([context.call_activity("book", name) for name in ("car", "bus")])
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    yield context.wait_for_external_event("go")
    child = yield context.call_sub_orchestrator("insure", "all", "insurance-1")
    return [hotel, parts, child]


def insure(context: Context) -> Steps:
    return (yield context.call_activity("book", context.get_input()))


def make_trips() -> df.DFApp:
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for orchestrator in (trip, insure):
        app.orchestration_trigger(context_name="context")(orchestrator)

    @app.activity_trigger(input_name="what")
    def book(what: str) -> str:
        return what.upper()

    return app


async def trip_history(*, until_paid: bool = True) -> list[Event]:
    async with Host(make_trips()) as host:
        run = await host.start("trip", instance_id="trip-1")
        await host.advance(hours=1)
        if until_paid:
            await host.raise_event(run, "go")
        return await host.history(run)


async def test_unchanged_code_fits() -> None:
    history = await trip_history()
    checked = check_replay(history, trip)
    assert (checked.name, checked.episodes, checked.events) == ("trip", 6, len(history))


async def test_a_history_of_an_instance_that_still_runs_fits() -> None:
    history = await trip_history(until_paid=False)
    assert check_replay(history, trip).episodes == 4


async def test_every_event_of_a_large_app_fits() -> None:
    async with Host(make_app()) as host:
        run = await host.start("order", 7)
        await host.advance(hours=2)
        await host.raise_event(run, "paid", 1)
        await host.wait_for(run)
        assert check_replay(await host.history(run), order).name == "order"
        assert check_replay(await host.history(run), make_app()).name == "order"


def added_activity(context: Context) -> Steps:
    yield context.call_activity("check", "weather")
    return (yield from trip(context))


def added_later(context: Context) -> Steps:
    hotel = yield context.call_activity("book", "hotel")
    yield context.call_activity("check", "weather")
    yield context.task_all([context.call_activity("book", name) for name in ("car", "bus")])
    return hotel


def removed_activity(context: Context) -> Steps:
    yield context.call_activity("book", "hotel")
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))


def ends_early(context: Context) -> Steps:
    return (yield context.call_activity("book", "hotel"))


def renamed_activity(context: Context) -> Steps:
    yield context.call_activity("book_room", "hotel")


def reordered(context: Context) -> Steps:
    yield context.call_activity("book", "hotel")
    yield context.task_all([context.call_activity("book", "car"), context.call_sub_orchestrator("insure", "all")])


def more_in_parallel(context: Context) -> Steps:
    yield context.call_activity("book", "hotel")
    yield context.task_all([context.call_activity("book", name) for name in ("car", "bus", "bike")])


def fewer_in_parallel(context: Context) -> Steps:
    yield context.call_activity("book", "hotel")
    yield context.task_all([context.call_activity("book", "car")])


def up_to_the_timer(context: Context) -> Steps:
    yield context.call_activity("book", "hotel")
    yield context.task_all([context.call_activity("book", name) for name in ("car", "bus")])


def event_for_timer(context: Context) -> Steps:
    yield from up_to_the_timer(context)
    yield context.wait_for_external_event("go")


def activity_for_timer(context: Context) -> Steps:
    yield from up_to_the_timer(context)
    yield context.call_activity("book", "bike")


def timer_and_event(context: Context) -> Steps:
    yield from up_to_the_timer(context)
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    yield context.wait_for_external_event("go")


def other_child(context: Context) -> Steps:
    yield from timer_and_event(context)
    yield context.call_sub_orchestrator("insure", "all", "insurance-2")


def no_event(context: Context) -> Steps:
    yield from up_to_the_timer(context)
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    yield context.call_sub_orchestrator("insure", "all", "insurance-1")


def raises(context: Context) -> Steps:
    yield context.call_activity("book", "hotel")
    raise ValueError("out of order")


@pytest.mark.parametrize(
    ("code", "place", "recorded", "now"),
    [
        (added_activity, "event 3,", "starts the activity 'book' (task 0)", "starts the activity 'check' (task 0)"),
        (added_later, "event 7,", "starts the activity 'book' (task 1)", "starts the activity 'check' (task 1)"),
        (removed_activity, "event 7,", "starts the activity 'book' (task 1)", "starts a timer (task 1)"),
        (ends_early, "event 7,", "starts the activity 'book' (task 1)", 'Completed with "HOTEL"'),
        (
            renamed_activity,
            "event 3,",
            "starts the activity 'book' (task 0)",
            "starts the activity 'book_room' (task 0)",
        ),
        (
            reordered,
            "event 8,",
            "starts the activity 'book' (task 2)",
            f"starts the sub-orchestration 'insure' with ID '{'*'}:2' (task 2)",
        ),
        (
            more_in_parallel,
            "event 6,",
            "nothing more was started after the result of task 0",
            "starts the activity 'book' (task 3)",
        ),
        (fewer_in_parallel, "event 8,", "starts the activity 'book' (task 2)", "starts nothing more and waits"),
        (event_for_timer, "event 13,", "starts a timer (task 3)", "starts nothing more and waits"),
        (activity_for_timer, "event 13,", "starts a timer (task 3)", "starts the activity 'book' (task 3)"),
        (
            other_child,
            "event 20,",
            "starts the sub-orchestration 'insure' with ID 'insurance-1' (task 4)",
            "starts the sub-orchestration 'insure' with ID 'insurance-2' (task 4)",
        ),
        (
            no_event,
            "event 16,",
            "nothing more was started after timer 3",
            "starts the sub-orchestration 'insure' with ID 'insurance-1' (task 4)",
        ),
        (raises, "event 7,", "starts the activity 'book' (task 1)", "Failed with Orchestrator function"),
    ],
)
@pytest.mark.parametrize("is_exact", [True, False])
async def test_a_change_that_breaks_running_instances_is_found(
    code: Callable[..., Any], place: str, recorded: str, now: str, is_exact: bool
) -> None:
    history = await trip_history()
    execution_id = history[1]["OrchestrationInstance"]["ExecutionId"]
    with pytest.raises(ReplayBroken) as caught:
        check_replay(history, code, exact=is_exact)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Today's code of 'trip' (instance 'trip-1') does not fit its history."
    assert lines[1].strip().startswith(place)
    assert lines[2].strip() == f"the history:   {recorded}"
    assert lines[3].strip().startswith(f"today's code:  {now.replace('*', execution_id)}")
    assert "Give the changed orchestrator a new name" in lines[-1]


def other_output(context: Context) -> Steps:
    yield from trip(context)
    return "done"


def one_more_at_the_end(context: Context) -> Steps:
    result = yield from trip(context)
    yield context.call_activity("book", "party")
    return result


def longer_timer(context: Context) -> Steps:
    hotel = yield context.call_activity("book", "hotel")
    parts = yield context.task_all([context.call_activity("book", name) for name in ("car", "bus")])
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=2))
    yield context.wait_for_external_event("go")
    return [hotel, parts, (yield context.call_sub_orchestrator("insure", "all", "insurance-1"))]


@pytest.mark.parametrize(
    ("code", "now"),
    [
        (other_output, 'Completed with "done"'),
        (one_more_at_the_end, "starts the activity 'book' (task 5)"),
        (longer_timer, "due at 2026-01-01T02:00:00.0000000Z"),
    ],
)
async def test_a_change_that_running_instances_survive_can_be_passed_over(code: Callable[..., Any], now: str) -> None:
    history = await trip_history()
    assert check_replay(history, code, exact=False).episodes == 6
    with pytest.raises(ReplayBroken) as caught:
        check_replay(history, code)
    lines = str(caught.value).splitlines()
    assert lines[3].strip() == f"today's code:  {now}"
    assert lines[-1].startswith("Running instances would go on.")


def longer_timer_then_renamed(context: Context) -> Steps:
    yield from up_to_the_timer(context)
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=2))
    yield context.wait_for_external_event("go")
    yield context.call_sub_orchestrator("ensure", "all", "insurance-1")


@pytest.mark.parametrize("is_exact", [True, False])
async def test_a_change_that_breaks_is_told_before_an_earlier_one_that_does_not(is_exact: bool) -> None:
    """Else the advice would be to record the history anew, and the instances would break."""
    with pytest.raises(ReplayBroken, match="starts the sub-orchestration 'ensure'") as caught:
        check_replay(await trip_history(), longer_timer_then_renamed, exact=is_exact)
    assert "Give the changed orchestrator a new name" in str(caught.value)


async def test_the_output_of_an_instance_that_still_runs_cannot_differ() -> None:
    assert check_replay(await trip_history(until_paid=False), other_output).episodes == 4


async def test_stored_inputs_are_compared() -> None:
    settings = {"AzureFunctionsJobHost__extensions__durableTask__storeInputsInOrchestrationHistory": "true"}
    async with Host(make_trips(), settings=settings) as host:
        run = await host.start("insure", "all")
        history = await host.history(run)

    def other_input(context: Context) -> Steps:
        return (yield context.call_activity("book", "nothing"))

    check_replay(history, insure)
    check_replay(history, other_input, exact=False)
    with pytest.raises(ReplayBroken, match='with the input "nothing"'):
        check_replay(history, other_input)


async def test_an_activity_that_the_app_no_longer_has_is_found() -> None:
    history = await trip_history()
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    app.orchestration_trigger(context_name="context")(trip)
    with pytest.raises(ReplayBroken, match="The function 'book' doesn't exist"):
        check_replay(history, app)
    with pytest.raises(KitError, match="has no orchestrator 'trip'"):
        check_replay(history, make_app())


async def test_a_retried_activity_replays_with_its_failures() -> None:
    faults = [OSError("once"), OSError("twice")]

    def reserve(number: int) -> int:
        if faults:
            raise faults.pop()
        return number

    async with Host(make_app()) as host:
        host.replace_activity("reserve", reserve)
        run = await host.start("order", 7)
        await host.advance(minutes=5)
        history = await host.history(run)
    assert check_replay(json.loads(record(history))["events"], order).episodes > 4


async def test_a_terminated_instance_is_compared_up_to_its_end() -> None:
    async with Host(make_trips()) as host:
        run = await host.start("trip")
        await host.terminate(run, "by hand")
        history = await host.history(run)
    assert check_replay(history, trip).episodes == 3
    with pytest.raises(ReplayBroken, match="starts the activity 'book_room'"):
        check_replay(history, renamed_activity)


async def test_code_that_decides_otherwise_at_each_replay_is_found() -> None:
    dice = iter(range(100))

    def rolls_dice(context: Context) -> Steps:
        yield context.call_activity("check" if next(dice) % 2 else "book", "hotel")

    with pytest.raises(ReplayBroken, match="Non-Deterministic workflow detected"):
        check_replay(await trip_history(), rolls_dice)


async def test_a_rewound_instance_can_neither_be_checked_nor_recorded() -> None:
    faults = [OSError("once")]

    def greet(name: str) -> str:
        if faults:
            raise faults.pop()
        return name

    async with Host(make_app()) as host:
        host.replace_activity("greet", greet)
        run = await host.start("greeting", "Tokyo")
        await host.rewind(run, "again")
        assert (await host.wait_for(run)).output == "Tokyo"
        with pytest.raises(KitError, match="was rewound"):
            check_replay(await host.history(run), make_app())
        with pytest.raises(KitError, match="was rewound"):
            record(await host.history(run))


async def test_a_record_is_readable_and_holds_nothing_of_the_machine(tmp_path: Path) -> None:
    def broken(_: Any) -> None:
        raise OSError("away")

    async with Host(make_app()) as host:
        host.replace_activity("greet", broken)
        run = await host.start("greeting", "Tokyo", instance_id="g-1")
        history = await host.history(run)
    text = record(history)
    assert text.splitlines()[0] == '{"format": 1, "name": "greeting", "instanceId": "g-1", "sdk": "1.7.0", "events": ['
    assert text.splitlines()[1].startswith('  {"EventType":12,"EventId":-1,"Timestamp":"2026-01-01T00:00:00.0000000Z"}')
    assert len(text.splitlines()) == len(history) + 2
    assert "File" not in text
    (tmp_path / "g-1.json").write_text(text)
    assert check_replay(tmp_path / "g-1.json", make_app()).name == "greeting"
    assert len(read_record(tmp_path / "g-1.json")) == len(history)


def test_a_file_that_is_no_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(KitError, match=r"x\.json is no recorded history"):
        check_replay(tmp_path / "x.json", trip)


def test_an_event_without_its_time_makes_no_record(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"format": 1, "events": [{"EventType": 0}]}')
    with pytest.raises(KitError, match=r"x\.json is no recorded history \(.*an event without Name, Version"):
        check_replay(tmp_path / "x.json", trip)


async def test_histories_are_recorded_and_checked_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Host(make_trips(), state_dir=tmp_path / "state") as host:
        await host.start("trip", instance_id="trip-1")
        while_running = main(["record", "--state-dir", str(tmp_path / "state"), "trip-1"])
    recorded = capsys.readouterr().out
    assert (while_running, main(["record", "--state-dir", str(tmp_path / "state"), "trip-1"])) == (0, 0)
    assert capsys.readouterr().out == recorded
    assert main(["record", "--state-dir", str(tmp_path / "state"), "nobody"]) == 1
    assert "no history of an instance 'nobody'" in capsys.readouterr().err
    (tmp_path / "trip-1.json").write_text(recorded)
    app = tmp_path / "trips_app.py"
    app.write_text("from tests.integration.devhost.testing.test_kit_replay import make_trips\napp = make_trips()\n")
    monkeypatch.setenv("PYTHON_SCRIPT_FILE_NAME", "trips_app.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["check", "--script-root", str(tmp_path), str(tmp_path / "trip-1.json")]) == 0
    assert "trip fits, 14 events in 3 episodes" in capsys.readouterr().out
    (tmp_path / "later.json").write_text(recorded.replace('"FireAt":"2026-', '"FireAt":"2027-'))
    check_later = ["check", "--script-root", str(tmp_path), str(tmp_path / "later.json")]
    assert main(check_later) == 1
    assert "record the history anew, or compare with --only-breaking." in capsys.readouterr().err
    assert main([*check_later, "--only-breaking"]) == 0
