"""The documents are complete: what there is is described, and what they describe is there."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from scripts.checkout import ROOT
from tests.helpers.bicep import read_bicep
from tests.helpers.described_app import loaded_app

README = ROOT / "README.md"
PAGES = [README, *sorted(ROOT.glob("docs/**/*.md"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in PAGES}
TARGETS = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
ROUTES = re.findall(r'^http\((?:"([A-Z ]+)"|COMMAND), "([^"]+)"', (ROOT / "function_app.py").read_text(), re.MULTILINE)
SETTINGS_PAGE = TEXTS["docs/settings.md"]
EXAMPLE = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]

MADE_BY_COMMANDS = {".run", ".venv", ".azurite", ".devhost", "node_modules"}


@pytest.mark.parametrize("page", [path for path in TEXTS if re.fullmatch(r"docs/[^/]+\.md", path)])
def test_the_readme_leads_to_every_page(page: str) -> None:
    _, _, listed = TEXTS["README.md"].partition("\n## Documentation\n")
    assert f"- [{page}]({page}): " in listed


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_is_documented(target: str) -> None:
    assert [path for path, text in TEXTS.items() if re.search(rf"\bmake {target}(?![\w-])", text)] != []


@pytest.mark.parametrize("page", TEXTS)
def test_every_make_command_in_the_text_exists(page: str) -> None:
    used = re.findall(r"(?:`|^|&& |; )make ([a-z][\w-]*)", TEXTS[page], re.MULTILINE)
    assert [name for name in used if name not in TARGETS] == []


@pytest.mark.parametrize(("methods", "route"), ROUTES, ids=lambda text: text)
def test_every_route_is_in_the_overview(methods: str, route: str) -> None:
    routes = [line for line in TEXTS["docs/api.md"].splitlines() if line.startswith("| ")]
    assert [line for line in routes if re.search(rf"`([A-Z]+ )?{re.escape(route)}`", line)] != []


@pytest.mark.parametrize("name", EXAMPLE)
def test_every_setting_of_the_example_is_documented(name: str) -> None:
    assert f"| `{name}` |" in SETTINGS_PAGE


def test_every_app_setting_that_infra_makes_is_documented() -> None:
    made = read_bicep(ROOT / "infra/main.bicep").keys_of("appSettings")
    made |= {key for key in read_bicep(ROOT / "infra/modules/app.bicep").keys_of("settings") if "_" in key}
    assert {"SCRAPE_SCHEDULE", "AzureWebJobsStorage__accountName"} <= made
    assert sorted(name for name in made if f"`{name}`" not in SETTINGS_PAGE) == []


def test_every_parameter_of_a_deployment_is_documented() -> None:
    filled = json.loads((ROOT / "infra/main.parameters.json").read_text())["parameters"].values()
    names = [re.findall(r"[A-Z_]+", one["value"])[0] for one in filled]
    documented = TEXTS["docs/deploying.md"]
    assert [name for name in names if name != "AZURE_ENV_NAME" and f"| `{name}` |" not in documented] == []


def test_the_switch_of_every_timer_and_queue_is_documented(tmp_path: Path) -> None:
    functions = loaded_app(tmp_path).functions
    alone = [one.name for one in functions if one.trigger_type in {"timerTrigger", "queueTrigger"}]
    assert len(alone) > 3
    assert [name for name in alone if f"`AzureWebJobs.{name}.Disabled`" not in SETTINGS_PAGE] == []


@pytest.mark.parametrize("page", TEXTS)
def test_every_module_that_a_command_runs_exists(page: str) -> None:
    modules = re.findall(r"python3? -m ([\w.]+)", TEXTS[page])
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


@pytest.mark.parametrize("page", TEXTS)
def test_every_file_that_the_text_names_exists(page: str) -> None:
    """Paths in backticks that begin with something of this repository; those with a `*` are many."""
    tops = {path.name for path in ROOT.iterdir()} - MADE_BY_COMMANDS
    named = re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?)`", TEXTS[page])
    assert [path for path in named if path.partition("/")[0] in tops and not (ROOT / path).exists()] == []


def test_the_architecture_names_every_package_of_the_repository() -> None:
    tracked = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"orchestrations", "activities", "triggers"}
    described = TEXTS["docs/architecture.md"]
    assert {"scraper", "storage", "starts", "devhost"} <= tracked
    assert sorted(name for name in tracked - {"tests"} if f"`{name}/`" not in described) == []


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_a_diagram_opens_and_closes_its_groups(page: str) -> None:
    """GitHub draws nothing of a Mermaid diagram with a fault in it. No parser of it runs without a browser."""
    diagrams = re.findall(r"^```mermaid\n(.*?)^```", TEXTS[page], re.MULTILINE | re.DOTALL)
    assert diagrams
    for diagram in diagrams:
        assert re.match(r"(flowchart (LR|TB)|sequenceDiagram)\n", diagram)
        opened = len(re.findall(r"^\s*(?:subgraph|loop)\b", diagram, re.MULTILINE))
        assert opened == len(re.findall(r"^\s*end$", diagram, re.MULTILINE))
        assert [diagram.count(one) for one in "([{"] == [diagram.count(one) for one in ")]}"]


@pytest.mark.parametrize("page", TEXTS)
def test_every_request_that_a_command_sends_has_a_route(page: str) -> None:
    """Lines of `curl` and the like, with a path below `$api` or `/api`."""
    commands = re.findall(r"^(?:curl|call|next=|\w+ \$?\(?curl).*$", TEXTS[page], re.MULTILINE)
    paths = [path for line in commands for path in re.findall(r"(?:\$api|/api)/([\w/{}$.:-]+)", line)]
    routes = [re.compile(re.sub(r"\{\w+\}", "[^/]+", route)) for _, route in ROUTES]
    assert [path for path in paths if not any(route.fullmatch(path) for route in routes)] == []


def test_the_page_on_security_says_that_only_direct_dependencies_are_pinned_while_that_is_so() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert not any(re.match(r"(?:aiosignal|azure-core|yarl)==", line) or "--hash=" in line for line in lines)
    assert "is not pinned and has no hashes" in TEXTS["docs/security.md"]


@pytest.mark.parametrize("page", TEXTS)
def test_a_variable_that_a_command_hands_on_has_a_value(page: str) -> None:
    """One that nobody has set would empty what azd gave."""
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```", TEXTS[page], re.MULTILINE | re.DOTALL))
    handed_on = re.findall(r'^export \w+="?\$(\w+)', commands, re.MULTILINE)
    known = set(read_bicep(ROOT / "infra/main.bicep").outputs) | set(re.findall(r"^(?:export )?(\w+)=", commands, re.M))
    assert [name for name in handed_on if name not in known] == []


def test_readers_are_shown_requests_at_all() -> None:
    assert TEXTS["README.md"].count("curl") > 5
