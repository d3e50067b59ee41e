"""What triggers decide without a hub: ticks, instance IDs, requests, problem documents."""

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import azure.functions as func
import pytest

from storage.errors import StorageUnreachable
from triggers.orchestrators.start import known_orchestrator, valid_instance_id
from triggers.runs.requests import run_request
from triggers.runs.views import run_links
from triggers.schedule.ticks import tick_of
from triggers.web.problem import Problem, answers_problems, json_response
from triggers.web.request_reading import json_object, whole_number

NOW = datetime(2026, 11, 21, 6, 0, 3, tzinfo=UTC)


def get(**params: str) -> func.HttpRequest:
    return func.HttpRequest("GET", "http://localhost/api/runs", params=params, body=b"")


def test_the_tick_is_the_scheduled_time_and_not_the_time_of_the_call() -> None:
    status = {"Last": "2026-11-20T06:00:00+00:00", "Next": "2026-11-21T06:00:00+00:00"}
    assert tick_of(status, now=datetime(2026, 11, 22, tzinfo=UTC)) == datetime(2026, 11, 21, 6, tzinfo=UTC)


def test_a_tick_in_local_time_is_turned_into_utc() -> None:
    assert tick_of({"Next": "2026-11-21T01:00:00+02:00"}, now=NOW) == datetime(2026, 11, 20, 23, tzinfo=UTC)


def test_a_timer_that_is_run_by_hand_is_of_today_and_leaves_the_coming_tick_alone() -> None:
    assert tick_of({"Next": "2026-11-22T06:00:00+00:00"}, now=NOW) == NOW


def test_a_tick_that_fires_a_little_early_keeps_its_own_date() -> None:
    early = datetime(2026, 11, 20, 23, 59, 59, 900_000, tzinfo=UTC)
    assert tick_of({"Next": "2026-11-21T00:00:00+00:00"}, now=early) == datetime(2026, 11, 21, tzinfo=UTC)


def test_a_tick_with_seven_fraction_digits_is_read() -> None:
    found = tick_of({"Next": "2026-11-21T06:00:00.0012345+00:00"}, now=NOW)
    assert found.date().isoformat() == "2026-11-21"


@pytest.mark.parametrize("status", [None, {}, {"Next": ""}])
def test_without_a_schedule_status_the_tick_is_now(status: dict[str, Any] | None) -> None:
    assert tick_of(status, now=NOW) == NOW


@pytest.mark.parametrize("text", ["daily-2026-11-21", "a.b_c~d:e", "7", "0f3c5f0b9d3f4a0e8f3a1b2c3d4e5f60"])
def test_usual_texts_are_instance_ids(text: str) -> None:
    assert valid_instance_id("daily_scrape", text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "-a",
        "@a",
        " ",
        "to day",
        "a/b",
        "a\\b",
        "a#b",
        "a?b",
        "a+b",
        "a%2Fb",
        "a&b",
        "a\tb",
        "a\n",
        "Grüße",
    ],
)
def test_a_text_that_a_url_would_change_is_no_instance_id(text: str) -> None:
    with pytest.raises(Problem, match="it must begin with a letter or digit") as refused:
        valid_instance_id("daily_scrape", text)
    assert refused.value.status == 400


def test_an_id_that_is_too_long_is_refused_with_both_lengths() -> None:
    with pytest.raises(Problem, match="it has 101 characters; at most 100 are allowed"):
        valid_instance_id("daily_scrape", "a" * 101)


def test_an_orchestrator_is_found_whatever_the_case_of_its_letters() -> None:
    assert known_orchestrator("DAILY_scrape") == "daily_scrape"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"source": ["books"]}, "Unknown field 'source' in the body; known: sources."),
        ({"sources": []}, "'sources' must be a list of source names"),
        ({"sources": "books"}, "'sources' must be a list of source names"),
        ({"sources": [1]}, "'sources' must be a list of source names"),
        ({"sources": ["books", "x"]}, "'sources': there is no source 'x'. Known: books, news."),
    ],
)
def test_a_request_that_cannot_be_served_is_refused_by_field(payload: dict[str, Any], reason: str) -> None:
    with pytest.raises(Problem, match="sources") as refused:
        run_request(payload, known=["books", "news"])
    assert reason in refused.value.detail


