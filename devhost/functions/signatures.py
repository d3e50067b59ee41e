"""Does the Python signature of a function suit its bindings? One that does not stops the whole app.

Source: Azure/azure-functions-python-worker, azure_functions_worker/functions.py and bindings/meta.py.
"""

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.functions import get_binding_registry

from devhost.errors import AppLoadError

_RETURN = "$return"
_NO_ANNOTATION = object()


class SignatureError(AppLoadError):
    """A function cannot be loaded as it is written."""

    def __init__(self, function_name: str, reason: str) -> None:
        super().__init__(f"cannot load the {function_name} function: {reason}")
        self.function_name = function_name


@dataclass(frozen=True, slots=True)
class Signature:
    """What a call needs to know: whether it passes a context, and which bindings arrive as raw values."""

    wants_context: bool
    raw_parameters: frozenset[str]
    """Bindings annotated `str` or `bytes` that get the text as it is, not the library's object."""
    out_parameters: frozenset[str]
    has_return_binding: bool
    text_parameters: frozenset[str] = frozenset()
    """Those of the raw ones that are annotated `str`."""


def check_signature(name: str, function: Callable[..., Any], bindings: Sequence[Mapping[str, Any]]) -> Signature:
    """The facts about the signature. Raises SignatureError, which names function, parameter and cure."""
    parameters = dict(inspect.signature(function).parameters)
    annotations = _annotations(name, function)
    bound = {str(binding["name"]): binding for binding in bindings if binding["name"] != _RETURN}
    _check_directions(name, bindings)
    _check_durable_context_name(name, bindings)
    wants_context = "context" in parameters and "context" not in bound
    if wants_context:
        _check_context(name, annotations.get("context", _NO_ANNOTATION))
        del parameters["context"]
    _check_names(name, set(parameters), bound)
    raw = frozenset(
        parameter
        for parameter, binding in bound.items()
        if parameter in annotations and _Parameter(name, parameter, binding, annotations[parameter]).check()
    )
    returned = next((binding for binding in bindings if binding["name"] == _RETURN), None)
    if returned is not None and "return" in annotations:
        _check_return(name, returned, annotations["return"])
    outs = frozenset(parameter for parameter, binding in bound.items() if _is_out(binding))
    texts = frozenset(parameter for parameter in raw if annotations[parameter] is str)
    return Signature(wants_context, raw, outs, has_return_binding=returned is not None, text_parameters=texts)


