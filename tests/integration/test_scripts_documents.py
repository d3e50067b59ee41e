"""What the documents promise is there, and what is there is documented."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest

from scraper.models import Reason
from scraper.settings import Settings
from scraper.source_models import Gate, Source
from scripts.checkout import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md"))]


def setting_names() -> list[str]:
    return [str(field.validation_alias or name.upper()) for name, field in Settings.model_fields.items()]


def example_values() -> dict[str, str]:
    values: dict[str, str] = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    return values


@pytest.mark.parametrize("name", setting_names())
def test_every_setting_is_documented_and_in_the_example(name: str) -> None:
    assert f"| `{name}` |" in (ROOT / "docs/settings.md").read_text()
    assert name in example_values()


def test_the_example_holds_the_defaults_and_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    defaults = Settings()
    for name, value in example_values().items():
        monkeypatch.setenv(name, value)
    assert Settings() == defaults.model_copy(update={"storage_connection": "UseDevelopmentStorage=true"})


@pytest.mark.parametrize("key", [*Source.model_fields, *Gate.model_fields])
def test_every_key_of_a_source_is_documented(key: str) -> None:
    assert f"`{key}`" in (ROOT / "docs/sources.md").read_text()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_a_failed_page_is_explained(reason: Reason) -> None:
    section = (ROOT / "docs/operations.md").read_text().partition("## Failed pages")[2].partition("\n## ")[0]
    assert f"`{reason}`" in section


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_sections_lead_to_headings(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", document.read_text())
    paths = [(document if not file else document.parent / file, anchor) for file, anchor in targets]
    assert [f"{path.name}#{anchor}" for path, anchor in paths if anchor not in anchors(path)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_make_command_of_the_documents_exists() -> None:
    named = {name for path in DOCUMENTS for name in re.findall(r"^make ([a-z0-9-]+)", path.read_text(), re.MULTILINE)}
    known = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named
    assert named <= known


def test_make_help_lists_every_command_and_the_long_proofs_last() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    known = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"^  make ([a-z0-9-]+)", listed, re.MULTILINE) == sorted(
        known, key=lambda name: name.startswith("prove-")
    )


def test_orchestrators_never_ask_for_the_time() -> None:
    """On replay the answer would differ; `context.current_utc_datetime` is the same every time."""
    clocks = {"now", "utcnow", "today", "time", "monotonic", "uuid4"}
    asked = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "orchestrations").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in clocks
    ]
    assert asked == []


def test_function_app_imports_only_the_app_and_the_sdk() -> None:
    """import-linter cannot read it: it is a module, not a package."""
    rooms = {"orchestrations", "activities", "triggers", "telemetry", "scraper"}
    allowed = {"collections", "azure", "typing", "__future__", *rooms}
    tree = ast.parse((ROOT / "function_app.py").read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} <= allowed
