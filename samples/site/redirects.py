"""Redirects that lead somewhere, nowhere, or where they should not."""

from urllib.parse import urlsplit

from aiohttp import web

from samples.site.content import MOVED, PRIVATE
from samples.site.faults import Fault

COOKIE = "session"


def redirect(request: web.BaseRequest, fault: Fault, *, mirror: str) -> web.Response | None:
    """Where the page sends its reader; None for a fault that is no redirect, or no longer one.

    `mirror` is the URL of the other port.
    """
    if fault is Fault.COOKIE_WALL:
        return None if has_session(request) else _to(request.path_qs, {"Set-Cookie": f"{COOKIE}=1; Path=/"})
    target = _targets(request, mirror).get(fault)
    return None if target is None else _to(target)


def has_session(request: web.BaseRequest) -> bool:
    """True if the reader sends back a cookie of the shop."""
    return COOKIE in request.cookies


def _targets(request: web.BaseRequest, mirror: str) -> dict[Fault, str]:
    path = request.path
    return {
        Fault.REDIRECT_LOOP: _there_and_back(request),
        Fault.REDIRECT_MOVED: MOVED + path,
        Fault.REDIRECT_OTHER_PORT: mirror + MOVED + path,
        Fault.REDIRECT_PRIVATE: f"http://localhost:{urlsplit(mirror).port}{MOVED}{path}",
        Fault.REDIRECT_DISALLOWED: PRIVATE + path,
        Fault.REDIRECT_ENDLESS: _one_further(request),
    }


def _to(location: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=302, headers={"Location": location, **(headers or {})})


def _there_and_back(request: web.BaseRequest) -> str:
    url = request.rel_url
    other = url.without_query_params("again") if "again" in url.query else url.update_query(again="1")
    return str(other)


def _one_further(request: web.BaseRequest) -> str:
    step = request.query.get("step", "0")
    return str(request.rel_url.update_query(step=str(int(step) + 1 if step.isdecimal() else 1)))
