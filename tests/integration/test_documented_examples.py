"""The examples of docs/testing.md, run as they stand there."""

from __future__ import annotations

import asyncio
import inspect
import re
import types
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.testing import NotReached, SyncHost

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/testing.md"
BLOCK = re.compile(r"^```python (app|test)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documented() -> types.ModuleType:
    """All examples of the document as one module: later ones may use what earlier ones import."""
    module = types.ModuleType("documented_examples")
    text = DOCUMENT.read_text("utf-8")
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start(2))
        code = compile("\n" * line + match[2], str(DOCUMENT), "exec")
        exec(code, vars(module))
    return module


NAMES = vars(documented())
EXAMPLES: dict[str, Any] = {
    name: value for name, value in NAMES.items() if name.startswith("test_") and callable(value)
}


def test_the_document_has_examples() -> None:
    assert len(EXAMPLES) == 9


def test_the_message_of_a_failed_wait_is_as_documented() -> None:
    with SyncHost(NAMES["app"]) as host, pytest.raises(NotReached) as caught:
        host.wait_for(host.start("order", 7, instance_id="order-7"), within=timedelta(hours=1))
    assert f"```text\n{caught.value}\n```" in DOCUMENT.read_text("utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_holds(name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    arguments = {"tmp_path": tmp_path} if "tmp_path" in inspect.signature(example).parameters else {}
    outcome = example(**arguments)
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)
