"""What the host demands of a binding to storage before any run."""

from collections.abc import Mapping, Sequence
from typing import Any

from devhost.config.connections import connection_fault
from devhost.queues.queue_client import is_queue_name

_STORAGE_TYPES = frozenset({"queueTrigger", "queue", "table", "blob"})


def storage_fault(bindings: Sequence[Mapping[str, Any]], environ: Mapping[str, str]) -> str | None:
    """Why the bindings to storage of one function, settings resolved, cannot be used; None if they can."""
    mine = [one for one in bindings if one["type"] in _STORAGE_TYPES]
    for binding in mine:
        fault = _queue_name_fault(binding) or _path_fault(binding)
        if fault is not None:
            return fault
    return connection_fault({str(one["name"]): str(one.get("connection") or "") for one in mine}, environ)


def binding_warnings(function_name: str, bindings: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each table input with a row key, which the real host ignores for Python.

    Source: azure-functions-python-worker, issues 1231 and 1725.
    """
    return [
        f"The row_key of the table input '{binding['name']}' of '{function_name}' has no effect, as on Azure: the "
        "function gets a JSON array of all rows of the partition. Use filter=\"RowKey eq '...'\" instead."
        for binding in bindings
        if binding["type"] == "table" and str(binding["direction"]).upper() == "IN" and binding.get("rowKey")
    ]


def _queue_name_fault(binding: Mapping[str, Any]) -> str | None:
    if binding["type"] not in ("queueTrigger", "queue"):
        return None
    written = str(binding.get("queueName") or "")
    if binding["type"] == "queue" and "{" in written:
        return None
    if not is_queue_name(written.lower()):
        return (
            f"the queue name '{written}' of '{binding['name']}' is not valid. Use 3 to 63 letters, digits and single "
            "hyphens between them."
        )
    return None


def _path_fault(binding: Mapping[str, Any]) -> str | None:
    if binding["type"] != "blob":
        return None
    written = str(binding.get("path") or "")
    container, _, name = written.partition("/")
    if not container or not name:
        return f"the path '{written}' of '{binding['name']}' does not name a blob; write container/name."
    return None
