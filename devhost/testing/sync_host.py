"""The host of the kit for plain tests, without async and without a plugin of pytest."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from devhost.durable.protocol import Event
from devhost.testing.calls import Calls
from devhost.testing.errors import KitError, drop_frames, hides_frames
from devhost.testing.host import Host
from devhost.testing.rig.app_adapter import App
from devhost.testing.rig.functions_under_test import Fake, Replacement
from devhost.testing.rig.http_exchange import Reply
from devhost.testing.rig.sdk_session import SdkSession
from devhost.testing.rig.virtual_clock import VirtualClock
from devhost.testing.rig.waiting import Goal
from devhost.testing.status import Status

__tracebackhide__ = hides_frames
T = TypeVar("T")


class SyncHost:
    """Use with `with`; every method is that of Host, without `await`."""

    def __init__(self, app: App, *, after: "SyncHost | Host | None" = None, **options: Any) -> None:
        """`options` are those of Host; `after`, too, may be a SyncHost."""
        self._host: Host = Host(app, after=after._host if isinstance(after, SyncHost) else after, **options)
        self._runner: asyncio.Runner | None = None
        self._sdk_session = SdkSession()

    def __enter__(self) -> Self:
        if asyncio._get_running_loop() is not None:
            raise KitError("This test is async already: use `async with Host(app) as host:`.")
        self._runner = asyncio.Runner()
        try:
            self._do(self._host.__aenter__())
        except BaseException:
            self._close_loop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._do(self._host.__aexit__(kind, error, trace))
        finally:
            self._close_loop()

    @property
    def clock(self) -> VirtualClock:
        """See Host.clock."""
        return self._host.clock

    @property
    def calls(self) -> Calls:
        """See Host.calls."""
        return self._host.calls

    def start(self, name: str, input: Any = None, *, instance_id: str | None = None) -> str:  # noqa: A002
        """See Host.start."""
        return self._do(self._host.start(name, input, instance_id=instance_id))

    def raise_event(self, instance_id: str, name: str, value: Any = None) -> None:
        """See Host.raise_event."""
        self._do(self._host.raise_event(instance_id, name, value))

    def terminate(self, instance_id: str, reason: str = "") -> None:
        """See Host.terminate."""
        self._do(self._host.terminate(instance_id, reason))

    def suspend(self, instance_id: str, reason: str = "") -> None:
        """See Host.suspend."""
        self._do(self._host.suspend(instance_id, reason))

    def resume(self, instance_id: str, reason: str = "") -> None:
        """See Host.resume."""
        self._do(self._host.resume(instance_id, reason))

    def purge(self, instance_id: str) -> None:
        """See Host.purge."""
        self._do(self._host.purge(instance_id))

    def status(self, instance_id: str) -> Status:
        """See Host.status."""
        return self._do(self._host.status(instance_id))

    def instances(self) -> list[Status]:
        """See Host.instances."""
        return self._do(self._host.instances())

    def history(self, instance_id: str) -> list[Event]:
        """See Host.history."""
        return self._do(self._host.history(instance_id))

    def rewind(self, instance_id: str, reason: str = "") -> None:
        """See Host.rewind."""
        self._do(self._host.rewind(instance_id, reason))

    def signal_entity(self, name: str, key: str, operation: str, value: Any = None) -> None:
        """See Host.signal_entity."""
        self._do(self._host.signal_entity(name, key, operation, value))

    def entity_state(self, name: str, key: str) -> Any:
        """See Host.entity_state."""
        return self._do(self._host.entity_state(name, key))

    def send_message(self, queue: str, body: str | bytes | dict[str, Any] | list[Any]) -> None:
        """See Host.send_message."""
        self._do(self._host.send_message(queue, body))

    def messages(self, queue: str) -> list[str]:
        """See Host.messages."""
        return self._host.messages(queue)

    def wait_for(self, instance_id: str, goal: Goal = "Completed", *, within: timedelta | None = None) -> Status:
        """See Host.wait_for."""
        return self._do(self._host.wait_for(instance_id, goal, within=within))

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """See Host.advance."""
        self._do(self._host.advance(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def run_timer(self, name: str) -> None:
        """See Host.run_timer."""
        self._do(self._host.run_timer(name))

    def request(
        self, method: str, path: str, *, json: Any = None, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Reply:
        """See Host.request."""
        return self._do(self._host.request(method, path, json=json, body=body, headers=headers))

    def replace_activity(self, name: str, fake: Fake) -> Replacement:
        """See Host.replace_activity."""
        return self._host.replace_activity(name, fake)

    def _do(self, act: Coroutine[Any, Any, T]) -> T:
        if self._runner is None:
            act.close()
            raise KitError("The host is not open: use it inside `with SyncHost(app) as host:`.")
        with self._sdk_session.in_use():
            try:
                return self._runner.run(act)
            except Exception as error:
                drop_frames(error)
                raise

    def _close_loop(self) -> None:
        if self._runner is not None:
            self._runner.close()
        self._runner = None
