"""How long importing `function_app` takes, in processes of their own, with nothing but what Azure installs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.production_packages import foreign_modules

IMPORT_APP = """
import sys, time
from importlib.abc import MetaPathFinder

class OnlyWhatAzureInstalls(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in foreign:
            raise ModuleNotFoundError(f"No module named {name!r} in Azure: requirements.txt does not ask for it")

foreign = frozenset(sys.argv[1].split())
sys.meta_path.insert(0, OnlyWhatAzureInstalls())
sys.path.insert(0, "")
cpu, wall = time.process_time(), time.perf_counter()
import function_app
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
import json
modules = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
functions = len(function_app.app.get_functions())
print(json.dumps({"cpu_s": cpu, "wall_s": wall, "functions": functions, "modules": modules}))
"""


@dataclass(frozen=True)
class AppImport:
    """One import of the app: processor and wall-clock time, functions found, and the file of every loaded module."""

    cpu_s: float
    wall_s: float
    functions: int
    modules: dict[str, str | None]


class ImportFailed(Exception):
    """`function_app` cannot be imported from there; the message holds what Python said."""


def import_app(folder: Path) -> AppImport:
    """Import `function_app` from `folder` in a fresh interpreter. Raises ImportFailed.

    No byte code is written: in Azure the package is read-only, and the app's own modules are compiled at every start.
    """
    done = _python(folder, "-c", IMPORT_APP, " ".join(sorted(foreign_modules())))
    return AppImport(**json.loads(done.stdout.splitlines()[-1]))


@dataclass(frozen=True)
class ImportedModule:
    """What a module cost: itself, and with all that it imported first, in milliseconds."""

    name: str
    self_ms: float
    total_ms: float


def slowest_imports(folder: Path, count: int) -> list[ImportedModule]:
    """The modules that cost most by themselves, by `-X importtime`. Raises ImportFailed."""
    done = _python(folder, "-X", "importtime", "-c", "import sys; sys.path.insert(0, ''); import function_app")
    lines = re.findall(r"^import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)$", done.stderr, re.MULTILINE)
    modules = [ImportedModule(name, int(itself) / 1000, int(total) / 1000) for itself, total, name in lines]
    return sorted(modules, key=lambda module: -module.self_ms)[:count]


def _python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # -P and -s keep this checkout and the user's own packages out of the path.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-B", "-P", "-s", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ImportFailed(f"function_app cannot be imported from {folder}:\n{done.stderr.strip()}")
    return done
