"""What the official worker refuses, and what it takes, tried with the real loader on scripts on disk."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from devhost.errors import AppLoadError
from tests.helpers.loaded_apps import load_code, load_script, one

row = pytest.mark.row
TRIGGERS = {
    "http": '@app.route("r", trigger_arg_name="x")',
    "timer": '@app.timer_trigger("x", schedule="0 0 0 1 1 *")',
    "queue": '@app.queue_trigger("x", queue_name="q", connection="Storage")',
    "activity": '@app.activity_trigger(input_name="x")',
}
CLASSES = ("dict", "list", "int", "Row", "Own")
OLD_GENERICS = ("typing.Dict[str, int]", "typing.List[str]", "typing.Any")
NEW_GENERICS = ("dict[str, int]", "list[str]", "int | None", "typing.Optional[str]")


def refusal(folder: Path, code: str) -> str:
    """The message with which the loader refuses the app."""
    with pytest.raises(AppLoadError) as caught:
        load_code(folder, code)
    return f"{caught.value} {caught.value.__cause__ or ''}"


def outcome(folder: Path, kind: str, annotation: str) -> str:
    """`loads`, or why an app whose only function has this parameter does not load."""
    code = f"""
class Row(typing.TypedDict):
    x: int
class Own: ...
{TRIGGERS[kind]}
def sample(x{annotation and ": "}{annotation}): ...
"""
    try:
        load_code(folder, code)
    except AppLoadError as error:
        reason = "(invalid non-type|does not match its Python) annotation"
        found = re.match(f"cannot load the sample function: the parameter 'x' .*{reason}", str(error))
        return f"{found[1]} annotation" if found else str(error)
    return "loads"


@pytest.mark.parametrize(
    ("kind", "annotations", "expected"),
    [
        pytest.param("http", ("", "func.HttpRequest"), "loads", marks=row("host/1.3/annotations/own-type-http")),
        pytest.param("timer", ("", "func.TimerRequest"), "loads", marks=row("host/1.3/annotations/own-type-timer")),
        pytest.param("queue", ("", "func.QueueMessage"), "loads", marks=row("host/1.3/annotations/own-type-queue")),
        pytest.param("activity", ("",), "loads", marks=row("host/1.3/annotations/own-type-activity")),
        pytest.param("http", ("str", "bytes"), "loads", marks=row("host/1.3/annotations/text-http")),
        pytest.param("timer", ("str", "bytes"), "loads", marks=row("host/1.3/annotations/text-timer")),
        pytest.param("queue", ("str", "bytes"), "loads", marks=row("host/1.3/annotations/text-queue")),
        pytest.param("activity", ("str", "bytes"), "loads", marks=row("host/1.3/annotations/text-activity")),
        pytest.param(
            "http",
            CLASSES,
            "does not match its Python annotation",
            marks=row("host/1.3/annotations/class-http", "host/1.3/wrong-type"),
        ),
        pytest.param(
            "timer", CLASSES, "does not match its Python annotation", marks=row("host/1.3/annotations/class-timer")
        ),
        pytest.param(
            "queue", CLASSES, "does not match its Python annotation", marks=row("host/1.3/annotations/class-queue")
        ),
        pytest.param("activity", CLASSES, "loads", marks=row("host/1.3/annotations/class-activity")),
        pytest.param(
            "http",
            OLD_GENERICS,
            "does not match its Python annotation",
            marks=row("host/1.3/annotations/old-generic-http"),
        ),
        pytest.param(
            "timer",
            OLD_GENERICS,
            "does not match its Python annotation",
            marks=row("host/1.3/annotations/old-generic-timer"),
        ),
        pytest.param(
            "queue",
            OLD_GENERICS,
            "does not match its Python annotation",
            marks=row("host/1.3/annotations/old-generic-queue"),
        ),
        pytest.param("activity", OLD_GENERICS, "loads", marks=row("host/1.3/annotations/old-generic-activity")),
        pytest.param(
            "http",
            NEW_GENERICS,
            "invalid non-type annotation",
            marks=row("host/1.3/annotations/new-generic-http", "host/1.3/non-type-annotation"),
        ),
        pytest.param(
            "timer", NEW_GENERICS, "invalid non-type annotation", marks=row("host/1.3/annotations/new-generic-timer")
        ),
        pytest.param(
            "queue", NEW_GENERICS, "invalid non-type annotation", marks=row("host/1.3/annotations/new-generic-queue")
        ),
        pytest.param(
            "activity",
            NEW_GENERICS,
            "invalid non-type annotation",
            marks=row("host/1.3/annotations/new-generic-activity"),
        ),
    ],
)
def test_annotation_of_a_trigger_parameter_loads_or_not(tmp_path, kind, annotations, expected):
    assert {text: outcome(tmp_path, kind, text) for text in annotations} == dict.fromkeys(annotations, expected)


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        pytest.param(
            '@app.route("r")\ndef f(req, extra=1): ...',
            ("cannot load the f function", "the parameters 'extra' belong to no binding", "Remove them"),
            marks=row("host/1.3/parameter-without-binding"),
            id="a parameter without binding is refused in spite of its default",
        ),
        pytest.param(
            '@app.route("r")\ndef f(req, *args): ...',
            ("cannot load the f function", "the parameters 'args' belong to no binding"),
            marks=row("host/1.3/parameter-without-binding"),
            id="positional arguments are refused",
        ),
        pytest.param(
            '@app.route("r")\ndef f(req, **kwargs): ...',
            ("cannot load the f function", "the parameters 'kwargs' belong to no binding"),
            marks=row("host/1.3/parameter-without-binding"),
            id="keyword arguments are refused",
        ),
        pytest.param(
            '@app.route("r")\ndef f(): ...',
            ("cannot load the f function", "the bindings 'req' have no parameter", "Add a parameter"),
            marks=row("host/1.3/binding-without-parameter"),
            id="a binding without parameter is refused",
        ),
        pytest.param(
            '@app.generic_trigger(arg_name="x", type="httpTrigger")\n'
            '@app.generic_input_binding(arg_name="$return", type="http")\ndef f(x): ...',
            ("cannot load the f function", "'$return' must have the direction out"),
            marks=row("host/1.3/return-direction"),
            id="a $return that is not an output is refused",
        ),
        pytest.param(
            '@app.route("r")\n@app.queue_output("out", queue_name="q", connection="C")\ndef f(req, out: str): ...',
            ("cannot load the f function", "the parameter 'out' belongs to an out binding", "func.Out[...]"),
            marks=row("host/1.3/out-annotation"),
            id="an output that is not annotated Out is refused",
        ),
        pytest.param(
            '@app.route("r")\ndef f(req: func.Out[str]): ...',
            ("cannot load the f function", "is annotated func.Out, but its binding is an input", "Remove func.Out"),
            marks=row("host/1.3/out-annotation"),
            id="an input that is annotated Out is refused",
        ),
        pytest.param(
            '@app.route("r")\n@app.queue_output("out", queue_name="q", connection="C")\ndef f(req, out: func.Out): ...',
            ("cannot load the f function", "func.Out without one type", "func.Out[str]"),
            marks=row("host/1.3/out-annotation"),
            id="Out without a type is refused",
        ),
        pytest.param(
            '@app.route("r")\ndef f(req: "NoSuchName"): ...',
            ("cannot load the f function", "an annotation cannot be resolved", "Import the name"),
            marks=row("host/1.3/unresolvable"),
            id="an annotation that cannot be resolved is refused",
        ),
        pytest.param(
            '@app.route("r")\ndef f(req, context: dict): ...',
            ("cannot load the f function", "receives the invocation context", "Annotate it func.Context"),
            marks=row("host/1.3/context"),
            id="a context with another annotation than Context is refused",
        ),
        pytest.param(
            '@app.route("r")\ndef f(req) -> None: ...',
            ("cannot load the f function", "the return annotation NoneType", "write func.HttpResponse or str"),
            marks=row("host/1.3/return-of-route"),
            id="a route that is annotated to return None is refused",
        ),
        pytest.param(
            '@app.route("r")\ndef f(req) -> dict: ...',
            ("cannot load the f function", "the return annotation dict", "write func.HttpResponse or str"),
            marks=row("host/1.3/return-of-route"),
            id="a route that is annotated to return a dict is refused",
        ),
        pytest.param(
            '@app.route("r")\ndef f(req) -> str | None: ...',
            ("cannot load the f function", "the return annotation str | None", "write func.HttpResponse or str"),
            marks=row("host/1.3/return-of-route"),
            id="a route that is annotated to return a union is refused",
        ),
        pytest.param(
            '@app.route("r")\ndef good(req): ...\n@app.route("s")\ndef bad(req: list[str]): ...',
            ("cannot load the bad function",),
            marks=row("host/1.3/names-function", "host/1.4/none-load"),
            id="one function that is refused stops the whole app, by name",
        ),
        pytest.param(
            '@app.function_name("same")\n@app.route("r")\ndef f(req): ...\n'
            '@app.function_name("same")\n@app.route("s")\ndef g(req): ...',
            ("same", "does not have a unique function name"),
            marks=row("host/1.2/same-name"),
            id="two functions with one name are refused",
        ),
        pytest.param(
            '@app.function_name("f")\ndef f(req): ...',
            ("f does not have a trigger",),
            marks=row("host/1.2/no-trigger"),
            id="a function without trigger is refused",
        ),
        pytest.param(
            '@app.route("r")\n@app.timer_trigger("t", schedule="0 0 0 1 1 *")\ndef f(req, t): ...',
            ("A trigger was already registered to this function",),
            marks=row("host/1.2/second-trigger"),
            id="a second trigger is refused while the module is imported",
        ),
        pytest.param(
            '@app.route("r", methods=["FETCH"])\ndef f(req): ...',
            ("KeyError", "FETCH"),
            marks=row("host/1.2/methods"),
            id="an unknown method is refused",
        ),
        pytest.param(
            'other = func.FunctionApp(http_auth_level="anonymous")',
            ("KeyError", "anonymous"),
            marks=row("host/1.2/auth-text"),
            id="a level of the app in small letters is refused",
        ),
        pytest.param(
            "app.register_functions(func.FunctionApp())",
            ("TypeError", "functions can not be type of FunctionRegister"),
            marks=row("host/1.2/blueprints"),
            id="an app in the place of a blueprint is refused",
        ),
        pytest.param(
            "second = func.FunctionApp()",
            ("has 2 app objects: app, second", "Keep one"),
            marks=row("host/1.2/app-object-two"),
            id="two app objects are refused",
        ),
    ],
)
def test_app_is_refused_in_words_that_name_function_and_cure(tmp_path, code, parts):
    message = refusal(tmp_path, code)
    assert [part for part in parts if part not in message] == [], message


@row("host/1.2/app-object-none")
@pytest.mark.parametrize("text", ["", "import azure.functions as func\nbp = func.Blueprint()\n"])
def test_script_without_app_object_is_refused_with_the_cure(tmp_path, text):
    with pytest.raises(AppLoadError, match=r"has no app object\. Add a top-level `app = func.FunctionApp\(\)`"):
        load_script(tmp_path, text)


@row("host/1.2/script-file-name")
@pytest.mark.parametrize("name", ["../other.py", "-x.py", "my app.py", "app.txt", "a.b.py", "app.PY"])
def test_script_name_that_is_no_plain_name_is_refused(tmp_path, name):
    with pytest.raises(AppLoadError, match="PYTHON_SCRIPT_FILE_NAME is"):
        load_script(tmp_path, "", environ={"PYTHON_SCRIPT_FILE_NAME": name})


@row("host/1.2/same-name")
def test_names_that_differ_in_case_pass(tmp_path):
    app = load_code(tmp_path, '@app.route("r")\ndef x(req): ...\n@app.route("s")\ndef X(req): ...')
    assert [function.name for function in app.functions] == ["x", "X"]


@row("host/1.2/function-name")
def test_function_is_named_by_its_decorator_else_after_the_python_function(tmp_path):
    code = '@app.function_name("Given")\n@app.route("r")\ndef f(req): ...\n@app.route("s")\ndef own(req): ...'
    assert [function.name for function in load_code(tmp_path, code).functions] == ["Given", "own"]


@row("host/1.2/route-default")
def test_route_that_is_not_given_is_the_name_of_the_function(tmp_path):
    assert one(load_code(tmp_path, "@app.route()\ndef f(req): ...")).trigger["route"] == "f"


@row("host/1.2/auth-default")
def test_function_without_level_gets_that_of_the_app(tmp_path):
    route = "@app.route()\ndef f(req): ..."
    own = 'import azure.functions as func\napp = func.FunctionApp(http_auth_level="ADMIN")\n'
    levels = [one(load_code(tmp_path, route)), one(load_script(tmp_path, own + route))]
    assert [function.trigger["authLevel"] for function in levels] == ["FUNCTION", "ADMIN"]


@row("host/1.2/auth-text", "host/1.2/methods")
def test_level_and_methods_of_a_route_may_have_any_case(tmp_path):
    code = '@app.route("r", methods=["get", "Post"], auth_level="anonymous")\ndef f(req): ...'
    trigger = one(load_code(tmp_path, code)).trigger
    assert (trigger["authLevel"], trigger["methods"]) == ("ANONYMOUS", ["GET", "POST"])


@row("host/1.2/app-without-http")
def test_app_without_http_functions_loads_with_a_warning_of_the_library(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        app = load_code(tmp_path, '@app.timer_trigger("t", schedule="0 0 0 1 1 *")\ndef f(t): ...')
    assert ([function.name for function in app.functions], "Auth level is not applied" in caplog.text) == (["f"], True)


@row("host/1.2/blueprints")
def test_functions_of_a_blueprint_are_the_apps(tmp_path):
    code = """
    bp = func.Blueprint()
    @bp.route("r")
    def f(req): ...
    app.register_functions(bp)
    """
    assert one(load_code(tmp_path, code)).name == "f"


@row("host/1.2/bindings-order")
def test_lowest_decorator_comes_first_and_unset_options_are_absent(tmp_path):
    code = """
    @app.timer_trigger("t", schedule="0 0 0 1 1 *", use_monitor=False)
    @app.durable_client_input(client_name="client")
    async def f(t, client): ...
    """
    assert [dict(binding) for binding in one(load_code(tmp_path, code)).bindings] == [
        {"direction": "IN", "type": "durableClient", "name": "client"},
        {
            "direction": "IN",
            "type": "timerTrigger",
            "name": "t",
            "schedule": "0 0 0 1 1 *",
            "useMonitor": False,
        },
    ]


@row("host/1.2/sys-path")
def test_installed_package_hides_a_module_of_the_app(tmp_path):
    (tmp_path / "aiohttp.py").write_text("MINE = True")
    code = """
    import aiohttp
    @app.function_name("mine" if hasattr(aiohttp, "MINE") else "installed")
    @app.route("r")
    def f(req): ...
    """
    assert one(load_code(tmp_path, code)).name == "installed"


@row("host/1.1/sorted")
def test_functions_are_in_the_order_of_their_names_ignoring_case(tmp_path):
    code = "\n".join(f"@app.route()\ndef {name}(req): ..." for name in ("b", "C", "a", "B2"))
    assert [function.name for function in load_code(tmp_path, code).functions] == ["a", "b", "B2", "C"]


@row("host/1.1/one-import")
def test_script_is_imported_once(tmp_path):
    load_code(tmp_path, "from pathlib import Path\nwith Path(__file__).with_name('log').open('a') as f: f.write('x')")
    assert (tmp_path / "log").read_text() == "x"


@row("host/1.3/context")
@pytest.mark.parametrize("annotation", ["", ": func.Context"])
def test_context_that_no_binding_claims_is_the_invocation_context(tmp_path, annotation):
    app = load_code(tmp_path, f'@app.route("r")\ndef f(req, context{annotation}): ...')
    assert one(app).signature.wants_context is True


@row("host/1.3/out-annotation")
def test_output_without_annotation_loads(tmp_path):
    code = '@app.route("r")\n@app.queue_output("out", queue_name="q", connection="C")\ndef f(req, out): ...'
    app = load_code(tmp_path, code)
    assert [*(function.name for function in app.functions), *app.refusals] == ["f"]


@row("host/1.3/return-elsewhere")
@pytest.mark.parametrize("kind", ["timer", "activity"])
def test_return_annotation_elsewhere_is_not_checked(tmp_path, kind):
    assert one(load_code(tmp_path, f"{TRIGGERS[kind]}\ndef f(x) -> dict[str, int] | None: ...")).name == "f"
