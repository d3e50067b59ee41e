"""Small apps through the real loader, in this process: each under a module name of its own, forgotten afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import dedent
from uuid import uuid4

from devhost.functions.app_loading import import_app
from devhost.functions.app_rules import apply_host_rules
from devhost.functions.description import LoadedApp, LoadedFunction

HEAD = """
import typing
import azure.functions as func
import azure.durable_functions as df
app = df.DFApp()
"""


def load_code(
    folder: Path, code: str, *, environ: Mapping[str, str] | None = None, only: Iterable[str] | None = None
) -> LoadedApp:
    """The app of `code` behind HEAD, which makes `app`; whatever the loader raises comes through."""
    return load_script(folder, HEAD + dedent(code), environ=environ, only=only)


def load_script(
    folder: Path, text: str, *, environ: Mapping[str, str] | None = None, only: Iterable[str] | None = None
) -> LoadedApp:
    """The app whose whole script is `text`."""
    name = f"app_{uuid4().hex}"
    (folder / f"{name}.py").write_text(text)
    path = list(sys.path)
    try:
        settings = {"PYTHON_SCRIPT_FILE_NAME": f"{name}.py", **(environ or {})}
        functions = import_app(folder, settings)
        return apply_host_rules([function.description for function in functions], settings, only=only)
    finally:
        sys.path[:] = path
        sys.modules.pop(name, None)


def one(app: LoadedApp) -> LoadedFunction:
    """The only function of the app."""
    (found,) = app.functions
    return found
