"""The shape of an answer: single actions in the order of their ids, and the groups that wait for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devhost.durable.episodes.answer import Action, ActionType
from devhost.errors import DevhostError

_GROUPS = frozenset({ActionType.WHEN_ANY, ActionType.WHEN_ALL})
_NAME_KEYS = {
    ActionType.CALL_ACTIVITY: "functionName",
    ActionType.CALL_ACTIVITY_WITH_RETRY: "functionName",
    ActionType.CALL_SUB_ORCHESTRATOR: "functionName",
    ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY: "functionName",
    ActionType.WAIT_FOR_EXTERNAL_EVENT: "externalEventName",
    ActionType.CALL_ENTITY: "instanceId",
    ActionType.SIGNAL_ENTITY: "instanceId",
}
_WORDS = {
    ActionType.CALL_ACTIVITY: "the activity",
    ActionType.CALL_ACTIVITY_WITH_RETRY: "the activity (with retry)",
    ActionType.CALL_SUB_ORCHESTRATOR: "the sub-orchestration",
    ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY: "the sub-orchestration (with retry)",
    ActionType.CONTINUE_AS_NEW: "to continue as new",
    ActionType.CREATE_TIMER: "a timer",
    ActionType.WAIT_FOR_EXTERNAL_EVENT: "the event",
    ActionType.CALL_ENTITY: "the entity",
    ActionType.CALL_HTTP: "an HTTP call",
    ActionType.SIGNAL_ENTITY: "the signal to entity",
}


@dataclass(slots=True)
class Group:
    """Complete when nothing is missing; tells its parent once."""

    parent: "Group | None"
    missing: int

    def complete_one(self) -> None:
        """One child has completed."""
        if self.missing == 0:
            return
        self.missing -= 1
        if self.missing == 0 and self.parent is not None:
            self.parent.complete_one()


@dataclass(slots=True)
class Single:
    """One action that is no group, and the group that it belongs to."""

    kind: ActionType
    name: str
    action: Action
    group: Group


@dataclass(slots=True)
class TopLevel:
    """One entry of the answer's list: its own group, its single actions depth first, the first one's position."""

    root: Group
    singles: list[Single]
    first: int


class UnknownAction(DevhostError):
    """The answer holds an action of a type that no known SDK produces."""


def top_level_actions(actions: Sequence[Action]) -> list[TopLevel]:
    """The answer's entries as trees, nothing completed yet. Raises UnknownAction."""
    tops: list[TopLevel] = []
    first = 0
    for action in actions:
        root = Group(parent=None, missing=1)
        tops.append(TopLevel(root, list(_singles(action, root)), first))
        first += len(tops[-1].singles)
    return tops


def describe(kind: ActionType, name: str) -> str:
    """What was asked for, for people: `the activity 'A'`."""
    return f"{_WORDS[kind]} '{name}'" if name else _WORDS[kind]


def _singles(action: Action, group: Group) -> Iterator[Single]:
    kind = _kind(action)
    if kind not in _GROUPS:
        yield Single(kind, str(action.get(_NAME_KEYS.get(kind, ""), "")), action, group)
        return
    children = action["compoundActions"]
    is_any = kind is ActionType.WHEN_ANY
    inner = Group(parent=group, missing=min(1, len(children)) if is_any else len(children))
    if not children:
        group.complete_one()
    for child in children:
        yield from _singles(child, inner)


def _kind(action: Action) -> ActionType:
    try:
        return ActionType(action["actionType"])
    except ValueError as error:
        raise UnknownAction(
            f"The orchestrator asked for an action of type {action['actionType']}, which this host does not know."
        ) from error
