"""Entity functions of the SDK for tests, and the operations that reach them."""

from __future__ import annotations

import json
from typing import Any

import azure.durable_functions as df

Context = df.DurableEntityContext


def counter(context: Context) -> None:
    """`add` a number, `get` the total, `fail` after adding one, `delete`; every operation answers the total."""
    total = context.get_state(lambda: 0)
    if context.operation_name == "add":
        total += context.get_input()
        context.set_state(total)
    elif context.operation_name == "fail":
        context.set_state(total + 1)
        raise ValueError("bad op")
    elif context.operation_name == "delete":
        context.destruct_on_exit()
    context.set_result(total)
    if context.operation_name == "delete":
        context.destruct_on_exit()


def log(context: Context) -> None:
    """Keeps every input in the order of arrival; answers how many there were before, or all for `read`."""
    entries = context.get_state(list)
    if context.operation_name == "read":
        context.set_result(list(entries))
        return
    context.set_result(len(entries))
    context.set_state([*entries, context.get_input()])


def as_client_sends(value: Any) -> str:
    """The input text of a signal by the SDK's client, or of any operation by an orchestrator."""
    return json.dumps(json.dumps(value))
