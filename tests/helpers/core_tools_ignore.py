"""Which files `func azure functionapp publish` takes: Core Tools' own reading of .funcignore, which is not git's.

Every pattern is matched with the start of a file's path and must end at the end of a word; `**` is any text and `*` any
text without a slash. Source: Azure/azure-functions-core-tools, src/Cli/func/Common/GitIgnoreParser.cs and
FileSystemHelpers.cs (August 2026). Patterns that begin with `!` are not read here; ours has none.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDERS_LEFT_OUT = {".git", ".vscode"}
FILES_LEFT_OUT = {".funcignore", ".gitignore", "local.settings.json", "project.lock.json"}


def files_of_core_tools(root: Path) -> list[Path]:
    """The files that Core Tools upload of a folder, relative to it and sorted."""
    lines = [line.strip() for line in (root / ".funcignore").read_text().splitlines()]
    patterns = [line.removeprefix("/") for line in lines if line and not line.startswith("#")]
    ignored = re.compile("|".join(rf"(?:{_as_regex(pattern)})\b" for pattern in patterns), re.ASCII)
    files = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return sorted(
        path
        for path in files
        if not FOLDERS_LEFT_OUT & set(path.parts[:-1])
        and path.name not in FILES_LEFT_OUT
        and not ignored.match(path.as_posix())
    )


def _as_regex(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*\*", "(.+)").replace(r"\*", "([^/]+)")
