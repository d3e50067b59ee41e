"""Apps of a few lines, written into a temporary folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

HEAD = "import azure.functions as func\n"


def write_app(
    folder: Path,
    code: str,
    *,
    host_json: Mapping[str, Any] | str | None = None,
    settings: Mapping[str, str] | None = None,
) -> Path:
    """`folder` as an app whose function_app.py is `code`, with azure.functions imported as `func`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function_app.py").write_text(HEAD + dedent(code))
    text = host_json if isinstance(host_json, str) else json.dumps(host_json or {"version": "2.0"})
    (folder / "host.json").write_text(text)
    if settings is not None:
        document = {"IsEncrypted": False, "Values": dict(settings)}
        (folder / "local.settings.json").write_text(json.dumps(document))
    return folder