def _annotations(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except Exception as error:
        # Evaluating a string annotation runs text of the app: anything may come out.
        raise SignatureError(
            name,
            f"an annotation cannot be resolved ({type(error).__name__}: {error}). "
            "Import the name at the top of the module, not under TYPE_CHECKING.",
        ) from error


def _check_directions(name: str, bindings: Sequence[Mapping[str, Any]]) -> None:
    for binding in bindings:
        if str(binding["direction"]).upper() == "INOUT":
            raise SignatureError(name, f"the binding '{binding['name']}' has the direction inout; use in or out.")
        if binding["name"] == _RETURN and not _is_out(binding):
            raise SignatureError(name, "the binding '$return' must have the direction out.")


def _check_durable_context_name(name: str, bindings: Sequence[Mapping[str, Any]]) -> None:
    # The SDK replaces the user's function by a wrapper whose only parameter is `context`.
    for binding in bindings:
        if binding["type"] in ("orchestrationTrigger", "entityTrigger") and binding["name"] != "context":
            raise SignatureError(
                name,
                f"the decorator says context_name='{binding['name']}'. Write context_name='context' and name "
                "the parameter so: the real worker loads nothing else.",
            )


def _check_context(name: str, annotation: object) -> None:
    if annotation is _NO_ANNOTATION:
        return
    if not isinstance(annotation, type) or annotation.__name__ != "Context":
        raise SignatureError(
            name,
            "the parameter 'context' belongs to no binding, so it receives the invocation context, but it is "
            f"annotated {_shown(annotation)}. Annotate it func.Context, or name it as the binding is named.",
        )


def _check_names(name: str, parameters: set[str], bound: Mapping[str, Any]) -> None:
    unbound, missing = sorted(parameters - bound.keys()), sorted(bound.keys() - parameters)
    if unbound:
        raise SignatureError(
            name,
            f"the parameters {_list(unbound)} belong to no binding (a default value does not help). Remove "
            "them, or use the name that the decorator gives; bindings without a parameter: "
            f"{_list(missing) or 'none'}.",
        )
    if missing:
        raise SignatureError(
            name,
            f"the bindings {_list(missing)} have no parameter. Add a parameter of that name for each.",
        )


@dataclass(frozen=True, slots=True)
class _Parameter:
    function_name: str
    name: str
    binding: Mapping[str, Any]
    annotation: Any

    def check(self) -> bool:
        """True if the parameter gets the raw value. Raises SignatureError."""
        value_type = self._value_type()
        if not isinstance(value_type, type) and not _is_typing_generic(value_type):
            raise self._fault(
                f"has the annotation {_shown(value_type)}, an invalid non-type annotation. Use a plain class "
                "or leave it out: the worker refuses X | None, Optional[X], list[X] and dict[K, V]"
            )
        converter = _converter(self.binding)
        is_raw = value_type in (str, bytes) and not _has_implicit_output(converter)
        accepted = (
            issubclass(value_type, (str, bytes))
            if is_raw or converter is None
            else _accepts(converter, value_type, is_out=_is_out(self.binding))
        )
        if not accepted:
            raise self._fault(
                f"is annotated {_shown(value_type)}, which does not match its Python annotation for a "
                f"{self.binding['type']} binding. Use the class of azure.functions for it, or no annotation"
            )
        return is_raw

    def _value_type(self) -> Any:
        origin = typing.get_origin(self.annotation) or self.annotation
        claims_out = isinstance(origin, type) and origin.__name__ == "Out"
        if _is_out(self.binding) and not claims_out:
            raise self._fault("belongs to an out binding. Annotate it func.Out[...]")
        if claims_out and not _is_out(self.binding):
            raise self._fault("is annotated func.Out, but its binding is an input. Remove func.Out")
        if not claims_out:
            return self.annotation
        arguments = typing.get_args(self.annotation)
        if len(arguments) != 1:
            raise self._fault("is annotated func.Out without one type. Write for example func.Out[str]")
        return arguments[0]

    def _fault(self, reason: str) -> SignatureError:
        return SignatureError(self.function_name, f"the parameter '{self.name}' {reason}.")


def _check_return(name: str, binding: Mapping[str, Any], annotation: Any) -> None:
    converter = _converter(binding)
    fits = isinstance(annotation, type) and (
        issubclass(annotation, (str, bytes)) if converter is None else _accepts(converter, annotation, is_out=True)
    )
    if not fits:
        raise SignatureError(
            name,
            f"the return annotation {_shown(annotation)} does not match its Python annotation for the "
            f"'$return' binding of type {binding['type']}. For HTTP write func.HttpResponse or str, or leave "
            "it out.",
        )


def _accepts(converter: Any, value_type: Any, *, is_out: bool) -> bool:
    check = getattr(converter, "check_output_type_annotation" if is_out else "check_input_type_annotation", None)
    if check is None:
        return False
    try:
        return bool(check(value_type))
    except TypeError:
        # The library asks issubclass, which knows no typing generics.
        return False


def _converter(binding: Mapping[str, Any]) -> Any:
    return get_binding_registry().get(binding["type"])


def _has_implicit_output(converter: Any) -> bool:
    check = getattr(converter, "has_implicit_output", None)
    return bool(check is not None and check())


def _is_out(binding: Mapping[str, Any]) -> bool:
    return str(binding["direction"]).upper() == "OUT"


def _is_typing_generic(annotation: object) -> bool:
    """`typing.List[int]` and the like, but neither `list[int]` nor a union: as the worker's old library sees it."""
    alias_types = (type(typing.List[int]),)  # noqa: UP006 - the alias class of `typing` itself is meant
    return isinstance(annotation, alias_types) and isinstance(typing.get_origin(annotation), type)


def _shown(annotation: object) -> str:
    return annotation.__name__ if type(annotation) is type else str(annotation)


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
