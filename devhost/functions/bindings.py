"""Between the host's data and the function's arguments and result, by the library's own converters."""

from collections.abc import Mapping
from typing import Any, cast

from azure.functions import Out, get_binding_registry
from azure.functions.meta import Datum

from devhost.functions.app_loading import LoadedFunction

_RAW_TYPES = frozenset({"string", "bytes", "json"})


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


def decode_trigger(function: LoadedFunction, data: Datum) -> Any:
    """The argument for the trigger's parameter. Raises ValueError as the worker does."""
    if function.trigger["name"] in function.signature.raw_parameters:
        if data.type not in _RAW_TYPES:
            raise ValueError(
                f"unexpected type of data received for the 'generic' binding: {data.type!r}. Annotate the "
                f"parameter '{function.trigger['name']}' with the class of azure.functions for it."
            )
        return data.value
    converter = get_binding_registry().get(function.trigger["type"])
    return converter.decode(data, trigger_metadata={})


def encode_result(function: LoadedFunction, result: Any, outs: Mapping[str, OutValue]) -> Datum | None:
    """The output of a run; None if the function has none.

    Raises RuntimeError for a result that no binding takes, TypeError for one that its binding cannot take.
    """
    converter = get_binding_registry().get(function.trigger["type"])
    if converter.has_implicit_output():
        return cast(Datum, converter.encode(result, expected_type=None))
    if function.signature.has_return_binding:
        return _encode_output(_return_type(function), result)
    if result is not None:
        raise RuntimeError(
            f"function {function.name} without a $return binding returned a non-None value. "
            "Return nothing, or add an output binding."
        )
    for name, out in outs.items():
        binding = next(binding for binding in function.bindings if binding["name"] == name)
        return _encode_output(str(binding["type"]), out.get())
    return None


def _return_type(function: LoadedFunction) -> str:
    return next(str(binding["type"]) for binding in function.bindings if binding["name"] == "$return")


def _encode_output(binding_type: str, value: Any) -> Datum:
    try:
        converter = get_binding_registry().get(binding_type)
        return cast(Datum, converter.encode(value, expected_type=None))
    except NotImplementedError:
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "{binding_type}" for Python type '
            f'"{type(value).__name__}". Return func.HttpResponse or str.'
        ) from None
