"""The proof with sample apps, on a checkout of one small app."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.tiny_apps import write_app
from tests.proofs.sample_apps import Checkout, find_checkouts, judge, summary
from tests.proofs.sample_packages import PackageFolders
from tests.proofs.sample_scenarios import SampleApp

APPROVAL_APP = """
    import azure.durable_functions as df

    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route(route="start")
    @app.durable_client_input(client_name="client")
    async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        return client.create_check_status_response(req, await client.start_new("approval"))

    @app.route(route="approve/{id}")
    @app.durable_client_input(client_name="client")
    async def approve(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        await client.raise_event(req.route_params["id"], "approved", req.params["by"])
        return func.HttpResponse('{"by": "' + req.params["by"] + '"}')

    @app.orchestration_trigger(context_name="context")
    def approval(context: df.DurableOrchestrationContext):
        context.set_custom_status("waiting")
        name = yield context.wait_for_external_event("approved")
        return f"approved by {name}"
"""
STEPS: list[dict[str, Any]] = [
    {"start": "POST /api/start"},
    {"becomes": {"customStatus": "waiting"}},
    {"call": "GET /api/approve/{id}?by=me", "json": {"by": "me"}, "keep": {"who": "by"}},
    {"becomes": {"runtimeStatus": "Completed", "output": 'approved by "{who}"'}},  # the SDK's client sends JSON in JSON
]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "checkouts" / "me+tiny"
    write_app(root / "app", APPROVAL_APP)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=me", "-c", "user.email=me@x", "commit", "-qm", "."],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    (found,) = find_checkouts(tmp_path / "checkouts")
    return found


def verdict_of(checkout: Checkout, tmp_path: Path, steps: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    app = SampleApp.model_validate(
        {"folder": "app", "features": ["events"], "documented": "README", "steps": steps, "repository": "me/tiny"}
    )
    verdict = judge(app, checkout, "UseDevelopmentStorage=true", PackageFolders(tmp_path / "p"), tmp_path / "run")
    assert checkout.commit[:10] in str(verdict)
    return verdict.outcome, verdict.detail


def test_an_app_that_does_what_is_documented_is_ok_and_leaves_its_checkout_as_it_was(
    checkout: Checkout, tmp_path: Path
) -> None:
    assert verdict_of(checkout, tmp_path, STEPS) == ("ok", "4 steps as documented; documented: README")
    assert checkout.changes("app") == ""


def test_an_app_that_does_something_else_fails_with_the_step_and_both_results(
    checkout: Checkout, tmp_path: Path
) -> None:
    steps = [*STEPS[:2], {"call": "GET /api/approve/{id}?by=me", "json": {"by": "you"}}]
    outcome, detail = verdict_of(checkout, tmp_path, steps)
    assert outcome == "FAILED"
    assert "step 3 of 3, GET /api/approve/" in detail
    assert "the answer.by is 'me', wanted 'you'" in detail


def test_a_changed_checkout_is_not_run(checkout: Checkout, tmp_path: Path) -> None:
    with (checkout.folder / "app" / "function_app.py").open("a") as file:
        file.write("# changed")
    outcome, detail = verdict_of(checkout, tmp_path, STEPS)
    assert (outcome, detail) == ("FAILED", "the checkout is not as committed: M app/function_app.py")


def test_an_app_that_cannot_run_is_listed_with_its_reason_and_not_counted(checkout: Checkout, tmp_path: Path) -> None:
    app = SampleApp(folder="app", cannot_run="needs Redis", repository="me/tiny")
    verdict = judge(app, checkout, "", PackageFolders(tmp_path / "p"), tmp_path / "run")
    assert (verdict.outcome, verdict.detail) == ("cannot run here", "needs Redis")
    assert summary([verdict]) == (
        "0 apps ok (0 of them with something added), from 0 repositories (); 0 FAILED, 1 cannot run here"
    )


def test_code_of_ours_runs_before_the_app_and_is_told_in_the_verdict(checkout: Checkout, tmp_path: Path) -> None:
    app = SampleApp.model_validate(
        {
            "folder": "app",
            "documented": "README",
            "repository": "me/tiny",
            "settings": {"STORAGE": "{storage}"},
            "sitecustomize": "import os; print('before the app', os.environ['STORAGE'])",
            "steps": [{"log": "before the app UseDevelopmentStorage=true"}],
        }
    )
    verdict = judge(app, checkout, "UseDevelopmentStorage=true", PackageFolders(tmp_path / "p"), tmp_path / "run")
    assert verdict.outcome == "ok"
    assert verdict.detail.startswith("1 steps as documented, after `import os; print(")
