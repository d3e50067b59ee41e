from __future__ import annotations

from pathlib import Path

import pytest

from devhost.reload.watched_files import WatchedFiles


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFiles:
    root = tmp_path / "app"
    (root / "venv").mkdir(parents=True)
    (root / "venv" / "pyvenv.cfg").write_text("")
    return WatchedFiles(
        root,
        files=frozenset({root / "host.json", root / "words.txt"}),
        folders=frozenset({root / "shared", tmp_path / "beside", root / ".named"}),
        left_out=frozenset({root / "state"}),
    )


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("app/function_app.py", True),
        ("app/package/deep/module.py", True),
        ("app/host.json", True),
        ("app/words.txt", True),
        ("app/other.txt", False),
        ("app/package/host.json", False),
        ("app/shared/any.bin", True),
        ("app/shared/deep/any.bin", True),
        ("app/shared/__pycache__/any.pyc", False),
        ("app/.named/any.bin", True),
        ("beside/any.bin", True),
        ("elsewhere/module.py", False),
        ("app/.venv/module.py", False),
        ("app/venv/lib/module.py", False),
        ("app/node_modules/x/module.py", False),
        ("app/.git/module.py", False),
        ("app/package/__pycache__/module.py", False),
        ("app/state/module.py", False),
    ],
)
def test_what_counts(watched: WatchedFiles, tmp_path: Path, path: str, counts: bool):
    assert watched.counts(tmp_path / path) is counts


def test_folders_of_tools_are_not_watched(watched: WatchedFiles):
    for name in ("package/inner", "shared", "node_modules/x", ".git", "state", "package/__pycache__"):
        (watched.root / name).mkdir(parents=True)
    found = {folder.relative_to(watched.root).as_posix() for folder in watched.folders_to_watch()}
    assert found == {".", "package", "package/inner", "shared"}


def test_snapshot_differs_after_a_change_of_the_same_size(watched: WatchedFiles):
    module = watched.root / "module.py"
    module.write_text("A = 1")
    before = watched.snapshot()
    module.write_text("A = 2")
    assert (before.keys(), watched.snapshot() != before) == ({module}, True)


def test_snapshot_holds_only_what_counts(watched: WatchedFiles):
    for name in ("a.py", "b.txt", "host.json", "venv/c.py"):
        (watched.root / name).write_text("")
    assert watched.snapshot().keys() == {watched.root / "a.py", watched.root / "host.json"}
