"""A small app with one of everything, for tests of the kit."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

Steps = Generator[Any, Any, Any]
RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=60_000, max_number_of_attempts=3)


def greeting(context: df.DurableOrchestrationContext) -> Steps:
    """One activity."""
    return (yield context.call_activity("greet", context.get_input()))


def order(context: df.DurableOrchestrationContext) -> Steps:
    """Retried and parallel activities, a timer, an event and two children; the input is the order's number."""
    number = context.get_input()
    reserved = yield context.call_activity_with_retry("reserve", RETRY, number)
    parts = yield context.task_all([context.call_activity("greet", f"{number}-{part}") for part in range(4)])
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=2))
    context.set_custom_status("waiting for the payment")
    paid = yield context.wait_for_external_event("paid")
    children = [context.call_sub_orchestrator("count_down", child, f"{number}:{child}") for child in (1, 2)]
    counted = yield context.task_all(children)
    return [reserved, parts, json.loads(paid), counted]


def count_down(context: df.DurableOrchestrationContext) -> Steps:
    """Continues as new until nothing is left."""
    left = context.get_input()
    yield context.call_activity("greet", left)
    if left == 0:
        return "done"
    yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
    context.continue_as_new(left - 1)
    return None


def approval(context: df.DurableOrchestrationContext) -> Steps:
    """An event, or a day without it."""
    deadline = context.create_timer(context.current_utc_datetime + timedelta(days=1))
    approved = context.wait_for_external_event("approved")
    winner = yield context.task_any([approved, deadline])
    if winner == deadline:
        return "too late"
    deadline.cancel()
    return json.loads(approved.result)


def make_app(ticks: list[str] | None = None) -> df.DFApp:
    """A new app; `ticks` collects the times of its five-minute timer, without it there is no timer."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for orchestrator in (greeting, order, count_down, approval):
        app.orchestration_trigger(context_name="context")(orchestrator)

    @app.activity_trigger(input_name="name")
    def greet(name: Any) -> str:
        return f"Hello {name}!"

    @app.activity_trigger(input_name="number")
    async def reserve(number: int) -> dict[str, Any]:
        return {"reserved": number}

    @app.route(route="greetings/{name}", methods=["POST"])
    @app.durable_client_input(client_name="client")
    async def start_greeting(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        instance_id = await client.start_new("greeting", client_input=req.route_params["name"])
        return client.create_check_status_response(req, instance_id)

    if ticks is not None:

        @app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
        def tick(timer: func.TimerRequest) -> None:
            ticks.append("late" if timer.past_due else "on time")

    return app
