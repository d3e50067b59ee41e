"""Rows of host/6: the admin endpoints."""

from __future__ import annotations

import pytest

from tests.conformance.http_app_client import HttpApp

row = pytest.mark.row


@row("host/6/run", "host/6/run-empty-object")
@pytest.mark.parametrize("body", [{}, {"input": "text"}])
def test_a_run_is_accepted_with_an_empty_answer(http: HttpApp, body: dict[str, str]) -> None:
    answer = http.host.post("/admin/functions/every_second", body)
    assert (answer.status, answer.body) == (202, b"")


@row("host/6/run-timer")
def test_a_timer_runs_at_once_and_is_not_past_due(http: HttpApp) -> None:
    before = len(http.noted("at_start"))
    http.host.post("/admin/functions/AT_START", {})
    assert http.noted("at_start", lines=before + 1)[-1].startswith("[false,")


@row("host/6/run-http")
def test_a_run_of_an_http_function_is_accepted_and_fails_inside(http: HttpApp) -> None:
    assert http.host.post("/admin/functions/no_route", {"input": "x"}).status == 202
    http.expect_logged("Executed 'Functions.no_route' (Failed")


@row("host/6/one")
def test_one_function_is_shown_with_its_addresses_and_bindings(http: HttpApp) -> None:
    found = http.json("/admin/functions/ONLY_GET")
    shown = {"name", "href", "script_href", "config_href", "test_data_href", "invoke_url_template", "language"}
    assert shown | {"isDisabled", "isDirect", "isProxy", "config"} <= set(found)
    assert (found["name"], found["language"], found["isDisabled"]) == ("only_get", "python", False)
    assert found["invoke_url_template"].endswith("/api/methods/get")
    assert {"name", "scriptFile", "entryPoint", "language", "functionDirectory", "bindings"} <= set(found["config"])
    assert [one["type"] for one in found["config"]["bindings"]] == ["httpTrigger", "http"]


@row("host/6/one", "host/6/run-unknown")
def test_an_unknown_function_is_404(http: HttpApp) -> None:
    assert http.host.get("/admin/functions/nobody").status == 404
    assert http.host.post("/admin/functions/nobody", {}).status == 404


@row("host/6/list")
def test_the_list_holds_every_function(http: HttpApp) -> None:
    names = {one["name"] for one in http.json("/admin/functions")}
    assert {"inspect", "at_start", "renamed"} <= names


@row("host/6/status")
def test_a_refused_function_tells_its_errors(http: HttpApp) -> None:
    assert http.json("/admin/functions/inspect/status") == {}
    assert "every day" in http.json("/admin/functions/bad_schedule/status")["errors"][0]


@row("host/6/host-status")
def test_the_host_tells_its_state(http: HttpApp) -> None:
    found = http.json("/admin/host/status")
    names = {"id", "state", "version", "versionDetails", "instanceId", "computerName", "processUptime"}
    assert (names <= set(found), found["state"]) == (True, "Running")
