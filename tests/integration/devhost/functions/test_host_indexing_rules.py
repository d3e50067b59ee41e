"""What the host, unlike the worker, refuses of one function while the others load; by the real loader and router."""

from __future__ import annotations

import pytest

from devhost.web.routing import build_routes
from tests.helpers.loaded_apps import load_code, one

row = pytest.mark.row
GOOD = "@app.route()\ndef good(req): ...\n"


def refusals(folder, code: str, environ=None) -> dict[str, str]:
    """Name to reason; the function `good` beside them loads."""
    app = load_code(folder, GOOD + code, environ=environ)
    assert "good" in [function.name for function in app.functions]
    return dict(app.refusals)


def route(name: str, more: str = "") -> str:
    return f'@app.function_name("{name}")\n@app.route({more})\ndef f(req): ...'


@pytest.mark.parametrize(
    ("name", "code", "reason", "cure"),
    [
        pytest.param(
            "1st",
            route("1st"),
            "is not a valid function name",
            "rename it with @app.function_name",
            marks=row("host/1.5/function-name", "host/1.5/message"),
            id="a function name starts with a letter",
        ),
        pytest.param(
            "a.b",
            route("a.b"),
            "is not a valid function name",
            "letters, digits, _ or -",
            marks=row("host/1.5/function-name"),
            id="a function name has letters, digits, underscores and hyphens",
        ),
        pytest.param(
            "a" * 129,
            route("a" * 129),
            "is not a valid function name",
            "at most 127",
            marks=row("host/1.5/function-name"),
            id="a function name has at most 128 characters",
        ),
        pytest.param(
            "Host",
            route("Host"),
            "'host' is reserved",
            "rename the function",
            marks=row("host/1.5/function-name"),
            id="host is no function name in any case",
        ),
        pytest.param(
            "f",
            '@app.route("r", trigger_arg_name="a__b")\ndef f(a__b): ...',
            "the binding name 'a__b' is invalid",
            "Rename the parameter",
            marks=row("host/1.5/binding-name"),
            id="a binding name has single underscores only",
        ),
        pytest.param(
            "f",
            f'@app.route("r", trigger_arg_name="{"a" * 129}")\ndef f({"a" * 129}): ...',
            "is invalid",
            "at most 128 characters",
            marks=row("host/1.5/binding-name"),
            id="a binding name has at most 128 characters",
        ),
        pytest.param(
            "f",
            '@app.route("r")\n@app.durable_client_input(client_name="REQ")\nasync def f(req, REQ): ...',
            "two bindings are named 'req'",
            "rename one",
            marks=row("host/1.5/binding-names-unique"),
            id="names of bindings differ ignoring case",
        ),
        pytest.param(
            "f",
            '@app.generic_trigger(arg_name="x", type="carrierPigeonTrigger")\ndef f(x): ...',
            "does not serve the binding type 'carrierPigeonTrigger' of 'x'",
            "leave it out with --functions",
            marks=row("host/1.5/binding-type"),
            id="a binding type is known",
        ),
        pytest.param(
            "f",
            '@app.route("Admin/x")\ndef f(req): ...',
            "the route 'Admin/x' starts with 'admin' or 'runtime'",
            "choose another",
            marks=row("host/1.5/reserved-route"),
            id="a route does not start with admin",
        ),
        pytest.param(
            "f",
            '@app.route("administrators")\ndef f(req): ...',
            "starts with 'admin' or 'runtime'",
            "choose another",
            marks=row("host/1.5/reserved-route"),
            id="a route does not start with a word that starts with admin",
        ),
        pytest.param(
            "f",
            '@app.route("/runtime/")\ndef f(req): ...',
            "starts with 'admin' or 'runtime'",
            "choose another",
            marks=row("host/1.5/reserved-route"),
            id="a route does not start with runtime after trimming slashes",
        ),
        pytest.param(
            "same",
            '@app.route("GOOD/")\ndef same(req): ...',
            "the route 'GOOD/' is already used by the function 'good'",
            "Change one of the routes",
            marks=row("host/1.5/duplicate-route"),
            id="of two functions with one route the later name is refused",
        ),
        pytest.param(
            "t",
            '@app.timer_trigger("x", schedule="%WHEN%")\ndef t(x): ...',
            "'%WHEN%' does not resolve to a value",
            "add 'WHEN' to Values in local.settings.json",
            marks=row("host/1.5/unresolved-setting"),
            id="a setting in a binding exists",
        ),
        pytest.param(
            "t",
            '@app.timer_trigger("x", schedule="0 0 %WHEN * * *")\ndef t(x): ...',
            "opens a '%' that is not closed",
            "write %NAME%",
            marks=row("host/1.5/unresolved-setting"),
            id="a percent sign in a binding is closed",
        ),
        pytest.param(
            "t",
            '@app.timer_trigger("x", schedule="0 0 0 * * 7")\ndef t(x): ...',
            "The schedule '0 0 0 * * 7' is not valid",
            "7 is not between 0 and 6",
            marks=row("host/1.5/bad-schedule"),
            id="a schedule can be read",
        ),
    ],
)
def test_function_is_left_out_in_words_that_name_it_and_the_cure(tmp_path, name, code, reason, cure):
    found = refusals(tmp_path, code)
    assert list(found) == [name]
    sentence = found[name]
    assert (sentence.startswith(f"The '{name}' function is in error: "), reason in sentence, cure in sentence) == (
        True,
        True,
        True,
    ), sentence


