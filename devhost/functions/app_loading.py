"""function_app.py becomes functions and bindings, by the rules of the real Python worker.

Source: Azure/azure-functions-python-worker, azure_functions_worker/loader.py and utils/dependency.py.
"""

import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from azure.functions import FunctionRegister

from devhost.config.setting_names import UnresolvedSetting, resolve_setting_names
from devhost.errors import AppLoadError
from devhost.functions.host_rules import (
    PROPERTIES_WITHOUT_LOOKUP,
    duplicate_durable_names,
    duplicate_routes,
    function_fault,
    timer_fault,
)
from devhost.functions.signatures import Signature, check_signature

DEFAULT_SCRIPT_FILE = "function_app.py"
_SCRIPT_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\.py")
_DURABLE_NAME_KEYS = {
    "orchestrationTrigger": "orchestration",
    "activityTrigger": "activity",
    "entityTrigger": "entityName",
}


@dataclass(frozen=True)
class LoadedFunction:
    """One function of the app; `trigger` and `bindings` are as in function.json, settings resolved.

    `bindings` includes the trigger. A disabled function is listed but has no listener.
    """

    name: str
    trigger: Mapping[str, Any]
    bindings: tuple[Mapping[str, Any], ...]
    function: Callable[..., Any]
    is_async: bool
    disabled: bool
    signature: Signature

    @property
    def trigger_type(self) -> str:
        """For example `httpTrigger`."""
        return str(self.trigger["type"])

    @property
    def durable_name(self) -> str:
        """The name that durable calls use: the trigger's own name for it, else the function's."""
        return str(self.trigger.get(_DURABLE_NAME_KEYS.get(self.trigger_type, "")) or self.name)


@dataclass(frozen=True)
class LoadedApp:
    """What the app offers, sorted by name ignoring case, and why some of it is left out."""

    functions: tuple[LoadedFunction, ...]
    refusals: Mapping[str, str]
    """One sentence for each function that the host refuses, by its name; the others work."""

    @property
    def problems(self) -> tuple[str, ...]:
        """The sentences alone."""
        return tuple(self.refusals.values())


def load_app(script_root: Path, environ: Mapping[str, str], *, only: Iterable[str] | None = None) -> LoadedApp:
    """The functions of the app in `script_root`; imports its script, once per process.

    `only` names the functions to keep, ignoring case. Raises AppLoadError when the whole app is unusable: no
    script, an import that fails, no app object, a wrong signature. An exception of the app is its cause, to be
    shown above the message, which does not repeat it.
    """
    script = _script_path(script_root, environ)
    app = _find_app(_import_script(script), script)
    loaded = [_loaded_function(function) for function in _built_functions(app, script)]
    if only is not None:
        wanted = {name.lower() for name in only}
        loaded = [function for function in loaded if function.name.lower() in wanted]
    loaded.sort(key=lambda function: function.name.lower())
    return _apply_host_rules(loaded, environ)


def script_file_name(environ: Mapping[str, str]) -> str:
    """The name of the app's script, as the setting or the default has it."""
    return environ.get("PYTHON_SCRIPT_FILE_NAME") or DEFAULT_SCRIPT_FILE


def _script_path(script_root: Path, environ: Mapping[str, str]) -> Path:
    name = script_file_name(environ)
    if not _SCRIPT_FILE_NAME.fullmatch(name):
        raise AppLoadError(
            f"PYTHON_SCRIPT_FILE_NAME is '{name}'; it must be a bare file name of letters, digits, _ and - "
            "that ends in .py."
        )
    path = script_root / name
    if not path.is_file():
        raise AppLoadError(
            f"{path} does not exist. Start the host in the folder of the app, pass --script-root, "
            "or name the file in PYTHON_SCRIPT_FILE_NAME."
        )
    return path


def _import_script(script: Path) -> ModuleType:
    folder = str(script.parent)
    if folder not in sys.path:
        # Last, as in the real worker: an installed package hides an app module of the same name.
        sys.path.append(folder)
    try:
        module = importlib.import_module(script.stem)
    except ImportError as error:
        raise AppLoadError(
            f"{script} cannot be imported, see the error above. "
            "If a package is missing, add it to requirements.txt and install it in the environment that runs "
            f"the host ({sys.prefix})."
        ) from error
    except BaseException as error:
        # Code of the app runs here; whatever it raises is the app's fault.
        raise AppLoadError(
            f"{script} cannot be imported: the error above, {type(error).__name__}, comes from its own code."
        ) from error
    _require_same_file(module, script)
    return module


def _require_same_file(module: ModuleType, script: Path) -> None:
    found = getattr(module, "__file__", None)
    if found is None or not Path(found).samefile(script):
        raise AppLoadError(
            f"Importing '{script.stem}' gives {found or 'a built-in module'}, not {script}. "
            "The app's folder is last on sys.path, so another module of this name wins: rename one of them."
        )


def _find_app(module: ModuleType, script: Path) -> FunctionRegister:
    apps = {name: value for name, value in vars(module).items() if isinstance(value, FunctionRegister)}
    if len(apps) == 1:
        return next(iter(apps.values()))
    if not apps:
        raise AppLoadError(
            f"{script} has no app object. Add a top-level `app = func.FunctionApp()` or `df.DFApp()`; "
            "a Blueprint alone is not an app, register it with app.register_functions(blueprint)."
        )
    raise AppLoadError(
        f"{script} has {len(apps)} app objects: {', '.join(sorted(apps))}. Keep one, and turn the others into "
        "Blueprints registered with app.register_functions(blueprint)."
    )


def _built_functions(app: FunctionRegister, script: Path) -> list[Any]:
    try:
        # Once only: the app remembers the names and refuses them the second time.
        return list(app.get_functions())
    except Exception as error:
        raise AppLoadError(f"The functions of {script} cannot be indexed, see the error above.") from error


def _loaded_function(built: Any) -> LoadedFunction:
    name, function = built.get_function_name(), built.get_user_function()
    bindings = tuple(json.loads(raw) for raw in built.get_raw_bindings())
    trigger_name = built.get_trigger().name
    return LoadedFunction(
        name=name,
        trigger=next(one for one in bindings if one["name"] == trigger_name and one["type"].endswith("Trigger")),
        bindings=bindings,
        function=function,
        is_async=inspect.iscoroutinefunction(function),
        disabled=False,
        signature=check_signature(name, function, bindings),
    )


def _apply_host_rules(functions: list[LoadedFunction], environ: Mapping[str, str]) -> LoadedApp:
    kept: list[LoadedFunction] = []
    refusals: dict[str, str] = {}
    for function in functions:
        try:
            resolved = _resolve_settings(function, environ)
        except UnresolvedSetting as error:
            refusals[function.name] = str(error)
            continue
        fault = function_fault(resolved.name, resolved.bindings) or timer_fault(resolved.trigger)
        if fault is None:
            kept.append(replace(resolved, disabled=_is_disabled(resolved.name, environ)))
        else:
            refusals[function.name] = fault
    refusals |= duplicate_routes([(one.name, one.trigger) for one in kept])
    refusals |= duplicate_durable_names(
        [(one.name, one.trigger_type, one.durable_name) for one in kept if one.trigger_type in _DURABLE_NAME_KEYS]
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
