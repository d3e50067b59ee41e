"""Loaded functions without an app, for tests of what the host does with them."""

from __future__ import annotations

from typing import Any

from devhost.functions.description import LoadedFunction
from devhost.functions.signatures import Signature


def http_function(name: str, route: str | None = None, *, methods: list[str] | None = None) -> LoadedFunction:
    """An HTTP function as the library describes it; no route means the function's name."""
    trigger: dict[str, Any] = {"direction": "IN", "type": "httpTrigger", "name": "req", "authLevel": "ANONYMOUS"}
    trigger["route"] = name if route is None else route
    if methods is not None:
        trigger["methods"] = methods
    returned = {"direction": "OUT", "type": "http", "name": "$return"}
    return LoadedFunction(
        name=name,
        trigger=trigger,
        bindings=(trigger, returned),
        signature=Signature(False, frozenset(), frozenset(), has_return_binding=True),
        entry_point=name,
    )
