"""An app that uses everything durable at once, and writes down each effect, so that a killed host can be checked.

`EFFECTS_FILE` names a file that gets one line for each run of the activity `effect`.
"""

import os
import random
import time
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

ROUNDS = 3
RETRY = df.RetryOptions(10, 100)
CALLED, SIGNALLED = df.EntityId("total", "called"), df.EntityId("total", "signalled")


@app.orchestration_trigger(context_name="context")
def order(context):
    """Per round: two effects beside a flaky activity, a child, a short timer, a call and a signal; then an event."""
    number = context.get_input()["number"]
    collected = []
    for step in range(ROUNDS):
        effects = [context.call_activity("effect", f"{number}.{step}.{part}") for part in range(2)]
        flaky = context.call_activity_with_retry("flaky", RETRY, step)
        child = context.call_sub_orchestrator("child", [step, 2])
        collected += yield context.task_all([*effects, flaky, child])
        timer = context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
        late = context.create_timer(context.current_utc_datetime + timedelta(hours=9))
        yield context.task_any([timer, late])
        late.cancel()
        yield context.call_entity(CALLED, "add", 1)
        context.signal_entity(SIGNALLED, "add", 1)
    collected.append((yield context.wait_for_external_event("paid")))
    return collected


@app.orchestration_trigger(context_name="context")
def child(context):
    """Three generations, each with an activity and a timer; ten times its input."""
    value, left = context.get_input()
    doubled = yield context.call_activity("double", value)
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=5))
    if left:
        context.continue_as_new([value, left - 1])
        return None
    return doubled * 5


@app.activity_trigger(input_name="key")
def effect(key: str):
    with open(os.environ["EFFECTS_FILE"], "a", encoding="ascii") as effects:  # noqa: PTH123
        effects.write(f"{key}\n")
    time.sleep(0.002)
    return key


@app.activity_trigger(input_name="value")
async def double(value: int):
    return value * 2


@app.activity_trigger(input_name="value")
def flaky(value: int):
    if random.random() < 0.2:
        raise ValueError("not this time")
    return value


@app.entity_trigger(context_name="context")
def total(context):
    count = context.get_state(lambda: 0) + context.get_input()
    context.set_state(count)
    context.set_result(count)


@app.entity_trigger(context_name="context")
def members(context):
    names = context.get_state(list)
    context.set_state(sorted({*names, context.get_input()}))
