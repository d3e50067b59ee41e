import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from devhost.errors import ConfigurationError
from devhost.web.cors import CorsPolicy, cors_policy

PAGE = "http://localhost:3000"
LISTED = CorsPolicy(frozenset({PAGE, "https://b.example"}))
ANY = CorsPolicy(frozenset({"*"}))


def marked(policy: CorsPolicy, headers: dict[str, str]) -> dict[str, str]:
    answer = web.Response()
    policy.mark(make_mocked_request("GET", "/", headers=headers), answer)
    return dict(answer.headers)


def preflight(policy: CorsPolicy, headers: dict[str, str], method: str = "OPTIONS") -> web.Response | None:
    return policy.preflight(make_mocked_request(method, "/", headers=headers))


@pytest.mark.parametrize(
    ("policy", "origin", "expected"),
    [
        (LISTED, PAGE, {"Vary": "Origin", "Access-Control-Allow-Origin": PAGE}),
        (LISTED, "HTTPS://B.example", {"Vary": "Origin", "Access-Control-Allow-Origin": "HTTPS://B.example"}),
        (LISTED, "http://evil.example", {"Vary": "Origin"}),
        (LISTED, "null", {"Vary": "Origin"}),
        (ANY, "http://evil.example", {"Access-Control-Allow-Origin": "*"}),
        (ANY, "null", {"Access-Control-Allow-Origin": "*"}),
    ],
)
def test_answer_names_the_origin_if_it_is_allowed(policy, origin, expected):
    assert marked(policy, {"Origin": origin}) == expected


def test_request_without_origin_is_marked_for_caches_only():
    assert (marked(LISTED, {}), marked(ANY, {})) == ({"Vary": "Origin"}, {})


def test_credentials_are_allowed_to_listed_origins():
    policy = CorsPolicy(LISTED.origins, with_credentials=True)
    assert marked(policy, {"Origin": PAGE})["Access-Control-Allow-Credentials"] == "true"


def test_credentials_are_not_allowed_to_other_origins():
    policy = CorsPolicy(LISTED.origins, with_credentials=True)
    assert marked(policy, {"Origin": "http://evil.example"}) == {"Vary": "Origin"}


def test_vary_of_the_function_is_kept():
    answer = web.Response(headers={"Vary": "Accept"})
    LISTED.mark(make_mocked_request("GET", "/"), answer)
    assert answer.headers.getall("Vary") == ["Accept", "Origin"]


def test_preflight_allows_the_method_and_the_headers_that_it_asks_for():
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "x-a, content-type",
    }
    answer = preflight(LISTED, asked)
    assert answer is not None
    assert (answer.status, dict(answer.headers)) == (
        204,
        {
            "Access-Control-Allow-Methods": "PATCH",
            "Access-Control-Allow-Headers": "x-a, content-type",
            "Access-Control-Allow-Origin": PAGE,
            "Vary": "Origin",
        },
    )


def test_preflight_of_another_origin_gets_204_and_no_permission():
    answer = preflight(LISTED, {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"})
    assert answer is not None
    assert (answer.status, dict(answer.headers)) == (204, {"Vary": "Origin"})


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("OPTIONS", {"Origin": PAGE}),
        ("OPTIONS", {"Access-Control-Request-Method": "GET"}),
        ("GET", {"Origin": PAGE, "Access-Control-Request-Method": "GET"}),
    ],
    ids=["no method asked", "no origin", "no OPTIONS"],
)
def test_other_requests_are_no_preflight(method, headers):
    assert preflight(LISTED, headers, method) is None


def test_no_origins_mean_no_policy():
    assert cors_policy((" ", ""), with_credentials=True) is None


def test_origins_compare_ignoring_case_and_a_final_slash():
    assert cors_policy((" http://A.example/",), with_credentials=False) == CorsPolicy(frozenset({"http://a.example"}))


def test_any_origin_with_credentials_is_refused_with_the_cure():
    with pytest.raises(ConfigurationError, match=r"replace '\*' of --cors or Host\.CORS"):
        cors_policy(("*",), with_credentials=True)
