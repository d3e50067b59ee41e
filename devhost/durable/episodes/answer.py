"""What an orchestrator function answers: everything it has asked for so far, and whether it is done.

Source: azure-functions-durable 1.7.0, models/OrchestratorState.py and models/actions (replay schema V3).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from devhost.durable.protocol import compact
from devhost.errors import DevhostError, FunctionFailed

LABEL = "$OutOfProcData$:"

Action = Mapping[str, Any]


class ActionType(IntEnum):
    """The numbers of the actions that the Python SDK produces."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB_ORCHESTRATOR = 2
    CALL_SUB_ORCHESTRATOR_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    WHEN_ANY = 11
    WHEN_ALL = 12


class AnswerUnusable(DevhostError):
    """The text is not an orchestrator state of the schema that this host speaks."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One parsed answer; the texts are compact JSON, None where the orchestrator gave nothing."""

    is_done: bool
    actions: Sequence[Action]
    output_text: str | None
    error: str | None
    custom_status_text: str | None

    @property
    def is_over(self) -> bool:
        """True if the orchestrator has returned, raised, or continued as new."""
        return self.is_done or self.error is not None


def parse_answer(text: str) -> Answer:
    """The answer in the JSON text of an orchestrator state. Raises AnswerUnusable."""
    try:
        state = json.loads(text)
        groups = state["actions"]
        is_done = bool(state["isDone"])
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise AnswerUnusable(f"The orchestrator's answer is no orchestrator state: {text[:200]}") from error
    except RecursionError as error:
        raise AnswerUnusable(
            "The orchestrator's answer is nested too deep to be read (RecursionError). Its output and its custom "
            "status must stay well below a thousand levels."
        ) from error
    if len(groups) != 1:
        raise AnswerUnusable(
            f"The orchestrator's answer has {len(groups)} action lists where replay schema V2 and later has one. "
            "Use azure-functions-durable 1.1 or newer."
        )
    return Answer(
        is_done=is_done,
        actions=groups[0],
        output_text=_text(state.get("output")),
        error=state.get("error"),
        custom_status_text=_text(state.get("customStatus")),
    )


def parse_failure(failed: FunctionFailed) -> Answer | None:
    """The answer after the first label in the failure's message; None if no usable state follows it."""
    _, label, state_text = failed.message.partition(LABEL)
    if not label:
        return None
    try:
        return parse_answer(state_text)
    except AnswerUnusable:  # the user's own text holds the label: report that text as it is
        return None


def _text(value: Any) -> str | None:
    return None if value is None else compact(value)
