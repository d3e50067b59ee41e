"""Which files of an app's folder start the host again when they change.

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/FileMonitoringService.cs. Unlike there, virtual environments
and other folders of tools are left out.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_OF_TOOLS = frozenset({"__pycache__", "node_modules", "site-packages", "htmlcov"})

FileState = tuple[int, int, int]
"""Time of change in nanoseconds, size, number of the inode."""


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    """The rule for one app. Every path is absolute."""

    root: Path
    files: frozenset[Path] = field(default_factory=frozenset)
    """These count, beside every `.py` below the root."""
    folders: frozenset[Path] = field(default_factory=frozenset)
    """Everything in these counts."""
    left_out: frozenset[Path] = field(default_factory=frozenset)
    """Folders in which nothing counts."""

    def counts(self, path: Path) -> bool:
        """Whether a change of this file matters."""
        if path in self.files:
            return True
        if not path.is_relative_to(self.root) and not self._is_in_named_folder(path):
            return False
        if any(not self.enters(folder) for folder in self._between(path)):
            return False
        return path.suffix == ".py" or self._is_in_named_folder(path)

    def enters(self, folder: Path) -> bool:
        """Whether files of this folder, whose own parent is entered, may count."""
        if folder in self.folders or folder == self.root:
            return True
        if folder in self.left_out or folder.name in _OF_TOOLS or folder.name.startswith("."):
            return False
        return not (folder / "pyvenv.cfg").exists()

    def folders_to_watch(self) -> Iterator[Path]:
        """Every folder that exists and in which a file may count; none twice."""
        found: set[Path] = set()
        for top in (self.root, *sorted(self.folders), *sorted(file.parent for file in self.files)):
            for folder in self._below(top) if top in {self.root, *self.folders} else [top]:
                if folder not in found and folder.is_dir():
                    found.add(folder)
                    yield folder

    def snapshot(self) -> dict[Path, FileState]:
        """Every file that counts, and how it is."""
        found: dict[Path, FileState] = {}
        for folder in self.folders_to_watch():
            all_count = folder in self.folders or self._is_in_named_folder(folder)
            any_counts = all_count or folder.is_relative_to(self.root)
            with suppress(OSError), os.scandir(folder) as entries:  # it may have gone meanwhile
                for entry in entries:
                    is_module = any_counts and entry.name.endswith(".py")
                    if (all_count or is_module or folder / entry.name in self.files) and entry.is_file():
                        status = entry.stat()
                        found[folder / entry.name] = status.st_mtime_ns, status.st_size, status.st_ino
        return found

    def _below(self, top: Path) -> Iterator[Path]:
        for text, names, _ in os.walk(top):
            folder = Path(text)
            yield folder
            names[:] = [name for name in names if self.enters(folder / name)]

    def _between(self, path: Path) -> Iterator[Path]:
        for folder in path.parents:
            if folder == self.root or folder in self.folders:
                return
            yield folder

    def _is_in_named_folder(self, path: Path) -> bool:
        return any(folder in self.folders for folder in path.parents)
