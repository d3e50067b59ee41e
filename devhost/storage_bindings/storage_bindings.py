"""The inputs and outputs of a run that live in storage: queue, table and blob."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from azure.functions.meta import Datum

from devhost.clock import Clock
from devhost.functions.bindings import RunOutputs
from devhost.functions.description import LoadedFunction
from devhost.storage_bindings.accounts import StorageAccounts
from devhost.storage_bindings.expressions import RunFacts, trigger_data

if TYPE_CHECKING:
    from devhost.storage_bindings.binding_access import BindingAccess

STORAGE_TYPES = frozenset({"queue", "table", "blob"})
_RETURN = "$return"


class StorageBindings:
    """Reads inputs before a run and writes outputs after it. Every fault is a StorageBindingError."""

    def __init__(
        self, accounts: StorageAccounts, *, is_base64: bool, on_sent: Callable[[str], None], clock: Clock
    ) -> None:
        """`is_base64`: how messages are stored; `on_sent` is told the queue of every message sent."""
        self._accounts = accounts
        self._is_base64 = is_base64
        self._on_sent = on_sent
        self._clock = clock
        self._access_once_used: BindingAccess | None = None

    async def read_inputs(
        self, function: LoadedFunction, trigger_value: Datum, metadata: Mapping[str, Datum]
    ) -> dict[str, Datum | None]:
        """The values of the in bindings for storage, by name; None for a blob that does not exist."""
        bindings = [one for one in function.bindings if one["type"] in STORAGE_TYPES and not _is_out(one)]
        if not bindings:
            return {}
        facts = self._facts(function, trigger_value, metadata)
        texts = function.signature.text_parameters
        return {
            str(one["name"]): await self._access.read(one, facts, wants_text=one["name"] in texts) for one in bindings
        }

    async def write_outputs(
        self, function: LoadedFunction, outputs: RunOutputs, trigger_value: Datum, metadata: Mapping[str, Datum]
    ) -> None:
        """Write what the function has returned and set, one binding after the other."""
        bindings = [one for one in function.bindings if one["type"] in STORAGE_TYPES and _is_out(one)]
        if not bindings:
            return
        facts = self._facts(function, trigger_value, metadata)
        for one in bindings:
            name = str(one["name"])
            datum = outputs.returned if name == _RETURN else outputs.outs.get(name)
            if datum is not None and datum.type is not None:
                await self._access.write(one, facts, datum)

    def _facts(self, function: LoadedFunction, trigger_value: Datum, metadata: Mapping[str, Datum]) -> RunFacts:
        return RunFacts(function.name, self._clock.now(), trigger_data(trigger_value, metadata))

    @property
    def _access(self) -> "BindingAccess":
        if self._access_once_used is None:
            # Only now: the storage libraries take a tenth of a second that most apps never need.
            from devhost.storage_bindings.binding_access import BindingAccess

            self._access_once_used = BindingAccess(self._accounts, is_base64=self._is_base64, on_sent=self._on_sent)
        return self._access_once_used


def _is_out(binding: Mapping[str, Any]) -> bool:
    return str(binding["direction"]).upper() == "OUT"
