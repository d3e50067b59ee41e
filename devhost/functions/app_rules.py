"""From the functions that the app has to those that the host offers: settings resolved, the host's rules applied."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from devhost.config.setting_names import UnresolvedSetting, resolve_setting_names
from devhost.functions.description import DURABLE_TRIGGERS, LoadedApp, LoadedFunction
from devhost.functions.host_rules import (
    PROPERTIES_WITHOUT_LOOKUP,
    duplicate_durable_names,
    duplicate_routes,
    function_fault,
    timer_fault,
)
from devhost.storage_bindings.binding_rules import storage_fault


def apply_host_rules(
    functions: Iterable[LoadedFunction], environ: Mapping[str, str], *, only: Iterable[str] | None = None
) -> LoadedApp:
    """What the host offers of these functions; `only` names those to keep, ignoring case."""
    kept = sorted(functions, key=lambda function: function.name.lower())
    if only is not None:
        wanted = {name.lower() for name in only}
        kept = [function for function in kept if function.name.lower() in wanted]
    return _checked(kept, environ)


def _checked(functions: Iterable[LoadedFunction], environ: Mapping[str, str]) -> LoadedApp:
    kept: list[LoadedFunction] = []
    refusals: dict[str, str] = {}
    for function in functions:
        try:
            resolved = _resolve_settings(function, environ)
        except UnresolvedSetting as error:
            refusals[function.name] = str(error)
            continue
        fault = (
            function_fault(resolved.name, resolved.bindings)
            or timer_fault(resolved.trigger)
            or storage_fault(resolved.bindings, environ)
        )
        if fault is None:
            kept.append(replace(resolved, disabled=_is_disabled(resolved.name, environ)))
        else:
            refusals[function.name] = fault
    refusals |= duplicate_routes([(one.name, one.trigger) for one in kept])
    refusals |= duplicate_durable_names(
        [(one.name, one.trigger_type, one.durable_name) for one in kept if one.trigger_type in DURABLE_TRIGGERS]
    )
    return LoadedApp(
        tuple(one for one in kept if one.name not in refusals),
        {name: f"The '{name}' function is in error: {fault}" for name, fault in refusals.items()},
    )


def _resolve_settings(function: LoadedFunction, environ: Mapping[str, str]) -> LoadedFunction:
    bindings = tuple(
        {
            key: resolve_setting_names(value, environ)
            if isinstance(value, str) and key not in PROPERTIES_WITHOUT_LOOKUP
            else value
            for key, value in binding.items()
        }
        for binding in function.bindings
    )
    return replace(function, bindings=bindings, trigger=bindings[function.bindings.index(function.trigger)])


def _is_disabled(name: str, environ: Mapping[str, str]) -> bool:
    names = {f"azurewebjobs.{name}.disabled".lower(), f"azurewebjobs_{name}_disabled".lower()}
    return any(key.lower() in names and value.lower() in {"true", "1"} for key, value in environ.items())
