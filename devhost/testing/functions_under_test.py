"""The app's durable functions as the engine of a test calls them: replaceable, recorded, in a fixed order."""

import asyncio
import inspect
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from azure.functions import get_binding_registry
from azure.functions.meta import Datum

from devhost.durable.background import is_cancelled_from_outside
from devhost.durable.durable_functions import DurableFunctions
from devhost.errors import FunctionFailed
from devhost.functions.failures import failure_of
from devhost.testing.calls import Call, Calls
from devhost.testing.errors import KitError
from devhost.testing.parked_work import Work, WorkList
from devhost.testing.power import Power
from devhost.testing.virtual_clock import VirtualClock

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
        known = self.durable_names("activityTrigger")
        if name.lower() not in {one.lower() for one in known}:
            names = ", ".join(f"'{one}'" for one in known) or "none at all"
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

    async def call_activity(self, durable_name: str, input_json: str, *, instance_id: str) -> str:
        """The result as JSON text, once its round has ended."""
        await self._power.must_be_up()
        call = Call(durable_name, _decode(input_json), instance_id, self._clock.now())
        self.calls.add(call)
        with self.work.doing(f"the activity '{durable_name}' of instance '{instance_id}'") as work:
            try:
                text = await self._result(durable_name, input_json, instance_id)
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

    async def _result(self, name: str, input_json: str, instance_id: str) -> str:
        fake = self._fakes.get(name.lower())
        if fake is None:
            return await self._real.call_activity(name, input_json, instance_id=instance_id)
        try:
            found = fake(_decode(input_json))
            return _encode(await found if inspect.isawaitable(found) else found)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_cancelled_from_outside():
                raise
            raise failure_of(name, error) from error


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
