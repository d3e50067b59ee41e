"""An app that cannot work says so as docs/openapi.yaml describes it: 500 and 503, operation by operation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import schemathesis

from devhost.testing import Host, Reply
from scraper.settings import Settings
from scripts.checkout import ROOT
from starts.later import LaterStart
from storage.account import tables
from storage.store import open_store
from tests.helpers.answer_checks import faults, response_of
from tests.helpers.api_description import Operation, closed, operations, read_description, usual_body, usual_path

DOCUMENT = closed(read_description())
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
# The app of this process is imported once, without commands by GET; their handlers are those of the POSTs.
OPERATIONS = {one.name: one for one in operations(DOCUMENT) if not one.name.endswith("_by_get")}
NOBODY = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0;TableEndpoint=http://127.0.0.1:1/a;"
TO_COME = LaterStart("daily_scrape", "today", {}, "startAt", "2126-11-22T06:00:00+00:00", "claim")
HEALTH = {"health", "health_details"}
SITE = {"SAMPLE_SITE_URL": "http://127.0.0.1:1", "SAMPLE_LISTING_PAGES": "1"}


def named(status: int) -> list[str]:
    """The operations with this answer in their description."""
    return [name for name, operation in OPERATIONS.items() if status in operation.statuses]


async def answer(name: str, host: Host) -> Reply:
    """What an operation answers to a usual request."""
    operation = OPERATIONS[name]
    path = operation.path.format(**usual_path(DOCUMENT, operation))
    return await host.request(operation.method, f"/api{path}", json=usual_body(DOCUMENT, operation))


def check(operation: Operation, reply: Reply, status: int) -> Any:
    """The answer's document, after it was held to the description."""
    assert reply.status == status
    assert (reply.headers["X-Content-Type-Options"], reply.headers["Cache-Control"]) == ("nosniff", "no-store")
    response = response_of(reply.status, reply.headers, reply.body)
    assert [failure.message for failure in faults(SCHEMA, operation, response, is_sound=False)] == []
    return reply.json()


@pytest.fixture
async def host(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    """The app on a storage account that nobody serves."""
    monkeypatch.setitem(tables.PATIENCE, "retry_total", 0)
    async with Host(ROOT, settings={**SITE, "AzureWebJobsStorage": NOBODY}) as running:
        store = open_store(Settings())
        yield running
        await store.tables.close()


@pytest.mark.parametrize("name", named(503))
async def test_without_storage_every_operation_says_that_it_does_not_answer(name: str, host: Host) -> None:
    # So that there is one to list and to cancel: of none the task hub alone can tell.
    await host.start("start_later", TO_COME.as_input(), instance_id="later:today")
    told = check(OPERATIONS[name], await answer(name, host), 503)
    if name in HEALTH:
        assert told["checks"] == {"settings": "ok", "storage": "failed", "hub": "ok", "runs": "unknown"}
    else:
        assert told["detail"].startswith("The storage account does not answer: ")
        is_command = OPERATIONS[name].method != "GET"
        assert ("It may have been done all the same: ask " in told["detail"]) is is_command
    assert "c2VjcmV0" not in str(told)


@pytest.mark.parametrize("name", named(500))
async def test_with_a_wrong_setting_every_operation_names_the_setting(
    name: str, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_PREFIX", "1!")
    told = check(OPERATIONS[name], await answer(name, host), 500)
    assert told["detail"].startswith("TABLE_PREFIX: ")


@pytest.mark.parametrize("text", ["a%3Fb", "a%23b", "%2e%2e%2Fa", "-", "x" * 101])
@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if "{runId}" in one.path])
async def test_a_text_that_no_run_can_have_as_its_id_is_404_before_anybody_is_asked(
    name: str, text: str, host: Host
) -> None:
    """To the task hub `a?b` would be `a`."""
    path = OPERATIONS[name].path.format(runId=text)
    check(OPERATIONS[name], await host.request(OPERATIONS[name].method, f"/api{path}"), 404)


async def test_without_its_sources_file_the_app_names_the_file(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES_FILE", "nowhere.toml")
    assert "nowhere.toml" in check(OPERATIONS["start_run"], await answer("start_run", host), 500)["detail"]


def test_without_its_sources_file_the_app_says_so_when_it_is_loaded() -> None:
    cure = f"{ROOT / 'nowhere.toml'}: there is no such file; set SOURCES_FILE to its path"
    assert said_when_loaded(SOURCES_FILE="nowhere.toml") == [f"nothing can be scraped: {cure}"]


def test_with_wrong_settings_that_no_run_needs_the_app_is_loaded_and_says_so_without_the_secret() -> None:
    url = "https://hooks.example/x SECRETSIG"
    said = said_when_loaded(ALERT_WEBHOOK_URL=url, ALERT_FORMAT="no", LOG_FORMAT="xml", **SITE)
    begin = "the app works without a setting: "
    assert [line.split(": it must")[0] for line in said] == [f"{begin}ALERT_WEBHOOK_URL", f"{begin}LOG_FORMAT"]
    assert said[0].endswith("; ALERT_FORMAT: it must be json, slack or teams")
    assert "SECRETSIG" not in str(said)


async def test_with_an_alert_address_that_is_none_the_app_is_degraded_and_says_why_to_holders_of_a_key(
    azurite: str, table_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/SECRETSIG)")
    settings = {**SITE, "AzureWebJobsStorage": azurite, "TABLE_PREFIX": table_prefix}
    async with Host(ROOT, settings=settings) as host:
        public = check(OPERATIONS["health"], await answer("health", host), 200)
        details = check(OPERATIONS["health_details"], await answer("health_details", host), 200)
        await open_store(Settings()).tables.close()
    assert (public["status"], public["checks"]["settings"], "faults" in public) == ("degraded", "degraded", False)
    fault = details["alerts"]["fault"]
    assert fault.startswith("ALERT_WEBHOOK_URL: its Key Vault reference was not resolved")
    assert (details["status"], details["faults"]) == ("degraded", {"settings": fault})
    assert details["alerts"]["configured"]
    assert "SECRETSIG" not in str(details)


def said_when_loaded(**settings: str) -> list[str]:
    """What the app logs while a worker loads it, which must succeed."""
    environ = {**os.environ, **settings}
    command = [sys.executable, "-c", "import function_app"]
    loaded = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    return loaded.stderr.splitlines()


async def test_without_its_sources_file_the_app_is_unhealthy(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES_FILE", "nowhere.toml")
    told = check(OPERATIONS["health_details"], await answer("health_details", host), 503)
    assert "nowhere.toml" in told["faults"]["settings"]
