"""The app under test, loaded as the host loads it. The only module of the kit that knows how apps are loaded."""

import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, cast
from weakref import WeakKeyDictionary

from azure.durable_functions.models.utils.df_serialization import df_loads
from azure.functions import FunctionRegister

from devhost.errors import AppLoadError
from devhost.functions.app_loading import AppFunction, app_functions, import_app_object
from devhost.functions.app_rules import apply_host_rules
from devhost.functions.description import LoadedApp
from devhost.functions.runner import AppRunner
from devhost.functions.worker import Worker
from devhost.testing.errors import KitError, hides_frames
from devhost.testing.rig.kit_worker import KitWorker
from devhost.testing.rig.power import Power

__tracebackhide__ = hides_frames
App: TypeAlias = FunctionRegister | Path | str
"""A `df.DFApp` or `func.FunctionApp`, or the folder of an app."""

# The SDK's own wrappers around code that must be pure: no reason to leave the loop for them.
_INLINE = frozenset({"orchestrationTrigger", "entityTrigger"})
_IMPORTS = frozenset({app_functions.__module__, "importlib", "importlib._bootstrap", "importlib._bootstrap_external"})
_once_asked: WeakKeyDictionary[FunctionRegister, tuple[AppFunction, ...]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class AppUnderTest:
    """What the host would offer of the app, and the code of it."""

    offered: LoadedApp
    functions: tuple[AppFunction, ...]


def load_app_under_test(app: App, environ: Mapping[str, str]) -> AppUnderTest:
    """The functions of the app. A folder's script is imported once per process, as `import function_app` would.

    Raises AppLoadError, or KitError for a function that the host would leave out: no test wants that unnoticed.
    """
    _say_once_what_the_library_says_once()
    functions = functions_under_test(app, environ)
    offered = apply_host_rules([function.description for function in functions], environ)
    if offered.problems:
        raise KitError("\n".join(offered.problems))
    return AppUnderTest(offered, functions)


def functions_under_test(app: App, environ: Mapping[str, str]) -> tuple[AppFunction, ...]:
    """The functions as the script has them. Raises AppLoadError."""
    source = _app_object(Path(app), environ) if isinstance(app, str | Path) else app
    if source not in _once_asked:
        _once_asked[source] = app_functions(source, Path(type(source).__name__))
    return _once_asked[source]


def make_runner(app: AppUnderTest, power: Power, *, script_root: Path) -> tuple[AppRunner, KitWorker]:
    """What runs the functions of the app, and the worker to close at the end."""
    inline = frozenset(one.name for one in app.offered.functions if one.trigger_type in _INLINE)
    worker = KitWorker(power, inline=inline)
    return AppRunner(app.functions, cast(Worker, worker), script_root=script_root), worker


def _app_object(script_root: Path, environ: Mapping[str, str]) -> FunctionRegister:
    root = script_root.resolve()
    if str(root) not in sys.path:
        sys.path.append(str(root))
    try:
        return import_app_object(root, environ)
    except AppLoadError as error:
        if error.__cause__ is not None:
            error.__cause__.__traceback__ = _from_the_app_on(error.__cause__.__traceback__)
        raise


def _from_the_app_on(trace: TracebackType | None) -> TracebackType | None:
    """The frames without the leading ones of the import, so that a reader sees the file of the app first."""
    while trace is not None and trace.tb_frame.f_globals.get("__name__") in _IMPORTS:
        trace = trace.tb_next
    return trace


def _say_once_what_the_library_says_once() -> None:
    # It deprecates, once per process, what its own SDK does; that must not fail the first test that starts something.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        df_loads("null")
