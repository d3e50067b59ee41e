from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.host_process import RunningHost, run_host_to_its_end, running_host
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import json, logging
    import azure.durable_functions as df
    app = df.DFApp()

    @app.route("open", auth_level=func.AuthLevel.ANONYMOUS)
    def open_to_all(req):
        return "open"

    @app.route("item")
    def item(req):
        return func.HttpResponse(json.dumps(dict(req.params)))

    @app.route("boss", auth_level=func.AuthLevel.ADMIN)
    def boss(req):
        return "boss"

    @app.route("off", auth_level=func.AuthLevel.ANONYMOUS)
    def off(req):
        return "off"

    @app.route("begin", auth_level=func.AuthLevel.ANONYMOUS)
    @app.durable_client_input(client_name="client")
    async def begin(req, client):
        instance_id = await client.start_new("nap")
        return client.create_check_status_response(req, instance_id)

    @app.route("payload", auth_level=func.AuthLevel.ANONYMOUS)
    @app.durable_client_input(client_name="client")
    async def payload(req, client):
        return func.HttpResponse(client.create_http_management_payload("x")["terminatePostUri"])

    @app.orchestration_trigger(context_name="context")
    def nap(context):
        return "rested"

    @app.timer_trigger("t", schedule="0 0 0 1 1 *")
    def nightly(t):
        logging.info("the timer ran")
