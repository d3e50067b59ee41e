import pytest

from devhost.functions.host_rules import duplicate_durable_names, duplicate_routes, function_fault, timer_fault

RETURN = {"type": "http", "name": "$return", "direction": "OUT"}


def http(name: str = "req", **more):
    return {"type": "httpTrigger", "name": name, "direction": "IN", "route": "x", **more}


@pytest.mark.row("host/1.5/function-name")
@pytest.mark.parametrize("name", ["a", "A1", "a-b_c", "a" * 128])
def test_good_function_name_passes(name):
    assert function_fault(name, [http(), RETURN]) is None


@pytest.mark.row("host/1.5/function-name")
@pytest.mark.parametrize("name", ["1a", "_a", "a b", "", "a" * 129, "é", "host", "HOST"])
def test_bad_function_name_is_refused(name):
    assert function_fault(name, [http(), RETURN]) is not None


@pytest.mark.row("host/1.5/binding-name")
@pytest.mark.parametrize("name", ["req", "a_b", "_a", "a1"])
def test_good_binding_name_passes(name):
    assert function_fault("f", [http(name), RETURN]) is None


@pytest.mark.row("host/1.5/binding-name")
@pytest.mark.parametrize("name", ["a__b", "1a", "a-b", "a" * 129])
def test_bad_binding_name_is_refused(name):
    assert "is invalid" in (function_fault("f", [http(name), RETURN]) or "")


@pytest.mark.row("host/1.5/binding-names-unique")
def test_binding_names_that_differ_in_case_only_are_refused():
    client = {"type": "durableClient", "name": "REQ", "direction": "IN"}
    assert function_fault("f", [http(), client]) == "two bindings are named 'req' (case does not count); rename one."


@pytest.mark.row("host/1.5/binding-type")
def test_unserved_binding_type_is_named():
    topic = {"type": "serviceBus", "name": "b", "direction": "OUT"}
    assert "binding type 'serviceBus' of 'b'" in (function_fault("f", [http(), topic]) or "")


@pytest.mark.row("host/1.5/reserved-route")
@pytest.mark.parametrize("route", ["admin", "/admin/x", "administrators", "Runtime/x"])
def test_reserved_route_is_refused(route):
    assert "reserves" in (function_fault("f", [http(route=route), RETURN]) or "")


def test_orchestration_name_must_not_start_with_an_at_sign():
    trigger = {"type": "orchestrationTrigger", "name": "context", "direction": "IN", "orchestration": "@x"}
    assert "must not start with '@'" in (function_fault("f", [trigger]) or "")


@pytest.mark.row("host/1.5/duplicate-route")
def test_later_function_with_the_same_route_is_refused():
    refused = duplicate_routes([("a", http(route="/Items/")), ("b", http(route="items"))])
    assert list(refused) == ["b"]


@pytest.mark.row("host/1.5/duplicate-route")
def test_same_route_with_other_methods_passes():
    assert duplicate_routes([("a", http(methods=["GET"])), ("b", http(methods=["POST"]))]) == {}


@pytest.mark.row("host/1.5/duplicate-route")
def test_same_route_with_all_methods_is_refused():
    assert list(duplicate_routes([("a", http()), ("b", http(methods=["POST"]))])) == ["b"]


def test_bad_schedule_is_named():
    fault = timer_fault({"type": "timerTrigger", "name": "t", "schedule": "every day"})
    assert "every day" in (fault or "")


def test_durable_names_that_differ_in_case_only_are_refused():
    refused = duplicate_durable_names([("a", "activityTrigger", "Load"), ("b", "activityTrigger", "load")])
    assert list(refused) == ["b"]


def test_activity_and_orchestrator_may_share_a_name():
    assert duplicate_durable_names([("a", "activityTrigger", "x"), ("b", "orchestrationTrigger", "x")]) == {}


def test_activity_name_of_the_built_in_http_call_is_refused():
    activity = {"type": "activityTrigger", "name": "a", "direction": "IN", "activity": "builtin::httpactivity"}
    assert function_fault("f", [activity]) == (
        "the activity name 'BuiltIn::HttpActivity' is reserved for context.call_http; choose another one."
    )


@pytest.mark.row("host/1.5/duplicate-route", "host/2.1/route-none")
def test_an_empty_route_is_the_functions_name_and_no_duplicate_of_the_bare_prefix():
    functions = [("a", http(route="")), ("b", http(route="")), ("c", http(route="/")), ("d", http(route="A"))]
    assert list(duplicate_routes(functions)) == ["d"]


@pytest.mark.row("host/1.5/reserved-route")
def test_an_empty_route_is_reserved_if_the_functions_name_is():
    assert "reserves" in (function_fault("administer", [http(route=""), RETURN]) or "")
