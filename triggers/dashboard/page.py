"""`GET dashboard`, and the files that the page is made of. Both are for everybody: the data calls carry the key."""

from collections.abc import Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import azure.durable_functions as df
import azure.functions as func

from triggers.dashboard.files import INDEX, PageFile, page_files
from triggers.web.problem import Handler, Problem, answers_problems

POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
"""Nothing from elsewhere, nothing inline; and where the browser knows trusted types, no text becomes markup."""
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "; ".join(POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Asked for anew each time, and nearly always answered 304: so files of two deployments are never mixed.
    "Cache-Control": "no-cache",
}


def under_policy(handler: Handler) -> Handler:
    """Give every answer of the handler the headers above, also one that is no file."""

    @wraps(handler)
    async def guarded(*args: Any, **kwargs: Any) -> func.HttpResponse:
        answer = await handler(*args, **kwargs)
        for name, value in HEADERS.items():
            answer.headers[name] = value
        return answer

    return guarded


@under_policy
async def dashboard(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The page. A slash behind its address would lead its relative links astray: then 308 to the one without."""
    if urlsplit(req.url).path.endswith("/"):
        return func.HttpResponse(status_code=HTTPStatus.PERMANENT_REDIRECT.value, headers={"Location": "../dashboard"})
    return _answer(req, page_files()[INDEX])


@under_policy
@answers_problems
async def dashboard_file(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """A style sheet or a module of the page; 404 for any other path."""
    name = f"{req.route_params['folder']}/{req.route_params['file']}"
    found = page_files().get(name)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"The dashboard has no file '{name[:100]}'.")
    return _answer(req, found)


def _answer(req: func.HttpRequest, file: PageFile) -> func.HttpResponse:
    headers = {"ETag": file.etag}
    known = [one.strip().removeprefix("W/") for one in req.headers.get("if-none-match", "").split(",")]
    if file.etag in known:
        return func.HttpResponse(status_code=HTTPStatus.NOT_MODIFIED.value, headers=headers)
    return func.HttpResponse(file.body, headers={**headers, "Content-Type": file.content_type})
