"""Which files of a folder are served, under which paths."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SAYS_NOTHING = frozenset({"html", "www", "public", "site", "_build", "build", "docs", "doc"})
_RESERVED = frozenset({"sitemaps", "sitemap.xml", "robots.txt", "healthz"})


class FolderError(ValueError):
    """A folder that cannot be served; the message names it and the cure."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder, served under `/name/`; `root` is absolute and free of symbolic links."""

    name: str
    root: Path


@dataclass(frozen=True, slots=True)
class HtmlFile:
    """One page: percent-encoded URL path, and the day its file changed (UTC)."""

    url_path: str
    changed_on: date


def parse_folders(arguments: Iterable[str]) -> list[Folder]:
    """Folders from `DIR` or `NAME=DIR`. A DIR called `html` or the like is named after the folder above it.

    Raises FolderError if one is missing, has no usable name, or shares its name with another.
    """
    folders: dict[str, Folder] = {}
    for argument in arguments:
        folder = _parse_folder(argument)
        if folder.name in folders:
            other = folders[folder.name].root
            raise FolderError(f"{folder.root} and {other} would both be {folder.name}: call one of them NAME=DIR")
        folders[folder.name] = folder
    return list(folders.values())


def html_files(folder: Folder) -> Iterator[HtmlFile]:
    """Every `.html` file below the folder, sorted by path; none that lies outside through a symbolic link."""
    for path in sorted(folder.root.rglob("*.html")):
        if path.is_file() and path.resolve().is_relative_to(folder.root):
            relative = path.relative_to(folder.root).as_posix()
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield HtmlFile(f"/{folder.name}/{quote(relative)}", changed.date())


def served_file(folder: Folder, relative: str) -> Path | None:
    """The file for the decoded path below `/name/`, a folder's `index.html` included.

    None if there is none, or if it lies outside the folder by whatever route.
    """
    if "\0" in relative:
        return None
    path = (folder.root / relative.lstrip("/")).resolve()
    if path.is_dir():
        path = (path / "index.html").resolve()
    return path if path.is_relative_to(folder.root) and path.is_file() else None


def _parse_folder(argument: str) -> Folder:
    name, separator, directory = argument.partition("=")
    root = Path(directory if separator else argument).expanduser().resolve()
    if not root.is_dir():
        raise FolderError(f"{root} is no folder: install the manual that it belongs to, or leave it out")
    if not separator:
        name = root.parent.name if root.name in _SAYS_NOTHING else root.name
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise FolderError(f"{root} cannot be served as {name!r}: call it NAME=DIR, NAME of letters, digits and . _ + -")
    return Folder(name, root)
