"""What the other tests rely on: a page in which anything goes wrong fails its test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from playwright.sync_api import Browser

from samples.serving import serving
from tests.helpers.axe import Tally, violations
from tests.helpers.threads import in_thread
from tests.helpers.watched_page import watched_page

PAGES = {
    "/good": "<p>good</p>",
    "/inline": "<script>window.ran = true</script>",
    "/error": "<script src='/error.js'></script>",
    "/elsewhere": "<img src='http://elsewhere.example/x.png' alt=''>",
    "/refused": "<script src='/nowhere.js'></script>",
}
POLICY = "default-src 'none'; script-src 'self'; img-src * data:"
HEAD = "<!DOCTYPE html><html lang='en'><title>page</title><link rel='icon' href='data:,'><main><h1>page</h1>"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/error.js":
            return web.Response(text="throw new Error('broken')", content_type="text/javascript")
        body = PAGES.get(request.path)
        if body is None:
            return web.Response(status=404)
        headers = {"Content-Security-Policy": POLICY}
        return web.Response(text=f"{HEAD}{body}</main>", content_type="text/html", headers=headers)

    @asynccontextmanager
    async def running() -> AsyncIterator[str]:
        async with serving(answer) as url:
            yield url

    with in_thread("bad-site", running()) as url:
        yield url


def test_a_good_page_passes(browser: Browser, site: str) -> None:
    with watched_page(browser, site) as watched:
        watched.page.goto("/good")
    assert watched.problems == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/inline", "policy violated: script-src-elem by inline"),
        ("/error", "uncaught error: broken"),
        ("/elsewhere", "asked another origin: http://elsewhere.example/x.png"),
        ("/refused", "404 for http"),
    ],
)
def test_whatever_goes_wrong_in_a_page_is_told(browser: Browser, site: str, path: str, told: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(told)), watched_page(browser, site) as watched:
        watched.page.goto(path)


def test_a_refusal_that_a_test_provokes_is_no_fault(browser: Browser, site: str) -> None:
    with watched_page(browser, site) as watched:
        watched.expected.add(404)
        watched.page.goto("/refused")
    assert watched.problems == []


def test_axe_finds_what_cannot_be_read(browser: Browser, site: str) -> None:
    with watched_page(browser, site) as watched:
        watched.page.goto("/good")
        assert violations(watched.page, Tally()) == []
        watched.page.evaluate("document.documentElement.removeAttribute('lang')")
        (found,) = violations(watched.page, Tally())
        assert found.startswith("serious: html-has-lang")
