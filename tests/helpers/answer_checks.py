"""One answer, held to docs/openapi.yaml and to what a description cannot say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import requests
import schemathesis
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks as openapi_checks

from tests.helpers.api_description import Operation

PROBLEM = "application/problem+json"
NEVER_SHOWN = ("Traceback (most recent call last)", 'File "/', "AccountKey=", "SharedKey")


@schemathesis.check
def a_problem_repeats_its_status_and_no_answer_shows_the_inside(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """What the description cannot say of the answers; schemathesis calls it for its own requests, too."""
    text = response.text or ""
    shown = [secret for secret in (*NEVER_SHOWN, _key_of(response)) if secret and secret in text]
    assert not shown, f"the answer shows {shown}"
    if (response.headers.get("content-type") or [""])[0].startswith(PROBLEM):
        told = json.loads(text)
        status = HTTPStatus(response.status_code)
        wrong = f"the problem is told as {told['status']} {told['title']}, the answer is {status} {status.phrase}"
        assert (told["status"], told["title"]) == (status, status.phrase), wrong
    if has_wrong_method(case):
        assert (response.status_code, text) == (404, ""), "a wrong method is 404, without a body"


OF_A_WRONG_METHOD = [a_problem_repeats_its_status_and_no_answer_shows_the_inside]
OF_ANY_INSTALLATION = [
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    *OF_A_WRONG_METHOD,
]
OF_A_SOUND_INSTALLATION = [schemathesis.checks.not_a_server_error, *OF_ANY_INSTALLATION]


def has_wrong_method(case: schemathesis.Case) -> bool:
    """Whether the path of the case does not have its method."""
    return case.method.upper() not in {method.upper() for method in case.operation.schema[case.operation.path]}


def response_of(
    status: int, headers: Mapping[str, str], body: bytes, *, sent: Mapping[str, str] | None = None
) -> schemathesis.Response:
    """An answer as the checks want it; `sent` are the headers of the request."""
    request = requests.Request("GET", "http://localhost", headers=dict(sent or {})).prepare()
    received = {name.lower(): [value] for name, value in headers.items()}
    return schemathesis.Response(status, received, body, request, elapsed=0, verify=False)


def faults(
    schema: schemathesis.BaseSchema,
    operation: Operation,
    response: schemathesis.Response,
    *,
    method: str = "",
    is_sound: bool = True,
) -> Sequence[Failure]:
    """What is wrong with an answer; an installation that is not sound may answer 500 and 503, as described."""
    described = schema[operation.path][operation.method]
    anywhere = dict.fromkeys(re.findall(r"{(\w+)}", operation.path), "any")
    case = described.Case(method=method or operation.method, path_parameters=anywhere)
    usual = OF_A_SOUND_INSTALLATION if is_sound else OF_ANY_INSTALLATION
    try:
        case.validate_response(response, checks=OF_A_WRONG_METHOD if has_wrong_method(case) else usual)
    except FailureGroup as group:
        return group.exceptions
    return []


def _key_of(response: schemathesis.Response) -> str:
    key = response.request.headers.get("x-functions-key", "")
    return key.decode() if isinstance(key, bytes) else key
