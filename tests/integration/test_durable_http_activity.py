"""`context.call_http`: requests that the host makes for orchestrations, against a server of the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from aiohttp import web

from devhost.durable.instance import Instance, RuntimeStatus
from devhost.durable.protocol import HTTP_ACTIVITY
from devhost.durable.runners.http_activity import HttpActivity, TokenUnavailable
from devhost.errors import FunctionFailed
from tests.helpers.durable_hub import running_hub

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]


class Site:
    """A server that says what it got, answers oddly, or not at all until `released`."""

    def __init__(self) -> None:
        self.url = ""
        self.polls: list[str] = []
        self.asked, self.released = asyncio.Event(), asyncio.Event()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/echo", self.echo)
        app.router.add_get("/status/{status}", self.odd)
        app.router.add_get("/accepted", self.accepted)
        app.router.add_get("/moved", self.moved)
        app.router.add_get("/wordy", self.wordy)
        app.router.add_get("/silent", self.silent)
        return app

    async def echo(self, request: web.Request) -> web.Response:
        """What arrived, as JSON text."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        return web.json_response({"method": request.method, "headers": headers, "body": await request.text()})

    async def odd(self, request: web.Request) -> web.Response:
        """The status in the path, two headers of one name, headers of the content, text that is no UTF-8."""
        response = web.Response(
            status=int(request.match_info["status"]),
            body="größer".encode("latin-1"),
            headers={"Content-Type": "text/plain; charset=iso-8859-1", "Expires": "0", "Allow": "GET", "X-One": "1"},
        )
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("set-cookie", "b=2")
        return response

    async def accepted(self, request: web.Request) -> web.Response:
        self.polls.append(request.path)
        return web.Response(status=202, headers={"Location": "/accepted", "Retry-After": "0"})

    async def moved(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/echo")

    async def wordy(self, request: web.Request) -> web.Response:
        return web.Response(headers={"X-Policy": "p" * 40_000})

    async def silent(self, request: web.Request) -> web.Response:
        self.asked.set()
        await self.released.wait()
        return web.Response()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    runner = web.AppRunner(site.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    site.url = f"http://{host}:{port}"
    yield site
    site.released.set()
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[HttpActivity]:
    activity = HttpActivity(get_token=fake_token, timeout_s=5)
    yield activity
    await activity.close()


async def fake_token(scope: str) -> str:
    return f"token for {scope}"


async def answer_to(http: HttpActivity, method: str, uri: str, **more: Any) -> Any:
    request = {"method": method, "uri": uri, "content": None, "headers": None, **more}
    return json.loads(await http.call(json.dumps(request)))


async def test_answer_has_status_headers_and_content_in_this_order(http: HttpActivity, site: Site) -> None:
    answer = await answer_to(http, "GET", f"{site.url}/echo")
    assert list(answer) == ["statusCode", "headers", "content"]
    assert answer["statusCode"] == 200
    assert json.loads(answer["content"])["method"] == "GET"


async def test_headers_are_those_of_the_response_and_not_of_its_content(http: HttpActivity, site: Site) -> None:
    headers = (await answer_to(http, "GET", f"{site.url}/status/200"))["headers"]
    assert sorted(headers) == ["Date", "Server", "Set-Cookie", "X-One"]


async def test_a_header_that_came_twice_is_a_list(http: HttpActivity, site: Site) -> None:
    headers = (await answer_to(http, "GET", f"{site.url}/status/200"))["headers"]
    assert (headers["Set-Cookie"], headers["X-One"]) == (["a=1", "b=2"], "1")


async def test_a_header_may_have_tens_of_thousands_of_characters(http: HttpActivity, site: Site) -> None:
    assert (await answer_to(http, "GET", f"{site.url}/wordy"))["headers"]["X-Policy"] == "p" * 40_000


async def test_content_is_read_in_the_charset_of_the_answer(http: HttpActivity, site: Site) -> None:
    assert (await answer_to(http, "GET", f"{site.url}/status/200"))["content"] == "größer"


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_any_status_is_a_result(http: HttpActivity, site: Site, status: int) -> None:
    assert (await answer_to(http, "GET", f"{site.url}/status/{status}"))["statusCode"] == status


async def test_202_is_delivered_and_its_location_is_not_polled(http: HttpActivity, site: Site) -> None:
    answer = await answer_to(http, "GET", f"{site.url}/accepted")
    assert (answer["statusCode"], answer["headers"]["Location"]) == (202, "/accepted")
    assert site.polls == ["/accepted"]


async def test_a_redirect_is_followed(http: HttpActivity, site: Site) -> None:
    assert (await answer_to(http, "GET", f"{site.url}/moved"))["statusCode"] == 200


async def test_content_is_sent_letter_for_letter_as_plain_text(http: HttpActivity, site: Site) -> None:
    answer = await answer_to(http, "POST", f"{site.url}/echo", content='{"a":  "ü"}')
    seen = json.loads(answer["content"])
    assert (seen["method"], seen["body"]) == ("POST", '{"a":  "ü"}')
    assert seen["headers"]["content-type"] == "text/plain; charset=utf-8"


async def test_a_content_type_of_the_request_is_kept_in_any_case(http: HttpActivity, site: Site) -> None:
    headers = {"content-TYPE": "application/json", "X-Mine": "1"}
    answer = await answer_to(http, "POST", f"{site.url}/echo", content="{}", headers=headers)
    seen = json.loads(answer["content"])["headers"]
    assert (seen["content-type"], seen["x-mine"]) == ("application/json", "1")


async def test_a_request_without_content_has_no_content_type_and_no_agent(http: HttpActivity, site: Site) -> None:
    answer = await answer_to(http, "GET", f"{site.url}/echo", headers={"Content-Type": "application/json"})
    seen = json.loads(answer["content"])
    assert seen["body"] == ""
    assert sorted(seen["headers"]) == ["host"]


async def test_a_refused_connection_is_a_failure_that_names_the_request(http: HttpActivity) -> None:
    with pytest.raises(FunctionFailed) as failed:
        await answer_to(http, "GET", "http://127.0.0.1:1/x")
    assert failed.value.function_name == HTTP_ACTIVITY
    assert failed.value.message.startswith("GET http://127.0.0.1:1/x: Cannot connect to host 127.0.0.1:1")


async def test_an_address_that_is_none_is_a_failure(http: HttpActivity) -> None:
    with pytest.raises(FunctionFailed, match=r"GET no-address: "):
        await answer_to(http, "GET", "no-address")


async def test_a_server_that_does_not_answer_in_time_is_a_failure(site: Site) -> None:
    impatient = HttpActivity(timeout_s=0.1)
    try:
        with pytest.raises(FunctionFailed, match=r"/silent was not answered within 0.1 s"):
            await answer_to(impatient, "GET", f"{site.url}/silent")
    finally:
        await impatient.close()


@pytest.mark.row("durable/4.2/call-http-token")
@pytest.mark.parametrize(
    ("resource", "scope"),
    [
        ("https://vault.azure.net", "https://vault.azure.net/.default"),
        ("https://vault.azure.net/.default", "https://vault.azure.net/.default"),
        ("https://management.core.windows.net/", "https://management.core.windows.net//.default"),
    ],
)
async def test_a_token_source_becomes_a_bearer_token_of_its_resource(
    http: HttpActivity, site: Site, resource: str, scope: str
) -> None:
    source = {"kind": "AzureManagedIdentity", "resource": resource}
    answer = await answer_to(http, "GET", f"{site.url}/echo", tokenSource=source)
    assert json.loads(answer["content"])["headers"]["authorization"] == f"Bearer token for {scope}"


@pytest.mark.row("durable/4.2/call-http-token")
async def test_a_token_that_cannot_be_had_is_a_failure_with_the_cure(site: Site) -> None:
    async def no_token(scope: str) -> str:
        raise TokenUnavailable(f"no token for {scope}: sign in")

    http = HttpActivity(get_token=no_token)
    source = {"kind": "AzureManagedIdentity", "resource": "r"}
    with pytest.raises(FunctionFailed, match=r"no token for r/\.default: sign in"):
        await answer_to(http, "GET", f"{site.url}/echo", tokenSource=source)
    await http.close()


async def run(path: Path, orchestrator: Any, **options: Any) -> tuple[Instance, list[dict[str, Any]]]:
    async with running_hub(path / "hub.sqlite", {"asks": orchestrator}, **options) as hub:
        await hub.create_instance("asks", instance_id="a", input_text=None)
        ended = await hub.wait_until_finished("a", 20)
        assert ended is not None
        return ended, await hub.history("a")


async def test_an_orchestrator_gets_the_answer_as_a_dict(tmp_path: Path, site: Site) -> None:
    def asks(context: Context) -> Steps:
        answer = yield context.call_http("POST", f"{site.url}/echo", {"n": 1})
        return [answer["statusCode"], json.loads(answer["content"])["body"]]

    ended, _ = await run(tmp_path, asks)
    assert (ended.runtime_status, ended.output_text) == (RuntimeStatus.COMPLETED, '[200,"{\\"n\\": 1}"]')


@pytest.mark.row("durable/4.2/call-http")
async def test_history_names_the_built_in_activity(tmp_path: Path, site: Site) -> None:
    def asks(context: Context) -> Steps:
        yield context.call_http("GET", f"{site.url}/echo")

    _, history = await run(tmp_path, asks)
    scheduled = [event for event in history if event["EventType"] == 4]
    assert [(event["EventId"], event["Name"]) for event in scheduled] == [(0, "BuiltIn::HttpActivity")]


async def test_calls_stand_beside_activities_in_a_fan_out(tmp_path: Path, site: Site) -> None:
    def asks(context: Context) -> Steps:
        calls = [context.call_http("GET", f"{site.url}/status/{status}") for status in (200, 404, 202)]
        answers = yield context.task_all(calls)
        return [answer["statusCode"] for answer in answers]

    ended, _ = await run(tmp_path, asks)
    assert ended.output_text == "[200,404,202]"


async def test_a_failed_connection_is_raised_in_the_orchestrator(tmp_path: Path) -> None:
    def asks(context: Context) -> Steps:
        try:
            yield context.call_http("GET", "http://127.0.0.1:1/x")
        except Exception as error:
            return json.loads(str(error).split("\n")[1])["Message"]

    ended, _ = await run(tmp_path, asks)
    assert (ended.output_text or "").startswith('" ClientConnectorError: GET http://127.0.0.1:1/x: Cannot connect')


async def test_an_app_cannot_call_the_built_in_activity_by_name(tmp_path: Path) -> None:
    def asks(context: Context) -> Steps:
        yield context.call_activity(HTTP_ACTIVITY, {})

    ended, _ = await run(tmp_path, asks)
    assert "The function 'BuiltIn::HttpActivity' doesn't exist" in (ended.output_text or "")


async def test_a_request_without_a_result_is_made_again_after_a_restart(tmp_path: Path, site: Site) -> None:
    def asks(context: Context) -> Steps:
        return (yield context.call_http("GET", f"{site.url}/silent"))["statusCode"]

    async with running_hub(tmp_path / "hub.sqlite", {"asks": asks}) as hub:
        await hub.create_instance("asks", instance_id="a", input_text=None)
        await asyncio.wait_for(site.asked.wait(), 10)
    site.released.set()
    async with running_hub(tmp_path / "hub.sqlite", {"asks": asks}) as hub:
        ended = await hub.wait_until_finished("a", 20)
    assert ended is not None
    assert ended.output_text == "200"
