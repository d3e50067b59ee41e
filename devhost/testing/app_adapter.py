"""The app under test, loaded as the host loads it. The only module of the kit that knows how apps are loaded."""

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from azure.durable_functions.models.utils.df_serialization import df_loads
from azure.functions import FunctionRegister

from devhost.functions import app_loading
from devhost.functions.app_loading import LoadedApp
from devhost.functions.invocation import ClientPayload, Invoker
from devhost.functions.worker import Worker
from devhost.testing.errors import KitError
from devhost.testing.kit_worker import KitWorker
from devhost.testing.power import Power

App: TypeAlias = FunctionRegister | Path | str
"""A `df.DFApp` or `func.FunctionApp`, or the folder of an app."""

_built: WeakKeyDictionary[FunctionRegister, list[Any]] = WeakKeyDictionary()


def load_app_under_test(app: App, environ: Mapping[str, str]) -> LoadedApp:
    """The functions of the app. A folder's script is imported once per process, as `import function_app` would.

    Raises AppLoadError, or KitError for a function that the host would leave out: no test wants that unnoticed.
    """
    _say_once_what_the_library_says_once()
    source = _app_object(Path(app), environ) if isinstance(app, str | Path) else app
    if source not in _built:
        # Once only: the app remembers the names and refuses them the second time.
        _built[source] = app_loading._built_functions(source, Path(type(source).__name__))
    loaded = [app_loading._loaded_function(function) for function in _built[source]]
    loaded.sort(key=lambda function: function.name.lower())
    checked = app_loading._apply_host_rules(loaded, environ)
    if checked.problems:
        raise KitError("\n".join(checked.problems))
    return checked


def make_invoker(
    app: LoadedApp, power: Power, *, client_payload: ClientPayload, script_root: Path
) -> tuple[Invoker, KitWorker]:
    """What calls the functions of the app, and the worker to close at the end."""
    orchestrators = frozenset(one.name for one in app.functions if one.trigger_type == "orchestrationTrigger")
    worker = KitWorker(power, orchestrators=orchestrators)
    invoker = Invoker(app.functions, cast(Worker, worker), client_payload=client_payload, script_root=script_root)
    return invoker, worker


def _app_object(script_root: Path, environ: Mapping[str, str]) -> FunctionRegister:
    root = script_root.resolve()
    if str(root) not in sys.path:
        sys.path.append(str(root))
    script = app_loading._script_path(root, environ)
    return app_loading._find_app(app_loading._import_script(script), script)


def _say_once_what_the_library_says_once() -> None:
    # It deprecates, once per process, what its own SDK does; that must not fail the first test that starts something.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        df_loads("null")
