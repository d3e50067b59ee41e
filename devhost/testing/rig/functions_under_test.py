"""The app's durable functions as the engine of a test calls them: replaceable, recorded, in a fixed order."""

import asyncio
import inspect
import json
import warnings
from collections.abc import Awaitable, Callable
from copy import deepcopy
from functools import partial
from types import TracebackType
from typing import Any, Self

from azure.functions import get_binding_registry
from azure.functions.meta import Datum

from devhost.background import is_cancelled_from_outside
from devhost.durable.durable_functions import DurableFunctions
from devhost.durable.runners.http_activity import HttpActivity
from devhost.errors import FunctionFailed
from devhost.functions.failures import failure_of
from devhost.testing.calls import Call, Calls
from devhost.testing.errors import KitError, hides_frames
from devhost.testing.rig.parked_work import Work, WorkList
from devhost.testing.rig.power import Power
from devhost.testing.rig.virtual_clock import VirtualClock

__tracebackhide__ = hides_frames
CALL_HTTP = "call_http"
"""The name under which a test replaces requests of `context.call_http`: it gets the request, gives the answer."""

RealCall = Callable[[], Awaitable[str]]
Fake = Callable[[Any], Any]
"""Gets the activity's input and returns its result; plain or async, and it may raise."""


class FunctionsUnderTest:
    """`DurableFunctions` of a host of the kit.

    Results of activities that end at the same virtual time reach the engine together, in the order of their calls:
    `end_round` lets them go. So histories do not depend on how fast an activity is.
    """

    def __init__(self, real: DurableFunctions, *, clock: VirtualClock, power: Power) -> None:
        self.calls = Calls()
        self.work = WorkList()
        self._real, self._clock, self._power = real, clock, power
        self._fakes: dict[str, Fake] = {}
        self._arrived: dict[Work, asyncio.Future[None]] = {}

    def replace(self, name: str, fake: Fake | None) -> Fake | None:
        """Call `fake` for this activity from now on, None for the real one again; the one before."""
        known = (*self.durable_names("activityTrigger"), CALL_HTTP)
        if name.lower() not in {one.lower() for one in known}:
            names = ", ".join(f"'{one}'" for one in known)
            raise KitError(f"The app has no activity '{name}' that could be replaced; it has: {names}.")
        before = self._fakes.pop(name.lower(), None)
        if fake is not None:
            self._fakes[name.lower()] = fake
        return before

    def durable_names(self, trigger_type: str) -> tuple[str, ...]:
        """Effective names of the functions with this trigger, sorted."""
        return self._real.durable_names(trigger_type)

    async def call_orchestrator(self, durable_name: str, envelope_json: str, *, instance_id: str) -> str:
        """The orchestrator state as JSON text."""
        return await self._real.call_orchestrator(durable_name, envelope_json, instance_id=instance_id)

    async def call_entity(self, durable_name: str, batch_json: str, *, instance_id: str) -> str:
        """The entity state after the batch as JSON text."""
        return await self._real.call_entity(durable_name, batch_json, instance_id=instance_id)

    async def call_activity(self, durable_name: str, input_json: str, *, instance_id: str) -> str:
        """The result as JSON text, once its round has ended."""
        label = f"the activity '{durable_name}' of instance '{instance_id}'"
        call = Call(durable_name, _decode(input_json), instance_id, self._clock.now())
        real = partial(self._real.call_activity, durable_name, input_json, instance_id=instance_id)
        return await self._in_round(call, label, real)

    async def call_http(self, request_text: str, real: RealCall) -> str:
        """The answer to a request of `call_http` as JSON text; it counts as a call of the activity `call_http`."""
        request = json.loads(request_text)
        call = Call(CALL_HTTP, request, "", self._clock.now())
        return await self._in_round(call, f"the request {request['method']} {request['uri']}", real)

    async def _in_round(self, call: Call, label: str, real: RealCall) -> str:
        await self._power.must_be_up()
        self.calls.add(call)
        with self.work.doing(label) as work:
            try:
                text = await self._result(call, real)
            except FunctionFailed as failed:
                call.error = f"{failed.error_type}: {failed.message}"
                await self._arrive(work)
                raise
            call.result = _decode(text)
            await self._arrive(work)
            return text

    def end_round(self, calls_under_way: int) -> None:
        """Let the results go, unless one of the calls under way may still end at this time."""
        if len(self._arrived) + self.work.parked_count < calls_under_way:
            return
        for work in self.work:
            if work in self._arrived:
                self._arrived.pop(work).set_result(None)

    async def _arrive(self, work: Work) -> None:
        self._arrived[work] = asyncio.get_running_loop().create_future()
        try:
            await self._arrived[work]
        finally:
            self._arrived.pop(work, None)

    async def _result(self, call: Call, real: RealCall) -> str:
        fake = self._fakes.get(call.name.lower())
        if fake is None:
            return await real()
        try:
            found = fake(deepcopy(call.input))
            return _encode(await found if inspect.isawaitable(found) else found)
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_cancelled_from_outside():
                raise
            raise failure_of(call.name, error) from error
        except BaseException as error:
            self._power.thrown = error
            raise


class HttpUnderTest(HttpActivity):
    """The built-in activity behind `context.call_http`, which a test may replace, too."""

    def __init__(self, functions: FunctionsUnderTest) -> None:
        super().__init__()
        self._functions = functions

    async def call(self, request_text: str) -> str:
        """The result of the activity as JSON text."""
        return await self._functions.call_http(request_text, partial(super().call, request_text))


class Replacement:
    """A replaced activity; leaving a `with` block over it brings back what was there before."""

    def __init__(self, functions: FunctionsUnderTest, name: str, fake: Fake) -> None:
        self._functions, self._name = functions, name
        self._before = functions.replace(name, fake)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._functions.replace(self._name, self._before)


def _decode(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        return get_binding_registry().get("activityTrigger").decode(Datum(text, "string"), trigger_metadata={})


def _encode(value: Any) -> str:
    return str(get_binding_registry().get("activityTrigger").encode(value, expected_type=None).value)
