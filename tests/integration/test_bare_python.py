"""The commands of the app, asked of a Python that has none of the requirements."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scraper.settings import APP_ROOT


@pytest.mark.parametrize("command", ["scraper", "storage"])
def test_a_python_without_the_requirements_names_the_one_that_has_them(command: str) -> None:
    code = f"""
import runpy, sys
sys.path.insert(0, {str(APP_ROOT)!r})
runpy.run_module({command!r}, run_name="__main__", alter_sys=True)
"""
    ended = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: this Python lacks the package ")
    assert ended.stderr.endswith("; use .venv/bin/python (make setup makes it)\n")
    assert ended.stderr.count("\n") == 1
