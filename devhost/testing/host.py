"""An app under test: the real engine in the test's own process, on a clock that the test moves."""

import json as json_text
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from azure.durable_functions.models.utils.df_serialization import df_dumps

from devhost.durable.entities.entity import EntityId
from devhost.durable.errors import InstanceNotFound, UnknownFunction
from devhost.durable.instance import InstanceQuery
from devhost.durable.protocol import Event
from devhost.queues.queue_client import send_creating
from devhost.queues.queue_message import body_text, decode_body, encode_body
from devhost.testing.errors import KitError, hides_frames
from devhost.testing.rig.functions_under_test import Fake, Replacement
from devhost.testing.rig.host_life import HostLife
from devhost.testing.rig.http_exchange import Reply, make_request, read_reply
from devhost.testing.rig.http_side import HOST_NAME
from devhost.testing.rig.waiting import Goal, wait_for
from devhost.testing.status import Status, read_status

__tracebackhide__ = hides_frames
_ALL = 2**31


class Host(HostLife):
    """Use with `async with`.

    Between two lines of a test the app is at rest: every method returns when all that can happen at the present
    time of the clock has happened. Refusals of the engine are those of devhost.durable.errors.
    """

    async def start(self, name: str, input: Any = None, *, instance_id: str | None = None) -> str:  # noqa: A002
        """Start an orchestration as the SDK's `client.start_new` does; its instance ID.

        Raises UnknownFunction, InvalidInstanceId, InstanceAlreadyLive.
        """
        own_id = instance_id or self._parts.new_id()
        text = None if input is None else json_text.dumps(df_dumps(input))
        hub = self._parts.hub
        begin = partial(hub.create_instance, name, instance_id=own_id, input_text=text)
        return str(await self._command(begin, own_id))

    async def raise_event(self, instance_id: str, name: str, value: Any = None) -> None:
        """Send an event as the SDK's `client.raise_event` does: the orchestrator receives the value's JSON text.

        Raises InstanceNotFound, InstanceFinished.
        """
        text = json_text.dumps(json_text.dumps(value))
        await self._command(lambda: self._parts.hub.raise_event(instance_id, name, text))

    async def terminate(self, instance_id: str, reason: str = "") -> None:
        """End the instance, not its children. Raises InstanceNotFound, InstanceFinished."""
        await self._command(lambda: self._parts.hub.terminate(instance_id, reason))

    async def suspend(self, instance_id: str, reason: str = "") -> None:
        """Hold back all further progress. Raises InstanceNotFound, InstanceFinished, WrongState."""
        await self._command(lambda: self._parts.hub.suspend(instance_id, reason))

    async def resume(self, instance_id: str, reason: str = "") -> None:
        """Go on after `suspend`. Raises InstanceNotFound, InstanceFinished, WrongState."""
        await self._command(lambda: self._parts.hub.resume(instance_id, reason))

    async def rewind(self, instance_id: str, reason: str = "") -> None:
        """Run a failed instance on from what failed. Raises InstanceNotFound, NotRewindable."""
        await self._command(lambda: self._parts.hub.rewind(instance_id, reason))

    async def purge(self, instance_id: str) -> None:
        """Forget an ended instance. Raises InstanceNotFound, InstanceNotFinished."""
        await self._command(lambda: self._parts.hub.purge(instance_id))

    async def status(self, instance_id: str) -> Status:
        """The instance as it is now. Raises InstanceNotFound."""

        async def ask() -> Status:
            found = await self._parts.hub.get_instance(instance_id)
            if found is None:
                raise InstanceNotFound(instance_id)
            return read_status(found)

        return await self._answer(ask)

    async def instances(self) -> list[Status]:
        """All instances, sub-orchestrations among them, by ID."""

        async def ask() -> list[Status]:
            found, _ = await self._parts.hub.list_instances(InstanceQuery(), top=_ALL, continuation=None)
            return [read_status(one) for one in found]

        return await self._answer(ask)

    async def history(self, instance_id: str) -> list[Event]:
        """The raw history events of the present generation, oldest first."""
        return await self._answer(lambda: self._parts.hub.history(instance_id))

    async def signal_entity(self, name: str, key: str, operation: str, value: Any = None) -> None:
        """Send an operation to an entity as the SDK's `client.signal_entity` does. Raises UnknownFunction."""
        text = None if value is None else json_text.dumps(df_dumps(value))
        await self._command(lambda: self._parts.hub.signal_entity(EntityId(name, key), operation, text))

    async def entity_state(self, name: str, key: str) -> Any:
        """The state of an entity; None if it does not exist. Raises UnknownFunction."""

        async def ask() -> Any:
            known = self._parts.functions.durable_names("entityTrigger")
            if name.lower() not in {one.lower() for one in known}:
                raise UnknownFunction(name, "entity", known)
            found = await self._parts.hub.read_entity(EntityId(name, key))
            return None if found is None or found.state_text is None else json_text.loads(found.state_text)

        return await self._answer(ask)

    async def send_message(self, queue: str, body: str | bytes | dict[str, Any] | list[Any]) -> None:
        """Put a message into a queue, which is made if it is missing; a dict or list becomes JSON text."""
        text = body if isinstance(body, str | bytes) else json_text.dumps(body)
        raw = text.encode() if isinstance(text, str) else text
        stored = encode_body(raw, is_base64=self._parts.queue_options.is_base64)
        await self._command(lambda: self._send(queue.lower(), stored))

    def messages(self, queue: str) -> list[str]:
        """The texts of the messages in a queue, those included that are hidden for now."""
        is_base64 = self._parts.queue_options.is_base64
        return [body_text(decode_body(one, is_base64=is_base64)) for one in self._parts.queues.texts(queue.lower())]

    async def wait_for(self, instance_id: str, goal: Goal = "Completed", *, within: timedelta | None = None) -> Status:
        """The status as soon as it is `goal`: a runtime status, or a condition on the Status.

        Takes no real time: the clock skips to whatever is due next, `within` at most. Raises NotReached as soon as
        the goal is out of reach, with a picture of what the instance waits for.
        """
        parts = self._parts
        return await self._answer(lambda: wait_for(parts.store, self._rest, self._clock, instance_id, goal, within))

    async def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the clock forward; everything that is due meanwhile happens at its own time, in order."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if step < timedelta(0):
            raise KitError(f"The clock of a host goes forward only, not by {step.total_seconds():g} s.")
        # Noted before it is done: after a crash the clock still goes no further than meant.
        until = self._journal.skip() if self._journal.is_done else self._journal.note(self._clock.now() + step)
        await self._rest.advance_to(until)

    async def run_timer(self, name: str) -> None:
        """Run a timer function once, to its end, whatever its schedule says. Raises UnknownTimer."""
        await self._command(lambda: self._parts.timers.run_now(name), is_one_write=False)

    async def request(
        self, method: str, path: str, *, json: Any = None, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Reply:
        """The answer of the app, its durable webhooks included, to an HTTP request; no socket is involved.

        `path` begins with a slash (`/api/runs?limit=1`), or is a whole URL that the app has given out.
        """
        if not path.startswith(("/", "http://", "https://")):
            raise KitError(f"The path of a request begins with a slash: '/{path}'.")

        async def ask() -> Reply:
            asked = make_request(method, path, json_body=json, body=body, headers=headers, host=HOST_NAME)
            return read_reply(await (await self._parts.router()).handle(asked))

        reply: Reply = await self._command(ask, label=f"the request {method} {path}", is_one_write=False)
        return reply

    def replace_activity(self, name: str, fake: Fake) -> Replacement:
        """Call `fake` instead of the activity, until the host is closed, or as long as a `with` block.

        It receives the input as the activity does, may be plain or async, and may raise. Raises KitError for an
        unknown name.
        """
        replacement = Replacement(self._parts.functions, name, fake)
        self._fakes[name] = fake
        return replacement

    async def _send(self, queue: str, text: str) -> None:
        await send_creating(self._parts.queues, queue, text)
        self._parts.listeners.wake(queue)
