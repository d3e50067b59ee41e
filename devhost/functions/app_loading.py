"""function_app.py becomes functions and bindings, by the rules of the real Python worker.

Source: Azure/azure-functions-python-worker, azure_functions_worker/loader.py and utils/dependency.py.
"""

import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from azure.functions import FunctionRegister

from devhost.errors import AppLoadError
from devhost.functions.description import LoadedFunction
from devhost.functions.signatures import check_signature
from devhost.timers.retry_policy import RetryPolicy, RetryPolicyError, read_retry_policy

DEFAULT_SCRIPT_FILE = "function_app.py"
_SCRIPT_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\.py")


@dataclass(frozen=True, slots=True)
class AppFunction:
    """A function of the app, and the code that only the process which has imported the app can call."""

    description: LoadedFunction
    """As the script says it: settings are not resolved, and no rule of the host has been applied."""
    code: Callable[..., Any]


def import_app(script_root: Path, environ: Mapping[str, str]) -> tuple[AppFunction, ...]:
    """Every function of the app in `script_root`, in the script's order; imports the script, once per process.

    Raises AppLoadError when the whole app is unusable: no script, an import that fails, no app object, a wrong
    signature. An exception of the app is its cause, to be shown above the message, which does not repeat it.
    """
    return app_functions(import_app_object(script_root, environ), _script_path(script_root, environ))


def import_app_object(script_root: Path, environ: Mapping[str, str]) -> FunctionRegister:
    """The app object of the script in `script_root`, imported if it was not before. Raises AppLoadError."""
    script = _script_path(script_root, environ)
    return _find_app(_import_script(script), script)


def app_functions(app: FunctionRegister, script: Path) -> tuple[AppFunction, ...]:
    """Every function of an app object, which can be asked only once; `script` is for messages. Raises AppLoadError."""
    return tuple(_app_function(function) for function in _built_functions(app, script))


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


def _app_function(built: Any) -> AppFunction:
    name, code = built.get_function_name(), built.get_user_function()
    bindings = tuple(json.loads(raw) for raw in built.get_raw_bindings())
    trigger_name = built.get_trigger().name
    description = LoadedFunction(
        name=name,
        trigger=next(one for one in bindings if one["name"] == trigger_name and one["type"].endswith("Trigger")),
        bindings=bindings,
        signature=check_signature(name, code, bindings),
        entry_point=getattr(code, "__name__", name),
        is_async=inspect.iscoroutinefunction(code),
        retry=_retry_policy(name, built.get_settings_dict("retry_policy")),
    )
    return AppFunction(description, code)


def _retry_policy(name: str, setting: Mapping[str, Any] | None) -> RetryPolicy | None:
    try:
        return read_retry_policy(setting)
    except RetryPolicyError as error:
        raise AppLoadError(f"cannot load the {name} function: in @app.retry, {error}") from None