@pytest.mark.parametrize("payload", [{"x" * 9_000: 1}, {"sources": ["x" * 9_000]}])
def test_a_name_of_any_length_leaves_room_for_the_cure(payload: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        run_request(payload, known=["books"])
    told = json.loads(refused.value.response().get_body())["detail"]
    assert told.endswith(("; known: sources.", " Known: books."))


def test_a_request_without_sources_means_all_of_them() -> None:
    assert run_request({"sources": None}, known=["books"]) == {}


@pytest.mark.parametrize("text", ["0", "201", "-1", "1.5", "ten", "", "१", "9" * 90])
def test_a_limit_out_of_its_bounds_is_refused_by_name(text: str) -> None:
    with pytest.raises(Problem) as refused:
        whole_number(get(limit=text), "limit", default=20, low=1, high=200)
    assert refused.value.detail == f"'limit' must be a whole number from 1 to 200, not '{text}'."


def test_a_limit_that_is_not_given_is_the_default() -> None:
    assert whole_number(get(), "limit", default=20, low=1, high=200) == 20


def test_a_body_that_was_lost_since_it_came_in_chunks_is_not_taken_for_no_body() -> None:
    sent = func.HttpRequest("POST", "http://localhost/api/runs", headers={"Transfer-Encoding": "Chunked"}, body=b"")
    with pytest.raises(Problem, match="Content-Length") as refused:
        json_object(sent)
    assert refused.value.status == 411


def test_a_body_in_chunks_that_has_arrived_is_read() -> None:
    headers = {"Transfer-Encoding": "chunked"}
    assert json_object(func.HttpRequest("POST", "http://localhost/api/runs", headers=headers, body=b'{"a": 1}')) == {
        "a": 1
    }


@pytest.mark.parametrize("body", [b'{"paused": true, "paused": false}', b'{"data": [{"paused": 1, "paused": 1}]}'])
def test_a_name_that_is_there_twice_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(Problem, match="'paused' is there twice in one object") as refused:
        json_object(func.HttpRequest("PUT", "http://localhost/api/schedule", body=body))
    assert refused.value.status == HTTPStatus.BAD_REQUEST


async def test_a_problem_is_answered_as_problem_json() -> None:
    @answers_problems
    async def handler(req: func.HttpRequest) -> func.HttpResponse:
        raise StorageUnreachable("the account does not answer")

    answer = await handler(get())
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert json.loads(answer.get_body()) == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "the account does not answer",
    }


@pytest.mark.parametrize("headers", [{}, {"Cache-Control": "no-cache"}])
async def test_an_answer_with_data_is_no_page_for_a_browser_and_is_kept_by_nobody(headers: dict[str, str]) -> None:
    @answers_problems
    async def handler(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(b"<script>", headers=headers)

    @answers_problems
    async def failing(req: func.HttpRequest) -> func.HttpResponse:
        raise Problem(HTTPStatus.NOT_FOUND, "there is none")

    of_data = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
    for answer, wanted in [
        (await handler(get()), {**of_data, **{name.lower(): value for name, value in headers.items()}}),
        (await failing(get()), of_data),
        (json_response({}), of_data),
    ]:
        assert {name.lower(): value for name, value in answer.headers.items()} == wanted


def test_a_problem_does_not_give_back_all_that_it_was_sent() -> None:
    document = json.loads(Problem(HTTPStatus.NOT_FOUND, "There is no " + "x" * 100_000).response().get_body())
    assert document["detail"] == "There is no " + "x" * 987 + "…"


async def test_a_defect_is_not_hidden_behind_a_problem() -> None:
    @answers_problems
    async def handler(req: func.HttpRequest) -> func.HttpResponse:
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        await handler(get())


@pytest.mark.parametrize(
    "url",
    [
        "https://site.example/api/runs",
        "https://site.example/API/Runs?limit=1",
        "https://site.example/Api/runs?next=/api/elsewhere",
        "https://site.example/api/orchestrators/daily_scrape/api",
    ],
)
def test_links_are_right_however_the_caller_has_written_the_path(url: str) -> None:
    root = "https://site.example/api/runs/watch%3Abooks"
    links = run_links(func.HttpRequest("GET", url, body=b""), "watch:books")
    assert links == {"self": root, "failures": f"{root}/failures"}
