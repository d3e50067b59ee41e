"""Orchestrators that each show one rule; the tests beside this folder start them over HTTP.

What an activity did is written into the folder NOTES, so that it can be seen from outside and from every worker.
"""

import json
import os
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import entities

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(entities.blueprint)
NOTES = Path(os.environ["CONFORMANCE_NOTES"])
SOON = timedelta(milliseconds=30)
LONG = timedelta(hours=1)


def note(name: str, line: str) -> int:
    """Append a line to the notes of this name; the number of lines there are now."""
    with (NOTES / name).open("a+") as lines:
        lines.write(f"{line}\n")
        lines.seek(0)
        return len(lines.readlines())


def orchestrator(function: Any) -> Any:
    """Register a plain generator function."""
    app.orchestration_trigger(context_name="context")(function)
    return function


# Routes


@app.route("start/{name}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start an orchestrator through the SDK; the body is its input as JSON."""
    body = req.get_body()
    version = req.params.get("version")
    name, instance_id = req.route_params["name"], req.route_params["id"]
    await client.start_new(name, instance_id, json.loads(body) if body else None, version=version)
    return client.create_check_status_response(req, instance_id)


@app.route("management/{id}")
@app.durable_client_input(client_name="client")
async def management(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The management URLs as the SDK hands them to an app."""
    payload = client.create_http_management_payload(req.route_params["id"])
    return func.HttpResponse(json.dumps(payload), mimetype="application/json")


@app.route("binding")
@app.durable_client_input(client_name="client")
async def binding(req: func.HttpRequest, client: Any) -> func.HttpResponse:
    """The address that the SDK sends its requests to."""
    rpc = client._orchestration_bindings.rpc_base_url
    return func.HttpResponse(json.dumps({"rpc": rpc}), mimetype="application/json")


@app.route("raise/{id}/{event}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def raise_event(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Raise an event through the SDK."""
    body = req.get_body()
    await client.raise_event(req.route_params["id"], req.route_params["event"], json.loads(body) if body else None)
    return func.HttpResponse(status_code=202)


@app.route("sdk/get_status_all")
@app.durable_client_input(client_name="client")
async def get_status_all(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The IDs that the SDK lists."""
    return func.HttpResponse(json.dumps([one.instance_id for one in await client.get_status_all()]))


@app.route("sdk/purge_nothing")
@app.durable_client_input(client_name="client")
async def purge_nothing(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """How many instances of a time long ago the SDK has purged."""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    result = await client.purge_instance_history_by(long_ago, long_ago + LONG)
    return func.HttpResponse(json.dumps(result.instances_deleted))


@app.route("sdk/restart/{id}")
@app.durable_client_input(client_name="client")
async def restart(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """What the SDK's restart returns, or 500 with what it raises."""
    try:
        return func.HttpResponse(json.dumps(await client.restart(req.route_params["id"])))
    except Exception as error:
        return func.HttpResponse(str(error), status_code=500)


@app.route("sdk/rewind/{id}")
@app.durable_client_input(client_name="client")
async def rewind(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Rewind through the SDK; 500 with what it raises."""
    try:
        await client.rewind(req.route_params["id"], "again")
    except Exception as error:
        return func.HttpResponse(str(error), status_code=500)
    return func.HttpResponse("rewound")


@app.route("invocation")
@app.durable_client_input(client_name="client")
async def invocation(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, context: func.Context
) -> func.HttpResponse:
    """The run's ID as the client has it and as the context has it."""
    return func.HttpResponse(json.dumps([client._function_invocation_id, context.invocation_id]))


# Activities


@app.activity_trigger(input_name="value")
def same(value: Any) -> Any:
    """What it was given."""
    return value


@app.activity_trigger(input_name="value")
def nothing(value: Any) -> None:
    """None."""


@app.activity_trigger(input_name="text")
def boom(text: str) -> None:
    """Always fails."""
    raise ValueError(text)


@app.activity_trigger(input_name="key")
def third_time(key: str) -> str:
    """Fails twice for each key."""
    attempt = note(key, "attempt")
    if attempt < 3:
        raise ValueError(f"attempt {attempt}")
    return f"attempt {attempt}"


@app.activity_trigger(input_name="key")
def noted(key: str) -> int:
    """Leaves a note of its run."""
    return note(key, "run")


@app.activity_trigger(input_name="key")
def until_released(key: str) -> str:
    """Runs until the file KEY.release is there."""
    note(key, "began")
    deadline = time.monotonic() + 30
    while not (NOTES / f"{key}.release").exists():
        if time.monotonic() > deadline:
            raise TimeoutError(key)
        time.sleep(0.02)
    note(key, "ended")
    return "released"


# The answer


@orchestrator
def returns_input(context):
    return context.get_input()
    yield


@orchestrator
def falsy_custom_status(context):
    context.set_custom_status({"step": 1})
    yield context.wait_for_external_event("next")
    context.set_custom_status(context.get_input())
    yield context.wait_for_external_event("end")


@orchestrator
def large_custom_status(context):
    context.set_custom_status("x" * 8192)
    yield context.wait_for_external_event("end")


@orchestrator
def custom_status_no_json(context):
    context.set_custom_status({1, 2})
    yield context.call_activity("same", 1)


@orchestrator
def output_no_json(context):
    yield context.call_activity("same", 1)
    return {1, 2}


@app.orchestration_trigger(context_name="context")
def plain_and_raises(context):
    raise LookupError("no generator")


@orchestrator
def yields_a_list(context):
    yield [context.call_activity("same", 1)]


@orchestrator
def yields_a_list_later(context):
    yield context.call_activity("same", 1)
    yield [1]


# Actions


@orchestrator
def calls_activity(context):
    return (yield context.call_activity("same", context.get_input()))


@orchestrator
def gets_nothing(context):
    return [(yield context.call_activity("nothing", "x")), (yield context.call_sub_orchestrator("returns_nothing"))]


@orchestrator
def returns_nothing(context):
    yield context.call_activity("nothing", None)


@orchestrator
def retries_activity(context):
    options = df.RetryOptions(20, 3)
    return (yield context.call_activity_with_retry("third_time", options, context.instance_id))


@orchestrator
def always_fails(context):
    yield context.call_activity("boom", context.get_input())


@orchestrator
def retries_child(context):
    options = df.RetryOptions(20, 3)
    return (yield context.call_sub_orchestrator_with_retry("third_child", options, context.instance_id))


@orchestrator
def third_child(context):
    return (yield context.call_activity("third_time", context.get_input()))


@orchestrator
def retries_child_with_id(context):
    options = df.RetryOptions(20, 2)
    child_id = f"{context.instance_id}-child"
    yield context.call_sub_orchestrator_with_retry("always_fails", options, "child", child_id)


@orchestrator
def retries_failing_activity(context):
    options = df.RetryOptions(20, context.get_input())
    try:
        yield context.call_activity_with_retry("boom", options, "again")
    except Exception as error:
        return str(error).partition("\n")[0].strip()


@orchestrator
def calls_child(context):
    return (yield context.call_sub_orchestrator("returns_input", context.get_input(), f"{context.instance_id}-child"))


@orchestrator
def counts_generations(context):
    count = context.get_input()
    yield context.call_activity("same", count)
    if count < 3:
        context.continue_as_new(count + 1)
        return None
    return {"count": count, "id": context.instance_id, "version": context.version}


@orchestrator
def continues_without_yield(context):
    if context.get_input() == 1:
        return "second"
    context.continue_as_new(1)
    return "first"
    yield


@orchestrator
def acts_after_continue_as_new(context):
    if context.get_input() is None:
        return "second"
    context.continue_as_new(None)
    yield context.call_activity("noted", context.get_input())


@orchestrator
def fires_timer(context):
    due = context.current_utc_datetime + timedelta(milliseconds=context.get_input())
    value = yield context.create_timer(due)
    return [value, context.current_utc_datetime >= due]


@orchestrator
def timer_of_another_zone(context):
    """The time of the clock on the wall, said to be five hours behind: converted it would be five hours away."""
    due = context.current_utc_datetime.replace(tzinfo=timezone(timedelta(hours=-5)))
    yield context.create_timer(due)


@orchestrator
def waits(context):
    return (yield context.wait_for_external_event("go"))


@orchestrator
def any_of_two(context):
    first = context.call_activity("same", "first")
    event = context.wait_for_external_event("go")
    winner = yield context.task_any([first, event])
    return winner.result


@orchestrator
def all_of_three(context):
    child = context.call_sub_orchestrator("returns_input", "child")
    timer = context.create_timer(context.current_utc_datetime + SOON)
    return (yield context.task_all([context.call_activity("same", "activity"), child, timer]))


@orchestrator
def never_yields(context):
    context.call_activity("noted", context.instance_id)
    return (yield context.call_activity("same", "only this"))


@orchestrator
def empty_groups(context):
    return [(yield context.task_all([])), (yield context.task_any([]))]


# The gate


@orchestrator
def after_a_failure(context):
    try:
        yield context.call_activity("boom", "first")
    except Exception:
        return (yield context.call_activity("same", "next"))


@orchestrator
def cancelled_timer_opens_the_gate(context):
    timer = context.create_timer(context.current_utc_datetime + LONG)
    try:
        yield context.task_all([timer, context.call_activity("boom", "x")])
    except Exception:
        timer.cancel()
    return (yield context.call_activity("same", "next"))


@orchestrator
def open_event_holds_the_gate(context):
    event = context.wait_for_external_event("go")
    try:
        yield context.task_all([event, context.call_activity("boom", "x")])
    except Exception:
        context.set_custom_status("failed")
    return (yield context.call_activity("same", "next"))


@orchestrator
def open_event_holds_the_end(context):
    event = context.wait_for_external_event("go")
    try:
        yield context.task_all([event, context.call_activity("boom", "x")])
    except Exception:
        context.set_custom_status("failed")
    return "ended"


@orchestrator
def winner_opens_the_gate(context):
    slow = context.call_activity("until_released", context.instance_id)
    yield context.task_any([slow, context.call_activity("same", "fast")])
    context.set_custom_status((yield context.call_activity("same", "next")))
    return "ended"


@orchestrator
def two_groups(context):
    first, second = context.wait_for_external_event("a"), context.call_activity("same", 1)
    group = context.task_any([first, second])
    yield second
    yield group
    return (yield context.call_activity("same", 2))


@orchestrator
def nested_groups(context):
    inner = context.task_all([context.call_activity("boom", "x"), context.call_activity("until_released", "nested")])
    yield context.task_any([inner, context.wait_for_external_event("go")])
    yield context.wait_for_external_event("go")


# Timers


@orchestrator
def cancels_timer(context):
    timer = context.create_timer(context.current_utc_datetime + LONG)
    yield context.task_any([timer, context.call_activity("same", 1)])
    timer.cancel()
    return "cancelled"


@orchestrator
def cancels_fired_timer(context):
    timer = context.create_timer(context.current_utc_datetime + SOON)
    yield timer
    try:
        timer.cancel()
    except Exception as error:
        return type(error).__name__
    return "no error"


@orchestrator
def old_timer(context):
    yield context.create_timer(context.current_utc_datetime - LONG)
    return "fired"


# Events


@orchestrator
def abandons_a_wait(context):
    yield context.task_any([context.wait_for_external_event("e"), context.call_activity("same", 1)])
    context.set_custom_status("second wait")
    first = yield context.wait_for_external_event("e")
    context.set_custom_status("between")
    yield context.wait_for_external_event("continue")
    context.set_custom_status("third wait")
    return [first, (yield context.wait_for_external_event("e"))]


@orchestrator
def two_waits_at_once(context):
    older, newer = context.wait_for_external_event("e"), context.wait_for_external_event("e")
    yield context.task_any([older, newer])
    return [older.is_completed, newer.is_completed]


@orchestrator
def early_events(context):
    yield context.wait_for_external_event("continue")
    return [(yield context.wait_for_external_event("e")), (yield context.wait_for_external_event("e"))]


@orchestrator
def events_in_turn(context):
    seen = []
    for _ in range(3):
        context.set_custom_status(f"{len(seen)} seen")
        seen.append((yield context.wait_for_external_event("e")))
    return seen


# Generations


@orchestrator
def child_that_continues(context):
    count = context.get_input()
    if count < 2:
        context.continue_as_new(count + 1)
        return None
    return {"count": count, "parent": context.parent_instance_id}
    yield


@orchestrator
def parent_of_generations(context):
    return (yield context.call_sub_orchestrator("child_that_continues", 0, f"{context.instance_id}-child"))


@orchestrator
def raises_after_continue_as_new(context):
    context.continue_as_new(1)
    raise ValueError("too late")
    yield


@orchestrator
def new_generation_after_a_second(context):
    if context.get_input() == "second":
        yield context.wait_for_external_event("go")
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
    context.continue_as_new("second")


@orchestrator
def input_of_generations(context):
    given = context.get_input()
    if given == "begin":
        context.continue_as_new({"a": [1, None]})
    elif given is not None:
        context.continue_as_new(None)
    return "None arrived"
    yield


# Suspension


@orchestrator
def notes_its_replays(context):
    note(context.instance_id, "called")
    first = yield context.wait_for_external_event("go")
    return [first, (yield context.wait_for_external_event("go"))]


@orchestrator
def fails_once_asked(context):
    yield context.wait_for_external_event("go")
    raise ValueError(f"asked {context.instance_id}")


# Children


@orchestrator
def parent_with_id(context):
    return (yield context.call_sub_orchestrator("tells_parent", None, context.get_input()))


@orchestrator
def tells_parent(context):
    return context.parent_instance_id
    yield


@orchestrator
def catches_child(context):
    try:
        yield context.call_sub_orchestrator(context.get_input(), "child text", f"{context.instance_id}-child")
    except Exception as error:
        return str(error)


@orchestrator
def default_child(context):
    return (yield context.call_sub_orchestrator("own_id"))


@orchestrator
def own_id(context):
    return context.instance_id
    yield


# Refusals


@orchestrator
def calls_unknown_activity(context):
    yield context.call_activity("nobody", 1)


@orchestrator
def calls_unknown_child(context):
    yield context.call_sub_orchestrator("nobody", 1)


@orchestrator
def calls_child_by_its_own_id(context):
    yield context.call_sub_orchestrator("returns_input", 1, context.instance_id)


# HTTP, rewind


@orchestrator
def calls_http(context):
    """The whole answer to the request of the input, or the first line of the error."""
    given = context.get_input()
    try:
        return (yield context.call_http(given["method"], given["uri"], given.get("content"), given.get("headers")))
    except Exception as error:
        return f"error: {error}".partition("\n")[0]


@orchestrator
def http_then_activity(context):
    """The status code of a request, and what an activity makes of the next one."""
    first = yield context.call_http("GET", context.get_input())
    second = yield context.call_activity("same", "next")
    return [first["statusCode"], second]


@app.activity_trigger(input_name="key")
def fails_until_released(key: str) -> str:
    """Fails while the file KEY.release is not there."""
    note(key, "tried")
    if not (NOTES / f"{key}.release").exists():
        raise ValueError("not yet")
    return "at last"


@orchestrator
def can_be_rewound(context):
    """An activity that succeeds and leaves a note, and one that fails until it is released."""
    count = yield context.call_activity("noted", f"{context.instance_id}-once")
    return [count, (yield context.call_activity("fails_until_released", context.get_input() or context.instance_id))]


@orchestrator
def parent_to_be_rewound(context):
    child_id = f"{context.instance_id}-child"
    return (yield context.call_sub_orchestrator("can_be_rewound", context.instance_id, child_id))
