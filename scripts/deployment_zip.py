"""The zip that a deployment uploads, put together as azd does it.

Core Tools read .funcignore in a way of their own; a test holds that both take the same files.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

ALWAYS_LEFT_OUT = (".git/", ".vscode/", ".funcignore", ".gitignore", "local.settings.json", "project.lock.json")
"""What Core Tools leave out by themselves, whatever .funcignore says. Source: their Common/FileSystemHelpers.cs."""

FIRST_DATE_OF_ZIP = (1980, 1, 1, 0, 0, 0)


def uploaded_files(root: Path) -> list[Path]:
    """The files below `root` that are uploaded, relative to it and sorted; `root` holds the .funcignore."""
    ignored = GitIgnoreSpec.from_lines([*ALWAYS_LEFT_OUT, *(root / ".funcignore").read_text().splitlines()])
    return sorted(_walk(root, root, ignored))


def _walk(folder: Path, root: Path, ignored: GitIgnoreSpec) -> Iterator[Path]:
    # Folders that are left out are not entered: node_modules and the environment hold most of a checkout's files.
    for entry in folder.iterdir():
        path = entry.relative_to(root)
        if entry.is_dir():
            if not ignored.match_file(f"{path.as_posix()}/"):
                yield from _walk(entry, root, ignored)
        elif not ignored.match_file(path.as_posix()):
            yield path


def write_zip(root: Path, target: Path) -> list[Path]:
    """Zip what is uploaded of `root` into `target`, the same bytes for the same files; returns their paths in it."""
    files = uploaded_files(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            member = zipfile.ZipInfo(path.as_posix(), FIRST_DATE_OF_ZIP)
            member.external_attr = 0o644 << 16
            archive.writestr(member, (root / path).read_bytes(), zipfile.ZIP_DEFLATED)
    return files


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip of `write_zip` into a folder."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