@row("host/1.5/duplicate-route")
def test_one_route_with_different_methods_is_shared(tmp_path):
    code = """
@app.route("r", methods=["GET"])
def a(req): ...
@app.route("r", methods=["POST"])
def b(req): ...
@app.route("R", methods=["GET"])
def c(req): ...
"""
    assert list(refusals(tmp_path, code)) == ["c"]


@row("host/2.1/leading-slash")
def test_leading_slash_with_a_prefix_is_refused_and_without_one_is_a_route(tmp_path):
    functions = load_code(tmp_path, '@app.route("/{*rest}")\ndef f(req): ...').functions
    assert (list(build_routes(functions, prefix="api").refusals), build_routes(functions, prefix="").refusals) == (
        ["f"],
        {},
    )


@row("host/1.5/disabled")
@pytest.mark.parametrize(
    ("setting", "value", "is_disabled"),
    [
        ("AzureWebJobs.f.Disabled", "true", True),
        ("AzureWebJobs_f_Disabled", "1", True),
        ("azurewebjobs.F.disabled", "TRUE", True),
        ("AzureWebJobs.f.Disabled", "false", False),
        ("AzureWebJobs.f.Disabled", "0", False),
        ("AzureWebJobs.f.Disabled", "yes", False),
        ("AzureWebJobs.g.Disabled", "true", False),
    ],
)
def test_setting_disables_its_function(tmp_path, setting, value, is_disabled):
    assert one(load_code(tmp_path, "@app.route()\ndef f(req): ...", environ={setting: value})).disabled is is_disabled


@pytest.mark.parametrize(
    ("setting", "environ", "resolved"),
    [
        ("%WHEN%", {"WHEN": "0 0 6 * * *"}, "0 0 6 * * *"),
        ("%when%", {"WHEN": "0 0 6 * * *"}, "0 0 6 * * *"),
        ("0 %M% %H% * * *", {"M": "5", "H": "6"}, "0 5 6 * * *"),
        ("%Part:Hour%", {"Part__Hour": "0 0 6 * * *"}, "0 0 6 * * *"),
    ],
)
def test_setting_in_a_binding_is_resolved_alone_or_inside_text_and_in_any_case(tmp_path, setting, environ, resolved):
    code = f'@app.timer_trigger("x", schedule="{setting}")\ndef f(x): ...'
    assert one(load_code(tmp_path, code, environ=environ)).trigger["schedule"] == resolved


def test_setting_is_resolved_once(tmp_path):
    code = '@app.activity_trigger(input_name="x", activity="%NAME%")\ndef f(x): ...'
    environ = {"NAME": "%OTHER%", "OTHER": "no"}
    assert one(load_code(tmp_path, code, environ=environ)).durable_name == "%OTHER%"


def test_name_of_a_connection_is_no_setting_to_resolve(tmp_path):
    code = '@app.durable_client_input(client_name="c")\n@app.route("%7Ex")\nasync def f(req, c): ...'
    assert one(load_code(tmp_path, code)).trigger["route"] == "%7Ex"


def test_only_the_wanted_functions_load_in_any_case(tmp_path):
    code = "@app.route()\ndef a(req): ...\n@app.route()\ndef b(req): ...\n@app.route()\ndef c(req): ..."
    assert [function.name for function in load_code(tmp_path, code, only=["B", "c"]).functions] == ["b", "c"]


def test_function_that_is_not_wanted_is_not_refused_either(tmp_path):
    code = '@app.route()\ndef a(req): ...\n@app.route("admin")\ndef b(req): ...'
    assert load_code(tmp_path, code, only=["a"]).refusals == {}
