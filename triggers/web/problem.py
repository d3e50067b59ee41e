"""HTTP answers: JSON, and RFC 9457 problem details for everything that went wrong."""

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

import azure.functions as func

from scraper.errors import ScraperError
from scraper.run_log import log_context, run_logger
from storage.errors import StorageUnreachable
from triggers.web.known_query import unknown_parameter
from triggers.web.unsure import unsure

Handler = Callable[..., Awaitable[func.HttpResponse]]

DETAIL_CHARACTERS = 1000
"""At most so many in an answer; a detail quotes what the caller has sent, which may be megabytes."""

OF_DATA: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""Headers of every answer with data: rows hold what sites have sent, and links to an orchestration hold a key."""

logger = run_logger(__name__)


class Problem(Exception):
    """An answer other than success; `members` are further members of the problem document."""

    def __init__(self, status: HTTPStatus, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.members = members

    def response(self) -> func.HttpResponse:
        """The problem as `application/problem+json`."""
        document = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": _shortened(self.detail),
            **self.members,
        }
        body = json.dumps(document) + "\n"
        return as_data(func.HttpResponse(body, status_code=self.status.value, mimetype="application/problem+json"))


def _shortened(text: str, most: int = DETAIL_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def answers_problems(handler: Handler) -> Handler:
    """Turn the errors that a handler may raise into problem documents; anything unknown stays a 500 of the host.

    Whatever it answers is data, see `as_data`.
    """

    @wraps(handler)
    async def guarded(*args: Any, **kwargs: Any) -> func.HttpResponse:
        with log_context(run_id=_run_id(*args, **kwargs)):
            try:
                _refuse_unknown_query(handler, *args, **kwargs)
                return as_data(await handler(*args, **kwargs))
            except Problem as problem:
                return problem.response()
            except StorageUnreachable as fault:
                logger.exception("storage cannot be used")
                detail = f"{_shortened(str(fault), DETAIL_CHARACTERS // 2)}{unsure(handler.__name__)}"
                return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail).response()
            except ScraperError as fault:
                logger.exception("the app's configuration cannot be used")
                return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(fault)).response()

    return guarded


def _refuse_unknown_query(handler: Handler, req: func.HttpRequest, *_: Any, **__: Any) -> None:
    reason = unknown_parameter(handler.__name__, req)
    if reason:
        raise Problem(HTTPStatus.BAD_REQUEST, reason)


def _run_id(req: Any = None, *_: Any, **__: Any) -> str:
    """The run that the request's route names, if any."""
    return str(getattr(req, "route_params", {}).get("runId", ""))


def json_response(body: Any, status: HTTPStatus = HTTPStatus.OK) -> func.HttpResponse:
    """`body` as JSON."""
    return as_data(func.HttpResponse(json.dumps(body) + "\n", status_code=status.value, mimetype="application/json"))


def as_data(answer: func.HttpResponse) -> func.HttpResponse:
    """The answer as one that no browser takes for a page, whatever a site has put into it, and that nobody keeps.

    An answer that says otherwise, as the files of the dashboard do, stays as it is.
    """
    for name, value in OF_DATA.items():
        answer.headers.setdefault(name, value)
    return answer
