"""Rows of durable/4.12, against a small server of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.conformance.durable_app import DurableApp

row = pytest.mark.row


class Site:
    """A server that keeps every request, and its address."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                site.requests.append((self.command, self.path, headers, content))
                self.send_response(int(self.path.strip("/").partition("/")[0]))
                for name, value in (("X-One", "1"), ("X-Two", "a"), ("X-Two", "b"), ("Location", f"{site.url}/200")):
                    self.send_header(name, value)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"body")

            do_GET = do_POST = do_PUT = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


def call(durable: DurableApp, uri: str, method: str = "GET", **more: Any) -> Any:
    return durable.output("calls_http", {"method": method, "uri": uri, **more})


@row("durable/4.2/call-http", "durable/4.12/result")
def test_a_request_gives_status_headers_and_content(durable: DurableApp, site: Site) -> None:
    answer = call(durable, f"{site.url}/200/x")
    assert set(answer) == {"statusCode", "headers", "content"}
    assert (answer["statusCode"], answer["content"], site.requests[0][:2]) == (200, "body", ("GET", "/200/x"))


@row("durable/4.12/content-type-default")
@pytest.mark.parametrize(
    ("headers", "sent"), [(None, "text/plain"), ({"Content-Type": "application/xml"}, "application/xml")]
)
def test_content_without_a_type_is_sent_as_plain_text(
    durable: DurableApp, site: Site, headers: dict[str, str] | None, sent: str
) -> None:
    call(durable, f"{site.url}/200", "POST", content="text", headers=headers)
    assert site.requests[0][2]["content-type"].partition(";")[0] == sent


@row("durable/4.12/content-verbatim")
@pytest.mark.parametrize(("content", "sent"), [("a text", '"a text"'), ({"a": [1]}, '{"a": [1]}')])
def test_content_is_sent_as_the_json_that_the_sdk_has_made_of_it(
    durable: DurableApp, site: Site, content: Any, sent: str
) -> None:
    call(durable, f"{site.url}/200", "PUT", content=content)
    assert site.requests[0][3] == sent


@row("durable/4.12/not-2xx")
@pytest.mark.parametrize("code", [404, 500])
def test_an_answer_of_another_class_is_a_result(durable: DurableApp, site: Site, code: int) -> None:
    assert call(durable, f"{site.url}/{code}")["statusCode"] == code


@row("durable/4.12/connection-failure")
def test_a_connection_that_fails_fails_the_task(durable: DurableApp, site: Site) -> None:
    assert call(durable, "http://127.0.0.1:1/").startswith("error: ")


@row("durable/4.12/headers")
def test_headers_are_texts_or_lists_and_those_of_the_content_are_left_out(durable: DurableApp, site: Site) -> None:
    headers = {name.lower(): value for name, value in call(durable, f"{site.url}/200")["headers"].items()}
    assert (headers["x-one"], headers["x-two"]) == ("1", ["a", "b"])
    assert not {"content-type", "content-length"} & set(headers)


@row("durable/4.12/no-polling", "durable/4.4/activity-child-http")
def test_a_202_is_handed_over_and_not_followed(durable: DurableApp, site: Site) -> None:
    assert durable.output("http_then_activity", f"{site.url}/202") == [202, "next"]
    assert [path for _, path, _, _ in site.requests] == ["/202"]