"""
WEBHOOK = "/runtime/webhooks/durabletask/instances"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "app"
    return write_app(folder, CODE, settings={"AzureWebJobs.off.Disabled": "1"})


@pytest.fixture(scope="module")
def host(root: Path) -> Iterator[RunningHost]:
    with running_host(root, arguments=["--enableAuth"]) as running:
        yield running


@pytest.fixture(scope="module")
def keys(host: RunningHost, root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / ".devhost" / "keys.json").read_text())
    return found


def get(host: RunningHost, path: str, key: str | None = None):
    return host.call("GET", path, headers={} if key is None else {"x-functions-key": key})


def all_keys(keys: Mapping[str, Any]) -> dict[str, str]:
    """A key of each kind by a short name."""
    return {
        "none": "",
        "wrong": "nonsense",
        "own": keys["functions"]["item"]["default"],
        "foreign": keys["functions"]["boss"]["default"],
        "host": keys["host"]["default"],
        "system": keys["system"]["durabletask_extension"],
        "master": keys["master"],
    }


@pytest.mark.row(
    "host/3/anonymous", "host/3/function-own-key", "host/3/function-host-key", "host/3/function-master-key"
)
@pytest.mark.row("host/3/function-other-key", "host/3/admin-master-key", "host/3/admin-other-keys")
@pytest.mark.row("host/3/webhook-system-key", "host/3/webhook-master-key", "host/3/webhook-function-key")
@pytest.mark.row("host/3/system-key-elsewhere", "host/3/no-route-first", "host/3/unknown-webhook")
@pytest.mark.row("host/3/admin-endpoints")
@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        (
            "/api/open",
            {"none": 200, "wrong": 200, "own": 200, "foreign": 200, "host": 200, "system": 200, "master": 200},
        ),
        (
            "/api/item",
            {"none": 401, "wrong": 401, "own": 200, "foreign": 401, "host": 200, "system": 401, "master": 200},
        ),
        (
            "/api/boss",
            {"none": 401, "wrong": 401, "own": 401, "foreign": 401, "host": 401, "system": 401, "master": 200},
        ),
        (
            "/api/off",
            {"none": 404, "wrong": 404, "own": 404, "foreign": 404, "host": 404, "system": 404, "master": 200},
        ),
        (
            WEBHOOK,
            {"none": 401, "wrong": 401, "own": 401, "foreign": 401, "host": 401, "system": 200, "master": 200},
        ),
        (
            "/admin/functions",
            {"none": 401, "wrong": 401, "own": 401, "foreign": 401, "host": 401, "system": 401, "master": 200},
        ),
        (
            "/admin/host/status",
            {"none": 401, "wrong": 401, "own": 401, "foreign": 401, "host": 401, "system": 401, "master": 200},
        ),
        (
            "/admin/host/ping",
            {"none": 200, "wrong": 200, "own": 200, "foreign": 200, "host": 200, "system": 200, "master": 200},
        ),
        (
            "/api/nowhere",
            {"none": 404, "wrong": 404, "own": 404, "foreign": 404, "host": 404, "system": 404, "master": 404},
        ),
        (
            "/runtime/webhooks/blobs/x",
            {"none": 404, "wrong": 404, "own": 404, "foreign": 404, "host": 404, "system": 404, "master": 404},
        ),
    ],
)
def test_each_place_is_opened_by_its_keys(host, keys, path, statuses):
    assert {name: get(host, path, key).status for name, key in all_keys(keys).items()} == statuses


@pytest.mark.row("host/3/unauthorized", "host/2.3/bad-key")
def test_refusal_is_empty(host: RunningHost):
    answer = host.get("/api/item")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (401, b"", "0")


@pytest.mark.row("host/3/header-first")
def test_key_may_be_in_the_query_and_the_function_sees_it_there(host, keys):
    key = keys["host"]["default"]
    assert host.get(f"/api/item?code={key}&a=1").json() == {"code": key, "a": "1"}


@pytest.mark.row("host/3/header-first")
def test_wrong_header_is_not_saved_by_a_good_query(host, keys):
    assert get(host, f"/api/item?code={keys['master']}", "nonsense").status == 401


@pytest.mark.row("host/3/no-route-first")
def test_wrong_method_is_404_before_any_check(host: RunningHost):
    assert host.call("PATCH", f"{WEBHOOK}/x").status == 404


@pytest.mark.row("host/3/management-urls")
def test_check_status_urls_carry_the_system_key_and_work(host, keys):
    url = host.get("/api/begin").json()["statusQueryGetUri"]
    wait_until(lambda: host.get(url).status == 200)
    assert (f"code={keys['system']['durabletask_extension']}" in url, host.get(url).json()["output"]) == (
        True,
        "rested",
    )


def test_payload_of_the_client_carries_the_system_key(host, keys):
    assert f"code={keys['system']['durabletask_extension']}" in host.get("/api/payload").body.decode()


@pytest.mark.row("host/3/admin-endpoints")
def test_admin_run_needs_the_master_key(host, keys):
    refused = host.post("/admin/functions/nightly", {}).status
    body = {"x-functions-key": keys["master"], "Content-Type": "application/json"}
    accepted = host.call("POST", "/admin/functions/nightly", body="{}", headers=body).status
    wait_until(lambda: "the timer ran" in host.log())
    assert (refused, accepted) == (401, 202)


def test_console_names_the_file_and_no_key(host, keys, root):
    get(host, "/api/item", keys["master"])
    log = host.log()
    assert f"Keys are required; they are in {root / '.devhost' / 'keys.json'}" in log
    assert [name for name, key in all_keys(keys).items() if key and key in log] == []


def test_keys_command_lists_them(host, keys, root):
    command = [sys.executable, "-m", "devhost", "keys", "--script-root", str(root)]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert [line.split()[-1] for line in printed.splitlines()][:2] == [keys["master"], keys["host"]["default"]]


def test_keys_command_without_a_file_says_how_to_make_one(tmp_path):
    command = [sys.executable, "-m", "devhost", "keys", "--state-dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, "started with --enable-auth" in ended.stderr) == (1, True)


def test_broken_key_file_ends_the_start_with_its_name(tmp_path):
    root = write_app(tmp_path / "app", "app = func.FunctionApp()")
    (root / ".devhost").mkdir()
    (root / ".devhost" / "keys.json").write_text('{"master": ""}')
    code, output = run_host_to_its_end(root, log_dir=tmp_path / "logs", arguments=["--enable-auth"])
    assert (code, f"{root / '.devhost' / 'keys.json'}: 'master' must be a text" in output) == (1, True)
