"""The scenario files of the sample apps, and how mistakes in one are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs.sample_apps import repository_name
from tests.proofs.sample_scenarios import ScenarioError, read_scenarios


def test_the_scenario_files_of_this_repository_can_be_read_and_name_each_app_once() -> None:
    apps = [(app.repository, app.folder) for app in read_scenarios()]
    assert len(set(apps)) == len(apps)
    assert len(apps) >= 8


def test_steps_keep_their_order_and_their_kind(tmp_path: Path) -> None:
    write(tmp_path, 'documented = "README"', '[[app.steps]]\ncall = "GET /a"\njson = { value = 3 }', LOG_STEP)
    (app,) = read_scenarios(tmp_path)
    assert [(step.kind, step.document) for step in app.steps] == [("call", {"value": 3}), ("log", None)]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (('documented = "README"', '[[app.steps]]\nlog = "a"\ncall = "GET /a"'), "exactly one of start, becomes"),
        (('documented = "README"', "[[app.steps]]\nstatus = 200"), "exactly one of start, becomes"),
        ((), "either steps and the place that documents them, or cannot_run"),
        (("[[app.steps]]\nlog = 'a'",), "either steps and the place that documents them, or cannot_run"),
        (('documented = "README"', "[[app.steps]]\nlog = 'a'\nwait = 3"), "wait"),
    ],
)
def test_a_mistake_is_told_with_the_name_of_the_file(tmp_path: Path, lines: tuple[str, ...], reason: str) -> None:
    write(tmp_path, *lines)
    with pytest.raises(ScenarioError, match=r"(?s)some\.toml: .*" + reason):
        read_scenarios(tmp_path)


@pytest.mark.parametrize(
    ("folder", "origin", "name"),
    [
        ("Azure+functions", "", "Azure/functions"),
        ("functions", "https://github.com/Azure/functions.git", "Azure/functions"),
        ("functions", "git@github.com:Azure/functions", "Azure/functions"),
        ("functions", "https://example.com/Azure/functions", ""),
        ("functions", "", ""),
    ],
)
def test_a_checkout_is_known_by_its_folder_or_by_where_it_came_from(folder: str, origin: str, name: str) -> None:
    assert repository_name(folder, origin) == name


LOG_STEP = '[[app.steps]]\nlog = "done"'


def write(folder: Path, *lines: str) -> None:
    text = "\n".join(('repository = "me/tiny"', "[[app]]", 'folder = "."', *lines))
    (folder / "some.toml").write_text(text)
