"""Entities, and orchestrators that call them; registered by function_app.py."""

import os
import time
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

blueprint = df.Blueprint()
NOTES = Path(os.environ["CONFORMANCE_NOTES"])


def add(context):
    """The state and the input."""
    context.set_state(context.get_state(lambda: 0) + context.get_input())


def add_and_fail(context):
    """One more, and an error."""
    context.set_state(context.get_state(lambda: 0) + 1)
    raise ValueError("bad op")


def fail(context):
    """An error with the text of the input."""
    raise ValueError(context.get_input())


def slow(context):
    """A while, with a note at both ends."""
    note("slow", "began")
    time.sleep(0.05)
    note("slow", "ended")


OPERATIONS = {
    "add": add,
    "add_and_fail": add_and_fail,
    "append": lambda context: context.set_state([*context.get_state(list), context.get_input()]),
    "delete": lambda context: context.destruct_on_exit(),
    "echo": lambda context: context.set_result([context.get_input()]),
    "fail": fail,
    "get": lambda context: context.set_result(context.get_state()),
    "look": lambda context: context.get_state(lambda: 5),
    "nothing": lambda context: None,
    "result": lambda context: context.set_result(context.get_input()),
    "result_only": lambda context: context.set_result("done"),
    "slow": slow,
    "who": lambda context: context.set_result([context.entity_name, context.entity_key]),
}


@blueprint.entity_trigger(context_name="context")
def Counter(context):  # noqa: N802  # a name with a capital shows where the host lowers it
    """Each operation shows one rule of entities."""
    OPERATIONS[context.operation_name](context)


def note(name: str, line: str) -> None:
    """Append a line to the notes of this name."""
    with (NOTES / name).open("a") as lines:
        lines.write(f"{line}\n")


@blueprint.orchestration_trigger(context_name="context")
def calls_entity(context):
    """The result of each [key, operation, input] of the input, or the text of its error."""
    results = []
    for key, operation, value in context.get_input():
        try:
            results.append((yield context.call_entity(df.EntityId("Counter", key), operation, value)))
        except Exception as error:  # what the entity raised is the result here
            results.append(f"error: {error}")
    return results


@blueprint.orchestration_trigger(context_name="context")
def signals_entity(context):
    """Send each [key, operation, input] of the input as a signal, without a yield."""
    for key, operation, value in context.get_input():
        context.signal_entity(df.EntityId("Counter", key), operation, value)
    return "sent"
    yield


@blueprint.orchestration_trigger(context_name="context")
def yields_signal(context):
    """Yields a signal, as an app should not."""
    yield context.signal_entity(df.EntityId("Counter", context.get_input()), "add", 1)


@blueprint.orchestration_trigger(context_name="context")
def entity_then_activity(context):
    """A call, an activity, a call."""
    entity = df.EntityId("Counter", context.get_input())
    yield context.call_entity(entity, "add", 2)
    added = yield context.call_activity("same", 3)
    yield context.call_entity(entity, "add", added)
    return (yield context.call_entity(entity, "get"))


@blueprint.orchestration_trigger(context_name="context")
def calls_in_parallel(context):
    """Eight calls of one entity at once, whose operations must not overlap."""
    entity = df.EntityId("Counter", context.get_input())
    yield context.task_all([context.call_entity(entity, "slow") for _ in range(8)])


@blueprint.orchestration_trigger(context_name="context")
def calls_of_one_batch(context):
    """The results of three operations that wait together."""
    entity = df.EntityId("Counter", context.get_input())
    return (yield context.task_all([context.call_entity(entity, name) for name in ("slow", "result_only", "nothing")]))


@blueprint.orchestration_trigger(context_name="context")
def open_entity_call(context):
    """Leaves a call open that answers late, and returns."""
    slow = context.call_entity(df.EntityId("Counter", context.get_input()), "slow")
    yield context.task_any([slow, context.call_activity("same", 1)])
    return "returned"


@blueprint.orchestration_trigger(context_name="context")
def calls_unknown_entity(context):
    """Calls an entity that the app lacks."""
    yield context.call_entity(df.EntityId("nobody", "k"), "get")


@blueprint.orchestration_trigger(context_name="context")
def signals_unknown_entity(context):
    """Signals an entity that the app lacks."""
    context.signal_entity(df.EntityId("nobody", "k"), "get")
    yield context.call_activity("same", 1)


@blueprint.route("signal/{key}/{operation}", methods=["POST"])
@blueprint.durable_client_input(client_name="client")
async def signal(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Signal an operation through the SDK; the body is its input as JSON."""
    value = req.get_json() if req.get_body() else None
    await client.signal_entity(df.EntityId("Counter", req.route_params["key"]), req.route_params["operation"], value)
    return func.HttpResponse(status_code=202)


@blueprint.route("read/{key}")
@blueprint.durable_client_input(client_name="client")
async def read(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Whether an entity exists, and its state, as the SDK reads them."""
    found = await client.read_entity_state(df.EntityId("Counter", req.route_params["key"]))
    return func.HttpResponse(f"{found.entity_exists} {found.entity_state!r}")
