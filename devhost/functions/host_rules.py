"""What the host, unlike the worker, demands of one function; the others load without it.

Source: Azure/azure-functions-host, WebJobs.Script/Utility.cs and Host/ScriptHost.cs.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from devhost.durable.protocol import HTTP_ACTIVITY
from devhost.timers.ncrontab import ScheduleError, parse_schedule

PROPERTIES_WITHOUT_LOOKUP = frozenset({"name", "type", "direction", "connection", "route"})
"""Binding properties whose text is taken as written; in the others `%NAME%` names a setting."""

SUPPORTED_TRIGGERS = frozenset(
    {"httpTrigger", "timerTrigger", "queueTrigger", "orchestrationTrigger", "activityTrigger", "entityTrigger"}
)
_OTHER_BINDINGS = frozenset({"http", "durableClient", "queue", "table", "blob"})
_FUNCTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}")
_BINDING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_RESERVED_PREFIXES = ("admin", "runtime")
_ALL_METHODS = frozenset({"*"})


def function_fault(name: str, bindings: Sequence[Mapping[str, Any]]) -> str | None:
    """Why the host refuses this function, with the cure; None if it does not."""
    return (
        _name_fault(name)
        or _binding_names_fault(bindings)
        or _binding_types_fault(bindings)
        or _reserved_route_fault(name, bindings)
        or _durable_name_fault(bindings)
    )


def _name_fault(name: str) -> str | None:
    if not _FUNCTION_NAME.fullmatch(name):
        return (
            f"'{name}' is not a valid function name. It must start with a letter, followed by at most 127 "
            "letters, digits, _ or -; rename it with @app.function_name."
        )
    if name.lower() == "host":
        return "'host' is reserved; rename the function with @app.function_name."
    return None


def _binding_names_fault(bindings: Sequence[Mapping[str, Any]]) -> str | None:
    names = [str(binding["name"]) for binding in bindings]
    for name in names:
        if name != "$return" and (not _BINDING_NAME.fullmatch(name) or "__" in name):
            return (
                f"the binding name '{name}' is invalid. Rename the parameter: letters, digits and single "
                "underscores, no digit first, at most 128 characters."
            )
    repeated = [name for name, count in Counter(name.lower() for name in names).items() if count > 1]
    if repeated:
        return f"two bindings are named '{repeated[0]}' (case does not count); rename one."
    return None


def _binding_types_fault(bindings: Sequence[Mapping[str, Any]]) -> str | None:
    triggers = [str(one["type"]) for one in bindings if str(one["type"]).lower().endswith("trigger")]
    if len(triggers) != 1:
        return f"it has {len(triggers)} triggers ({', '.join(triggers) or 'none'}); it must have exactly one."
    for binding in bindings:
        if binding["type"] not in SUPPORTED_TRIGGERS | _OTHER_BINDINGS:
            return (
                f"this host does not serve the binding type '{binding['type']}' of '{binding['name']}'. "
                "Run the function with Azure Functions Core Tools, or leave it out with --functions."
            )
    return None


def _reserved_route_fault(function_name: str, bindings: Sequence[Mapping[str, Any]]) -> str | None:
    for binding in bindings:
        route = _comparable_route(function_name, binding)
        if binding["type"] == "httpTrigger" and route.startswith(_RESERVED_PREFIXES):
            return (
                f"the route '{binding.get('route') or function_name}' starts with 'admin' or 'runtime', which the "
                "host reserves; choose another."
            )
    return None


def _durable_name_fault(bindings: Sequence[Mapping[str, Any]]) -> str | None:
    for binding in bindings:
        if binding["type"] == "orchestrationTrigger" and str(binding.get("orchestration", "")).startswith("@"):
            return f"the orchestration name '{binding['orchestration']}' must not start with '@'."
        if binding["type"] == "activityTrigger" and str(binding.get("activity", "")).lower() == HTTP_ACTIVITY.lower():
            return f"the activity name '{HTTP_ACTIVITY}' is reserved for context.call_http; choose another one."
        if binding["type"] == "entityTrigger" and "@" in str(binding.get("entityName", "")):
            return f"the entity name '{binding['entityName']}' must not contain '@'."
    return None


def timer_fault(trigger: Mapping[str, Any]) -> str | None:
    """Why the schedule of a timer trigger, its settings resolved, cannot be used; None if it can."""
    if trigger["type"] != "timerTrigger":
        return None
    try:
        parse_schedule(str(trigger["schedule"]))
    except ScheduleError as error:
        return str(error)
    return None


def duplicate_routes(triggers: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Of HTTP functions in name order, those whose route text an earlier one has: name to reason.

    Texts compare ignoring case and outer slashes, and only where the methods overlap.
    """
    taken: dict[str, list[tuple[str, frozenset[str]]]] = {}
    refused = {}
    for name, trigger in triggers:
        if trigger["type"] != "httpTrigger":
            continue
        methods = frozenset(trigger.get("methods") or _ALL_METHODS)
        others = taken.setdefault(_comparable_route(name, trigger), [])
        holder = next((other for other, theirs in others if _overlap(methods, theirs)), None)
        if holder is None:
            others.append((name, methods))
        else:
            refused[name] = (
                f"the route '{trigger.get('route')}' is already used by the function '{holder}'. "
                "Change one of the routes, or give the functions different methods."
            )
    return refused


def duplicate_durable_names(functions: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """Of (name, trigger type, durable name) in name order, those whose durable name is taken: name to reason."""
    holders: dict[tuple[str, str], str] = {}
    refused = {}
    for name, trigger_type, durable_name in functions:
        holder = holders.setdefault((trigger_type, durable_name.lower()), name)
        if holder != name:
            refused[name] = (
                f"the durable name '{durable_name}' is already used by the function '{holder}' "
                "(case does not count). Rename one of them."
            )
    return refused


def _overlap(methods: frozenset[str], others: frozenset[str]) -> bool:
    return _ALL_METHODS in (methods, others) or not methods.isdisjoint(others)


def _comparable_route(function_name: str, binding: Mapping[str, Any]) -> str:
    return str(binding.get("route") or function_name).strip("/").lower()
