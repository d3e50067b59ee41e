"""What a workflow waits for: read from its input, the same for HTTP bodies and for whatever else starts one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from orchestrations import names

DEFAULT_EVENT: Final = "Workflow"
MODES: Final = ("any", "all")
FIELDS: Final = ("waitFor", "mode", "timeoutSeconds", "data")
MOST_EVENTS: Final = 20
EVENT_NAME_LENGTH: Final = 100
KEY_LENGTH: Final = 200
LONGEST_TIMEOUT: Final = timedelta(days=366)
# No colon: it joins the parts of instance IDs, so a key can never be the ID of a run's child.
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*")


class BadWorkflow(ValueError):
    """The input of a workflow, or an event for one, cannot be used; the message names the field and the cure."""


@dataclass(frozen=True, slots=True)
class WorkflowRequest:
    """What was asked of a workflow. `timeout_s` is None if it waits for as long as it takes."""

    key: str
    wait_for: tuple[str, ...]
    mode: str
    timeout_s: float | None


def workflow_id(key: str) -> str:
    """The instance ID of the workflow with this key: it is derived, so nothing is ever searched for."""
    return f"{names.WORKFLOW}:{key}"


def key_problem(text: str) -> str:
    """Why `text` cannot be the key of a workflow; empty if it can."""
    if len(text) > KEY_LENGTH:
        return f"it has {len(text)} characters; at most {KEY_LENGTH} are allowed"
    if not _KEY.fullmatch(text):
        return "it must begin with a letter or digit and have only letters, digits and - _ . ~"
    return ""


def workflow_request(document: Any) -> WorkflowRequest:
    """The request in a workflow's input: `input` (the key) and the fields of a start. Raises BadWorkflow."""
    if not isinstance(document, Mapping):
        raise BadWorkflow("the input of a workflow must be a JSON object with the field 'input'")
    refuse_unknown(document, ("input", *FIELDS))
    key = document.get("input")
    if not isinstance(key, str):
        raise BadWorkflow("'input': the key of the workflow must be a string")
    if problem := key_problem(key):
        raise BadWorkflow(f"'input': '{key[:300]}' cannot be a key: {problem}")
    return WorkflowRequest(key, _wait_for(document.get("waitFor")), _mode(document.get("mode")), _timeout(document))


def refuse_unknown(document: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise BadWorkflow for a field that nobody would read."""
    unknown = sorted(str(name) for name in document.keys() - set(known))
    if unknown:
        raise BadWorkflow(f"unknown field '{unknown[0][:100]}'; known: {', '.join(known)}")


def event_name(value: Any, field: str) -> str:
    """`value` if it can be the name of an event; the same characters as of an instance ID. Raises BadWorkflow."""
    if not isinstance(value, str):
        raise BadWorkflow(f"'{field}': the name of an event must be a string")
    if problem := names.instance_id_problem(value, longest=EVENT_NAME_LENGTH):
        raise BadWorkflow(f"'{field}': '{value[:300]}' cannot be the name of an event: {problem}")
    return value


def _wait_for(value: Any) -> tuple[str, ...]:
    if value is None:
        return (DEFAULT_EVENT,)
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_EVENTS:
        raise BadWorkflow(
            f"'waitFor' must be a list of 1 to {MOST_EVENTS} event names; leave it out for '{DEFAULT_EVENT}'"
        )
    found = tuple(event_name(one, "waitFor") for one in value)
    # The host compares names ignoring case, the SDK does not: two such names would wait for each other's events.
    if len({name.lower() for name in found}) < len(found):
        raise BadWorkflow("'waitFor' has an event twice; names that differ only in case count as the same")
    return found


def _mode(value: Any) -> str:
    if value is None:
        return MODES[0]
    if not isinstance(value, str) or value not in MODES:
        raise BadWorkflow('\'mode\' must be "any" (the first event ends the workflow) or "all"')
    return value


def _timeout(document: Mapping[str, Any]) -> float | None:
    value = document.get("timeoutSeconds")
    if value is None:
        return None
    longest = int(LONGEST_TIMEOUT.total_seconds())
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= longest:
        raise BadWorkflow(f"'timeoutSeconds' must be a number above 0, at most {longest} (366 days)")
    return float(value)
