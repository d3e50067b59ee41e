"""The examples of docs/testing.md, run as they stand there."""

from __future__ import annotations

import asyncio
import inspect
import re
import subprocess
import sys
import types
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.testing import Host, NotReached, SyncHost, check_replay, record, survive_every_crash

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/testing.md"
TEXT = DOCUMENT.read_text("utf-8")
BLOCK = re.compile(r"^```python (app|test)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documented() -> types.ModuleType:
    """All examples of the document as one module: later ones may use what earlier ones import."""
    app, tests = types.ModuleType("function_app"), types.ModuleType("documented_examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "function_app", app)
        for match in BLOCK.finditer(TEXT):
            line = TEXT.count("\n", 0, match.start(2))
            code = compile("\n" * line + match[2], str(DOCUMENT), "exec")
            exec(code, vars(app if match[1] == "app" else tests))
    return tests


NAMES = vars(documented())
EXAMPLES: dict[str, Any] = {
    name: value for name, value in NAMES.items() if name.startswith("test_") and callable(value)
}


def test_the_document_has_examples() -> None:
    assert len(EXAMPLES) == 11


def test_the_message_of_a_failed_wait_is_as_documented() -> None:
    with SyncHost(NAMES["app"]) as host, pytest.raises(NotReached) as caught:
        host.wait_for(host.start("order", 7, instance_id="order-7"), within=timedelta(hours=1))
    assert f"```text\n{caught.value}\n```" in TEXT


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_holds(name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    arguments = {"tmp_path": tmp_path} if "tmp_path" in inspect.signature(example).parameters else {}
    outcome = example(**arguments)
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)


def block(kind: str) -> str:
    """All examples of one kind, one after the other."""
    return "\n".join(re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))


def test_the_examples_hold_in_a_folder_outside_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "daily-scrape").mkdir()
    (tmp_path / "daily-scrape/devhost").symlink_to(DOCUMENT.parents[1] / "devhost")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "function_app.py").write_text(block("python app"))
    (folder / "pytest.ini").write_text(block("ini pytest"))
    (folder / "conftest.py").write_text(block("python conftest"))
    with_fixture = "def test_the_fixture(durable_host):\n    assert durable_host.instances() == []\n"
    (folder / "test_shop.py").write_text(f"{block('python test')}\n\n{with_fixture}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert "12 passed" in ended.stdout, ended.stdout


def parameters(call: Any) -> list[str]:
    return [name for name in inspect.signature(call).parameters if name not in {"self", "journal"}]


METHODS = {name: call for name, call in inspect.getmembers(Host, inspect.isfunction) if not name.startswith("_")}
FUNCTIONS = {"survive_every_crash": survive_every_crash, "record": record, "check_replay": check_replay, "Host": Host}


@pytest.mark.parametrize(("name", "call"), [*METHODS.items(), *FUNCTIONS.items()])
def test_the_table_of_calls_has_every_one_with_its_arguments(name: str, call: Any) -> None:
    table = [line for line in TEXT.partition("## All calls")[2].splitlines() if line.startswith("|")]
    documented = re.search(rf"`{name}\((.*?)\)`", "\n".join(table))
    assert documented is not None
    named = [one.partition("=")[0] for one in documented[1].split(", ") if one]
    assert named == ["run" if one == "instance_id" and name != "start" else one for one in parameters(call)]
