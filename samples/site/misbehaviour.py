"""Which fault is answered how: statuses and delays here, the rest by the room that knows about it."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from samples.site import pages
from samples.site.bodies import BODY_FAULTS, cut_body, stalled_body
from samples.site.connections import reset
from samples.site.content import HTML, Content
from samples.site.faults import Fault
from samples.site.redirects import has_session, redirect

SLOW_S = 0.3

_PLAIN_STATUS = {Fault.HTTP_404: 404, Fault.HTTP_410: 410, Fault.HTTP_500: 500}


class Misbehaviour:
    """Makes one fault happen."""

    def __init__(self, *, hang_s: float) -> None:
        """A page that hangs is answered after `hang_s`."""
        self.mirror: str | None = None
        """The URL of the site's other port, if it has one."""
        self._hang_s = hang_s

    async def answer(
        self, request: web.BaseRequest, content: Content, fault: Fault, hit: int
    ) -> web.StreamResponse | None:
        """The faulty answer to hit number `hit` (from 1) of this URL, or None to serve the page as it is."""
        if fault in _PLAIN_STATUS:
            return broken(_PLAIN_STATUS[fault])
        if fault in BODY_FAULTS:
            return await BODY_FAULTS[fault](request, content)
        if fault is Fault.STALL:
            return await stalled_body(request, content, stall_s=self._hang_s)
        if fault is Fault.HANG:
            await asyncio.sleep(self._hang_s)
        if fault is Fault.SLOW:
            await asyncio.sleep(SLOW_S)
        if fault is Fault.LOGIN_WALL and not has_session(request):
            return web.Response(body=pages.login_page().encode(), headers={"Content-Type": HTML})
        elsewhere = redirect(request, fault, mirror=self.mirror or f"http://{request.host}")
        return elsewhere or await _first_hits(request, content, fault, hit)


async def _first_hits(request: web.BaseRequest, content: Content, fault: Fault, hit: int) -> web.StreamResponse | None:
    if fault is Fault.RETRY_AFTER_SECONDS and hit == 1:
        return broken(429, {"Retry-After": "1"})
    if fault is Fault.RETRY_AFTER_DATE and hit == 1:
        # The form has whole seconds only: two from now is at least one.
        moment = datetime.now(UTC) + timedelta(seconds=2)
        return broken(429, {"Retry-After": format_datetime(moment, usegmt=True)})
    if fault is Fault.UNAVAILABLE_TWICE and hit <= 2:
        return broken(503)
    if fault is Fault.RESET_ONCE and hit == 1:
        return reset(request)
    if fault is Fault.CUT_BODY_ONCE and hit == 1:
        return await cut_body(request, content)
    return None


def broken(status: int, headers: dict[str, str] | None = None) -> web.Response:
    """An error status that somebody meant."""
    return web.Response(status=status, text=f"{status}: this page is broken on purpose\n", headers=headers)
