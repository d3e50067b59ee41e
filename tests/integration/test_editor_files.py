"""The files for VS Code and development containers: they can be read, and what they name exists."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from devhost import cli
from devhost.options import StartOptions
from scripts.checkout import ROOT

FILES = [*sorted((ROOT / ".vscode").glob("*.json")), ROOT / ".devcontainer/devcontainer.json"]


def with_comments(path: Path) -> Any:
    """JSON in which a line may be a comment, as VS Code reads it."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("//")]
    return json.loads("\n".join(lines))


TASKS = {task["label"]: task for task in with_comments(ROOT / ".vscode/tasks.json")["tasks"]}
CONFIGURATIONS = {one["name"]: one for one in with_comments(ROOT / ".vscode/launch.json")["configurations"]}
CONTAINER = with_comments(ROOT / ".devcontainer/devcontainer.json")
MAKE_TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
EXAMPLE = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_file_can_be_read(path: Path) -> None:
    assert with_comments(path)


@pytest.mark.parametrize("label", [label for label, task in TASKS.items() if "command" in task])
def test_the_command_of_a_task_exists(label: str) -> None:
    program, *arguments = TASKS[label]["command"].split()
    known = {"make": lambda: arguments[0] in MAKE_TARGETS, "func": lambda: arguments[0] == "start"}
    assert known.get(program, (ROOT / program).exists)()
    modules = [after for option, after in itertools.pairwise(arguments) if option == "-m"]
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


def test_everything_that_is_to_run_first_is_a_task() -> None:
    first = [one["preLaunchTask"] for one in CONFIGURATIONS.values() if "preLaunchTask" in one]
    for task in TASKS.values():
        needed = task.get("dependsOn", [])
        first += [needed] if isinstance(needed, str) else needed
    assert len(first) > 3
    assert set(first) <= set(TASKS)


@pytest.mark.parametrize("name", [name for name, one in CONFIGURATIONS.items() if one["request"] == "launch"])
def test_a_launched_module_exists(name: str) -> None:
    assert importlib.util.find_spec(CONFIGURATIONS[name]["module"]) is not None


def test_there_is_a_configuration_for_either_host(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[StartOptions] = []
    monkeypatch.setattr(cli, "run_host", started.append)
    monkeypatch.setattr(cli, "_print_keys", lambda parsed: 0)
    devhost, func = CONFIGURATIONS["App under devhost"], CONFIGURATIONS["App under Core Tools"]
    assert devhost["module"] == "devhost"
    cli.main(devhost["args"])
    assert [options.port for options in started] == [7071]
    listens = TASKS[func["preLaunchTask"]]["options"]["env"]["languageWorkers__python__arguments"]
    assert listens.endswith(f"--listen {func['connect']['host']}:{func['connect']['port']}")


def test_both_hosts_get_the_settings_of_the_example() -> None:
    devhost = CONFIGURATIONS["App under devhost"]["env"]
    func = TASKS["func start"]["options"]["env"]
    assert {name: EXAMPLE[name] for name in devhost} == devhost
    assert {name: func[name] for name in devhost} == devhost
    assert TASKS["sample shop"]["command"].endswith(f" --port {devhost['SAMPLE_SITE_URL'].rpartition(':')[2]}")


@pytest.mark.parametrize(
    ("label", "line"),
    [
        ("Azurite", "Azurite Table service is successfully listening at http://127.0.0.1:10002"),
        ("sample shop", "serving http://127.0.0.1:8000"),
        ("func start", "[2026-11-21T06:00:00.000Z] Host lock lease acquired by instance ID '0'."),
    ],
)
def test_a_background_task_is_ready_when_it_says_so(label: str, line: str) -> None:
    assert re.search(TASKS[label]["problemMatcher"]["background"]["endsPattern"], line)


def test_the_container_has_the_extensions_that_the_folder_recommends() -> None:
    recommended = with_comments(ROOT / ".vscode/extensions.json")["recommendations"]
    assert CONTAINER["customizations"]["vscode"]["extensions"] == recommended


def test_the_container_runs_the_python_of_production_and_sets_the_checkout_up() -> None:
    assert CONTAINER["image"].endswith(":3.13")
    assert "make setup" in CONTAINER["postCreateCommand"]
    assert CONTAINER["forwardPorts"] == [7071, 8000]
