"""Between the host's data and the function's arguments and results, by the library's own converters.

Source: Azure/azure-functions-python-worker, azure_functions_worker/bindings/meta.py and generic.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from azure.functions import Out, get_binding_registry
from azure.functions.meta import Datum

from devhost.functions.description import LoadedFunction

_RETURN = "$return"
_RAW_TYPES = frozenset({"string", "bytes", "json"})


@dataclass(frozen=True, slots=True)
class RunOutputs:
    """What a run has to say, encoded; it can be pickled."""

    returned: Datum | None = None
    """The result: of the binding `$return`, or of a trigger that always answers, such as an activity's."""
    outs: Mapping[str, Datum] = field(default_factory=dict)
    """What was set in the parameters of out bindings, by name; those never set, or set to None, are missing."""


class OutValue(Out):  # type: ignore[misc]  # the library comes to us as Any
    """What a function sets in its `func.Out` parameter."""

    def __init__(self) -> None:
        self.value: Any = None

    def set(self, val: Any) -> None:
        """Keep the value; the last one counts."""
        self.value = val

    def get(self) -> Any:
        """The value, None before the first `set`."""
        return self.value


def decode_arguments(
    function: LoadedFunction, trigger_value: Datum, metadata: Mapping[str, Datum], inputs: Mapping[str, Datum | None]
) -> dict[str, Any]:
    """The arguments of all in bindings; `inputs` holds those beside the trigger, `metadata` is the trigger's.

    Raises ValueError or TypeError as the worker does, and whatever classes of the app raise in their converters.
    """
    arguments = {name: _decode(function, name, data, {}) for name, data in inputs.items()}
    trigger_name = str(function.trigger["name"])
    arguments[trigger_name] = _decode(function, trigger_name, trigger_value, metadata)
    return arguments


def encode_outputs(function: LoadedFunction, result: Any, outs: Mapping[str, OutValue]) -> RunOutputs:
    """The outputs of a run.

    Raises RuntimeError for a result that no binding takes, TypeError for one that its binding cannot take.
    """
    returned = _encode_result(function, result)
    values = {name: out.get() for name, out in outs.items()}
    return RunOutputs(returned, {name: _encode(function, name, val) for name, val in values.items() if val is not None})


def http_result(function: LoadedFunction, outputs: RunOutputs) -> Datum | None:
    """The answer of an HTTP function: its result, or what it set in the parameter of its `http` binding."""
    name = next((str(binding["name"]) for binding in function.bindings if binding["type"] == "http"), None)
    return outputs.returned if name in (None, _RETURN) else outputs.outs.get(str(name))


def _encode_result(function: LoadedFunction, result: Any) -> Datum | None:
    converter = get_binding_registry().get(function.trigger["type"])
    if converter.has_implicit_output():
        return cast(Datum, converter.encode(result, expected_type=None))
    if function.signature.has_return_binding:
        return _encode(function, _RETURN, result)
    if result is not None:
        raise RuntimeError(
            f"function {function.name} without a $return binding returned a non-None value. "
            "Return nothing, or add an output binding."
        )
    return None


def _decode(function: LoadedFunction, name: str, data: Datum | None, metadata: Mapping[str, Datum]) -> Any:
    converter = _converter(function, name)
    if converter is not None:
        return converter.decode(data, trigger_metadata=metadata)
    if data is None:
        return None
    if data.type not in _RAW_TYPES:
        raise ValueError(
            f"unexpected type of data received for the 'generic' binding: {data.type!r}. Annotate the "
            f"parameter '{name}' with the class of azure.functions for it."
        )
    return data.value


def _encode(function: LoadedFunction, name: str, value: Any) -> Datum:
    converter = _converter(function, name)
    try:
        return cast(Datum, _encode_raw(value) if converter is None else converter.encode(value, expected_type=None))
    except NotImplementedError:
        binding_type = _binding(function, name)["type"]
        cure = " Return func.HttpResponse or str." if binding_type == "http" else ""
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "{binding_type}" for Python type '
            f'"{type(value).__name__}".{cure}'
        ) from None


def _encode_raw(value: Any) -> Datum:
    match value:
        case None:
            return Datum(None, None)
        case str():
            return Datum(value, "string")
        case bytes() | bytearray():
            return Datum(bytes(value), "bytes")
        case dict() | list():
            return Datum(json.dumps(value), "json")
        case int():
            return Datum(int(value), "int")
        case float():
            return Datum(value, "double")
    raise NotImplementedError


def _converter(function: LoadedFunction, name: str) -> Any:
    """The library's converter; None for a raw value and for a binding type that the library does not know."""
    if name in function.signature.raw_parameters:
        return None
    return get_binding_registry().get(_binding(function, name)["type"])


def _binding(function: LoadedFunction, name: str) -> Mapping[str, Any]:
    return next(binding for binding in function.bindings if binding["name"] == name)
