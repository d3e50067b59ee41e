"""The durable app of these tests as its callers see it: over HTTP only."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.helpers.host_process import Answer, RunningHost
from tests.helpers.processes import wait_until

WEBHOOKS = "/runtime/webhooks/durabletask"
ENDED = frozenset({"Completed", "Failed", "Terminated"})
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class DurableApp:
    """A running host and the folder where the app's activities leave notes."""

    host: RunningHost
    notes_folder: Path

    def call(self, method: str, path: str, payload: Any = None, **more: Any) -> Answer:
        """One request to the management API; `path` is the part below its base."""
        if payload is not None:
            return self.host.post(f"{WEBHOOKS}/{path}", payload)
        return self.host.call(method, f"{WEBHOOKS}/{path}", **more)

    def start(self, name: str, value: Any = None, *, instance_id: str | None = None, query: str = "") -> str:
        """Start an orchestrator through the SDK's client; its instance ID, a new one unless given."""
        own_id = instance_id or f"{name}-{uuid.uuid4().hex[:8]}"
        answer = self.host.post(f"/api/start/{name}/{own_id}{query}", value)
        assert answer.status == 202, (answer.status, answer.body)
        return own_id

    def status(self, instance_id: str, query: str = "") -> Any:
        """The status object, or None for an unknown instance."""
        answer = self.call("GET", f"instances/{quote(instance_id)}{query}")
        return answer.json() if answer.body else None

    def status_when(self, instance_id: str, holds: Callable[[Any], bool], *, timeout_s: float = _TIMEOUT_S) -> Any:
        """The first status of which `holds` is true."""
        last: list[Any] = [None]

        def look() -> bool:
            last[0] = self.status(instance_id)
            return last[0] is not None and holds(last[0])

        try:
            wait_until(look, timeout_s=timeout_s)
        except AssertionError as error:
            error.add_note(f"The last status of {instance_id} was {last[0]!r}.")
            raise
        return last[0]

    def ended(self, instance_id: str) -> Any:
        """The status object once the instance has ended."""
        return self.status_when(instance_id, lambda status: status["runtimeStatus"] in ENDED)

    def when_status(self, instance_id: str, runtime_status: str) -> Any:
        """The status object once it shows this runtime status."""
        return self.status_when(instance_id, lambda status: status["runtimeStatus"] == runtime_status)

    def when_custom(self, instance_id: str, custom_status: Any) -> Any:
        """The status object once it shows this custom status."""
        return self.status_when(instance_id, lambda status: status["customStatus"] == custom_status)

    def run(self, name: str, value: Any = None, *, instance_id: str | None = None) -> Any:
        """Start an orchestrator; its status object once it has ended."""
        return self.ended(self.start(name, value, instance_id=instance_id))

    def output(self, name: str, value: Any = None) -> Any:
        """What an orchestrator returns; fails unless it completes."""
        status = self.run(name, value)
        assert status["runtimeStatus"] == "Completed", status
        return status["output"]

    def raise_event(self, instance_id: str, name: str, value: Any = None) -> None:
        """Raise an event whose value is the posted JSON."""
        answer = self.call("POST", f"instances/{instance_id}/raiseEvent/{name}", {} if value is None else value)
        assert answer.status == 202, (answer.status, answer.body)

    def command(self, instance_id: str, operation: str, reason: str = "") -> Answer:
        """terminate, suspend, resume, rewind."""
        return self.call("POST", f"instances/{instance_id}/{operation}?reason={quote(reason)}")

    def history(self, instance_id: str, query: str = "&showHistoryOutput=true") -> list[dict[str, Any]]:
        """The events as the management API shows them; none while the instance is pending."""
        status = self.status(instance_id, f"?showHistory=true{query}")
        return list(status.get("historyEvents", []))

    def event_names(self, instance_id: str) -> list[str]:
        """The types of the shown events, in order."""
        return [event["EventType"] for event in self.history(instance_id)]

    def notes(self, name: str) -> list[str]:
        """The lines that the app has noted under this name."""
        path = self.notes_folder / name
        return path.read_text().split() if path.exists() else []

    def release(self, name: str) -> None:
        """Let the activity `until_released` of this name end."""
        (self.notes_folder / f"{name}.release").touch()
