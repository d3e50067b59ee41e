"""The files of infra/ are Bicep, and their own parts fit each other; no compiler was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.checkout import ROOT
from tests.helpers.bicep import BicepFile, read_bicep

INFRA = ROOT / "infra"
FILES = {path.relative_to(INFRA).as_posix(): read_bicep(path) for path in sorted(INFRA.rglob("*.bicep"))}
MAIN = FILES["main.bicep"]


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_every_file_is_bicep_whose_names_are_all_declared_and_used(file: BicepFile) -> None:
    assert file.errors == []
    assert file.unknown_names == set()
    assert file.unused_names == set()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("params: {", "params {"),
        ("'identity'", "'identity"),
        ("union(", "union(("),
        ("param location", "parm location"),
    ],
)
def test_the_grammar_notices_what_is_no_bicep(right: str, wrong: str, tmp_path: Path) -> None:
    source = (INFRA / "main.bicep").read_text()
    (tmp_path / "main.bicep").write_text(source.replace(right, wrong, 1))
    assert right in source
    assert read_bicep(tmp_path / "main.bicep").errors != []


def test_a_misspelt_name_is_noticed(tmp_path: Path) -> None:
    source = (INFRA / "main.bicep").read_text()
    (tmp_path / "main.bicep").write_text(source.replace("SCRAPE_SCHEDULE: schedule", "SCRAPE_SCHEDULE: shedule"))
    file = read_bicep(tmp_path / "main.bicep")
    assert file.unknown_names == {"shedule"}
    assert file.unused_names == {"schedule"}


@pytest.mark.parametrize("module", MAIN.modules.values(), ids=MAIN.modules)
def test_a_module_gets_the_parameters_that_it_declares(module: Any) -> None:
    declared = FILES[module.target].parameters
    given = set(module.body["params"])
    assert given <= set(declared)
    assert {name for name, parameter in declared.items() if not parameter.has_default} <= given


def test_every_module_is_used() -> None:
    assert {module.target for module in MAIN.modules.values()} | {"main.bicep"} == set(FILES)


def test_every_output_that_is_used_exists_in_its_module() -> None:
    missing = {(name, output) for name, output in MAIN.output_uses if output not in module_outputs(name)}
    assert MAIN.output_uses
    assert missing == set()


def module_outputs(name: str) -> dict[str, Any]:
    return FILES[MAIN.modules[name].target].outputs
