"""What sample apps need beside the SDK, installed from PyPI into folders that nothing else sees."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class PackageFolders:
    """One folder below `root` for each set of packages, filled when it is first asked for.

    Whatever is installed here already keeps its version: the host must see one SDK only.
    """

    root: Path
    _folders: dict[tuple[str, ...], Path] = field(default_factory=dict, init=False)

    def folder_for(self, packages: Sequence[str]) -> Path | None:
        """The folder to put on PYTHONPATH, None without packages. Raises CalledProcessError if pip does."""
        key = tuple(sorted(packages))
        if not key:
            return None
        if key not in self._folders:
            folder = self.root / str(len(self._folders))
            self._install(key, folder)
            self._folders[key] = folder
        return self._folders[key]

    def _install(self, packages: Sequence[str], folder: Path) -> None:
        folder.mkdir(parents=True)
        pip = [sys.executable, "-m", "pip"]
        present = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
        constraints = folder.with_suffix(".txt")
        constraints.write_text(present)
        command = [*pip, "install", "-qq", "--target", str(folder), "--constraint", str(constraints), *packages]
        subprocess.run(command, check=True, stdout=sys.stderr)
