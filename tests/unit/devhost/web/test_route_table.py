import pytest

from devhost.web.routing import RouteTable, build_routes
from tests.helpers.made_up_functions import http_function


def found_name(table: RouteTable, method: str, path: str) -> str | None:
    found = table.find(method, path)
    return None if found is None else found[0].function.name


def test_first_function_in_name_order_wins_over_a_literal():
    table = build_routes([http_function("aaa_any", "{*path}"), http_function("zzz_exact", "items")], prefix="api")
    assert found_name(table, "GET", "/api/items") == "aaa_any"


def test_wrong_method_tries_the_next_route():
    routes = [http_function("a", "{x}", methods=["GET"]), http_function("b", "items", methods=["POST"])]
    assert found_name(build_routes(routes, prefix="api"), "POST", "/api/items") == "b"


def test_wrong_method_everywhere_matches_nothing():
    table = build_routes([http_function("a", "items", methods=["GET"])], prefix="api")
    assert found_name(table, "POST", "/api/items") is None


def test_head_is_not_implied_by_get():
    table = build_routes([http_function("a", "items", methods=["GET"])], prefix="api")
    assert found_name(table, "HEAD", "/api/items") is None


def test_function_without_methods_serves_every_method():
    assert found_name(build_routes([http_function("a")], prefix="api"), "PATCH", "/api/a") == "a"


def test_empty_route_means_the_function_name():
    assert found_name(build_routes([http_function("a", "")], prefix="api"), "GET", "/api/a") == "a"


def test_slash_route_is_the_bare_prefix():
    assert found_name(build_routes([http_function("a", "/")], prefix="api"), "GET", "/api") == "a"


@pytest.mark.row("host/2.1/route-slash")
def test_slash_route_without_prefix_is_the_root():
    assert found_name(build_routes([http_function("a", "/")], prefix=""), "GET", "/") == "a"


@pytest.mark.row("host/2.1/leading-slash")
def test_leading_slash_with_a_prefix_is_refused():
    table = build_routes([http_function("a", "/x")], prefix="api")
    assert table.refusals == {
        "a": "The 'a' function is in error: the route template 'api//x' is invalid: it has an empty segment "
        "('//'); a route must not start with '/'."
    }


@pytest.mark.row("host/2.1/leading-slash")
def test_leading_slash_without_prefix_is_a_route():
    assert found_name(build_routes([http_function("a", "/{*route}")], prefix=""), "GET", "/x/y") == "a"


def test_failed_constraint_matches_nothing():
    assert found_name(build_routes([http_function("a", "i/{id:int}")], prefix="api"), "GET", "/api/i/x") is None


@pytest.mark.row("host/2.2/overlap-warning")
def test_overlapping_templates_are_named_in_a_warning():
    table = build_routes([http_function("a", "{x}"), http_function("b", "items")], prefix="api")
    assert table.warnings == (
        "The routes 'api/{x}' (a) and 'api/items' (b) fit the same path; 'a' answers it, because its name sorts first.",
    )


def test_different_methods_do_not_overlap():
    routes = [http_function("a", "{x}", methods=["GET"]), http_function("b", "items", methods=["POST"])]
    assert build_routes(routes, prefix="api").warnings == ()


def test_constraints_that_keep_values_apart_do_not_overlap():
    table = build_routes([http_function("a", "{x:int}"), http_function("b", "{y:alpha}")], prefix="api")
    assert table.warnings == ()


def test_optional_parameter_overlaps_with_the_shorter_route():
    table = build_routes([http_function("a", "items/{x?}"), http_function("b", "items")], prefix="api")
    assert len(table.warnings) == 1


def test_different_literals_do_not_overlap():
    table = build_routes([http_function("a", "items/{x}"), http_function("b", "rows/{x}")], prefix="api")
    assert table.warnings == ()
