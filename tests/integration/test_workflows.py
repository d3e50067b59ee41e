"""The workflow of GitHub: valid, on every Python that we promise, and without a secret."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.checkout import ROOT
from tests.helpers.bicep import read_bicep

WORKFLOW = ROOT / ".github/workflows/ci.yml"
SOURCE = WORKFLOW.read_text()
JOBS: dict[str, Any] = yaml.safe_load(SOURCE)["jobs"]


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_actionlint_has_nothing_to_complain_of_and_would_notice_what_github_refuses(tmp_path: Path) -> None:
    """One start of actionlint for both: compiling it takes seconds."""
    wrong = SOURCE.replace("needs: [checks", "needs: [cheks").replace("matrix.host ==", "matrix.hst ==")
    wrong = wrong.replace("id-token: write", "id-tokn: write").replace("timeout-minutes: 20", "timeout-minute: 20")
    (tmp_path / "wrong.yml").write_text(wrong)
    command = [sys.executable, "-m", "scripts.lint_workflows", str(WORKFLOW), str(tmp_path / "wrong.yml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    faults = re.findall(r"^(\S+\.yml):\d+:\d+: .* \[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert done.returncode == 1, done.stderr
    assert done.stdout.endswith("2 linted, 4 faults\n")
    assert sorted((Path(file).name, kind) for file, kind in faults) == [
        *[("wrong.yml", kind) for kind in ("expression", "job-needs", "permissions", "syntax-check")]
    ]


def test_every_python_that_we_promise_is_checked_and_the_newest_is_the_one_in_azure() -> None:
    pythons = JOBS["checks"]["strategy"]["matrix"]["python"]
    app = read_bicep(ROOT / "infra/modules/app.bicep").resources["app"].body
    assert pythons == ["3.11", "3.12", "3.13"]
    assert app["properties"]["functionAppConfig"]["runtime"]["version"] == pythons[-1]


def test_checks_and_end_to_end_tests_are_what_ci_run_does_elsewhere() -> None:
    assert {"make check", "make lint-workflows", 'make test PYTEST_ARGS="--ignore=tests/e2e"'} <= set(
        commands("checks")
    )
    assert JOBS["e2e"]["strategy"]["matrix"]["host"] == ["devhost", "func"]
    assert commands("e2e")[-1] == "make test-e2e HOST=${{ matrix.host }}"


def test_every_make_command_of_the_workflow_exists() -> None:
    known = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"\bmake ([a-z][a-z0-9-]*)", "\n".join(one for job in JOBS for one in commands(job))))
    assert {"check", "test", "test-e2e", "package", "lint-workflows", "setup"} <= used
    assert used <= known


@pytest.mark.parametrize(
    "used", re.findall(r"uses: (\S+) # (v\S+)", SOURCE), ids=lambda used: used[0].partition("@")[0]
)
def test_an_action_is_pinned_to_a_commit_and_its_version_is_named(used: tuple[str, str]) -> None:
    action, version = used
    assert re.fullmatch(r"[A-Za-z/-]+@[0-9a-f]{40}", action)
    assert re.fullmatch(r"v\d+\.\d+\.\d+", version)


def test_no_action_is_without_a_pin() -> None:
    assert SOURCE.count("uses:") == len(re.findall(r"uses: \S+@[0-9a-f]{40} # v", SOURCE)) > 5


def test_only_a_tag_that_passed_everything_is_deployed() -> None:
    deploy = JOBS["deploy"]
    assert deploy["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert set(deploy["needs"]) == set(JOBS) - {"deploy"}
    assert deploy["environment"] == "production"


def test_a_tag_is_deployed_only_if_its_commit_is_on_main() -> None:
    """It is asked before the job has signed in; without the whole history git could not tell."""
    checkout, on_main, *_ = JOBS["deploy"]["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert on_main["run"] == 'git merge-base --is-ancestor "$GITHUB_SHA" origin/main'


def test_that_only_reviewed_tags_reach_the_environment_is_a_required_step_of_the_documents() -> None:
    _, _, documented = (ROOT / "docs/deploying.md").read_text().partition("\n## From GitHub\n")
    assert "**Required**: limit the environment to tags `v*`, and give it a reviewer" in documented
    assert "/deployment-branch-policies\" -f name='v*' -f type=tag" in documented


@pytest.mark.parametrize("job", JOBS)
def test_the_token_that_checked_out_is_left_to_no_later_step(job: str) -> None:
    (checkout,) = [step for step in JOBS[job]["steps"] if "checkout@" in step.get("uses", "")]
    assert checkout["with"]["persist-credentials"] is False


def test_what_npm_installs_has_a_version() -> None:
    installed = re.findall(r"npm install (?:--global )?(\S+)", SOURCE)
    assert installed
    assert [name for name in installed if not re.search(r"@\d+\.\d+\.\d+$", name)] == []


def test_github_signs_in_without_a_secret_and_may_do_so_in_one_job_only() -> None:
    permissions = {name: job.get("permissions", {}) for name, job in JOBS.items()}
    assert "secrets." not in SOURCE
    assert yaml.safe_load(SOURCE)["permissions"] == {"contents": "read"}
    assert {name for name, given in permissions.items() if "write" in given.values()} == {"deploy"}
    assert permissions["deploy"] == {"contents": "read", "id-token": "write"}


def test_what_is_deployed_is_the_package_that_was_made_and_it_is_smoke_tested() -> None:
    _, upload, smoke = commands("deploy")
    assert "--src app.zip --build-remote true" in upload
    assert "scripts/smoke.py" in smoke
    assert commands("infra")[-1] == "make package"


def test_the_variables_of_the_deployment_are_documented_and_those_that_azure_gives_exist() -> None:
    documented = (ROOT / "docs/deploying.md").read_text()
    variables = set(re.findall(r"vars\.([A-Z_]+)", SOURCE))
    outputs = set(read_bicep(ROOT / "infra/main.bicep").outputs)
    signing_in = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
    assert variables - outputs == signing_in
    assert [name for name in sorted(variables) if f"`{name}`" not in documented] == []
