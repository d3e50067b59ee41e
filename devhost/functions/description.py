"""What the host knows of the app's functions. Nothing here holds code of the app, so all of it can be pickled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devhost.functions.signatures import Signature
from devhost.timers.retry_policy import RetryPolicy

_DURABLE_NAME_KEYS = {
    "orchestrationTrigger": "orchestration",
    "activityTrigger": "activity",
    "entityTrigger": "entityName",
}
DURABLE_TRIGGERS = frozenset(_DURABLE_NAME_KEYS)


@dataclass(frozen=True, slots=True)
class LoadedFunction:
    """One function of the app; `trigger` and `bindings` are as in function.json.

    `bindings` includes the trigger. A disabled function is listed but has no listener.
    """

    name: str
    trigger: Mapping[str, Any]
    bindings: tuple[Mapping[str, Any], ...]
    signature: Signature
    entry_point: str
    """The name of the Python function."""
    is_async: bool = False
    disabled: bool = False
    retry: RetryPolicy | None = None
    """Of @app.retry; only runs of timers are repeated."""

    @property
    def trigger_type(self) -> str:
        """For example `httpTrigger`."""
        return str(self.trigger["type"])

    @property
    def durable_name(self) -> str:
        """The name that durable calls use: the trigger's own name for it, else the function's."""
        return str(self.trigger.get(_DURABLE_NAME_KEYS.get(self.trigger_type, "")) or self.name)


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """What the app offers, sorted by name ignoring case, and why some of it is left out. Settings are resolved."""

    functions: tuple[LoadedFunction, ...]
    refusals: Mapping[str, str]
    """One sentence for each function that the host refuses, by its name; the others work."""

    @property
    def problems(self) -> tuple[str, ...]:
        """The sentences alone."""
        return tuple(self.refusals.values())
