"""HTTP functions and timers that each show one rule; some of them are refused on purpose."""

import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

import azure.functions as func

NOTES = Path(os.environ["CONFORMANCE_NOTES"])
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
busy = threading.Semaphore(0)
lock = threading.Lock()
seen: dict[str, int] = {"now": 0, "most": 0}


def note(name: str, line: str) -> None:
    """Append a line to the notes of this name."""
    with (NOTES / name).open("a") as lines:
        lines.write(f"{line}\n")


def as_json(value: Any, **more: Any) -> func.HttpResponse:
    """A JSON response."""
    return func.HttpResponse(json.dumps(value), mimetype="application/json", **more)


note("imports", str(os.getpid()))
print("the app is being imported", flush=True)


# Requests


@app.route("inspect/{*rest}")
def inspect(req: func.HttpRequest) -> func.HttpResponse:
    """All that a request holds."""
    body = req.get_body()
    return as_json(
        {
            "method": req.method,
            "url": req.url,
            "x": req.headers.get("x-given"),
            "params": dict(req.params),
            "route": dict(req.route_params),
            "body": body.decode("latin-1"),
            "kind": type(body).__name__,
        }
    )


@app.route("json")
def reads_json(req: func.HttpRequest) -> func.HttpResponse:
    """The body as JSON, or the name of the error."""
    try:
        return as_json(req.get_json())
    except ValueError as error:
        return as_json(type(error).__name__)


@app.route("form")
def reads_form(req: func.HttpRequest) -> func.HttpResponse:
    """Fields and files of a form."""
    files = {name: file.read().decode() for name, file in req.files.items()}
    return as_json({"form": dict(req.form), "files": files})


@app.route("read_only/{id}")
def read_only(req: func.HttpRequest) -> func.HttpResponse:
    """What writing into the two mappings raises."""
    raised = []
    for mapping in (req.params, req.route_params):
        try:
            mapping["a"] = "b"
        except TypeError as error:
            raised.append(type(error).__name__)
    return as_json(raised)


# Routes


def named(name: str, route: str | None, **more: Any) -> None:
    """A function that answers its name and its route values."""

    def answer(req: func.HttpRequest) -> func.HttpResponse:
        return as_json([name, dict(req.route_params)])

    app.function_name(name)(app.route(route, **more)(answer))


named("no_route", None)
named("empty_route", "")
named("slash_route", "/")
named("Literal", "Some/Literal")
named("one_segment", "one/{x}")
named("optional", "optional/{x?}")
named("with_default", "default/{x=v}")
named("mixed", "mixed/{a}-{b}")
named("only_get", "methods/get", methods=["get"])
named("only_post", "methods/{any}", methods=["POST"])
named("all_methods", "methods_all")
named("lists_head", "head", methods=["GET", "HEAD", "OPTIONS"])
named("aaa_any", "order/{any}")
named("zzz_exact", "order/exact")
named("m_exact", "later/exact")
named("n_any", "later/{*any}")

CONSTRAINTS = [
    "int", "long", "bool", "guid", "decimal", "double", "float", "datetime", "minlength(2)", "maxlength(2)",
    "length(2)", "length(1,3)", "min(3)", "max(3)", "range(1,3)", "alpha", "regex(^a)", "required", "file", "nonfile",
    "int:min(3):max(5)",
]  # fmt: skip
for number, constraint in enumerate(CONSTRAINTS):
    named(f"constraint_{number}", f"constraint/{number}/{{x:{constraint}}}")


@app.function_name("renamed")
@app.route("by_function_name")
def python_name(req: func.HttpRequest) -> str:
    """Called by another name than that of its Python function."""
    return "renamed"


@app.route("upper", methods=["pOsT"], auth_level="function")
def any_case(req: func.HttpRequest) -> str:
    """Method and level in odd case."""
    return "any case"


# Responses


@app.route("response/{kind}")
def responds(req: func.HttpRequest) -> func.HttpResponse:
    """Responses that each show one rule."""
    kind = req.route_params["kind"]
    if kind == "given":
        return func.HttpResponse(b"\xff", status_code=299, headers={"X-A": "1"}, mimetype="image/x")
    if kind == "default":
        return func.HttpResponse("é")
    if kind == "json":
        return func.HttpResponse("{}", mimetype="application/json")
    if kind == "content_type":
        return func.HttpResponse("a", headers={"Content-Type": "text/css"}, mimetype="text/html")
    response = func.HttpResponse("a")
    for value in ("1", "2"):
        response.headers.add("X-A", value)
        response.headers.add("Set-Cookie", f'c{value}="v w"')
    return response


@app.route("returns/{kind}")
def returns(req: func.HttpRequest):
    """Values that are no HttpResponse."""
    return {
        "text": "hello",
        "object": '{"body": "tea", "statusCode": 418, "headers": {"X-A": "1"}}',
        "array": "[1]",
        "true": "true",
        "string": '"abc"',
        "null": "null",
        "none": None,
        "bytes": b"x",
        "dict": {"a": 1},
        "int": 7,
    }[req.route_params["kind"]]


@app.route("boom")
def boom(req: func.HttpRequest) -> func.HttpResponse:
    """Raises."""
    raise ValueError("msg of boom")


# Runs


@app.route("context")
def shows_context(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """What the context holds."""
    return as_json(
        {
            "name": context.function_name,
            "directory": str(context.function_directory),
            "invocation_id": context.invocation_id,
            "trace": type(context.trace_context).__name__,
            "retry": None if context.retry_context is None else type(context.retry_context).__name__,
            "local": hasattr(context.thread_local_storage, "__dict__"),
        }
    )


@app.route("thread_log")
def logs_in_threads(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Log from two threads of its own: one that is tied to this run, whose records host.json hides, and one loose."""

    def tied() -> None:
        context.thread_local_storage.invocation_id = context.invocation_id
        logging.getLogger(__name__).info("from a tied thread")

    def loose() -> None:
        logging.getLogger(__name__).info("from a loose thread")

    for work in (tied, loose):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    return func.HttpResponse("logged")


@app.route("root_level")
def root_level(req: func.HttpRequest) -> str:
    """The level of the root logger."""
    return f"level {logging.getLogger().level}"


@app.route("crowd")
def crowd(req: func.HttpRequest) -> func.HttpResponse:
    """The greatest number of these that ran at once."""
    with lock:
        seen["now"] += 1
        seen["most"] = max(seen["most"], seen["now"])
    time.sleep(0.2)
    with lock:
        seen["now"] -= 1
    return as_json([seen["most"], threading.current_thread().name])


@app.route("loop")
async def loop(req: func.HttpRequest) -> func.HttpResponse:
    """The loop and the thread that async functions run on."""
    import asyncio

    return as_json([id(asyncio.get_running_loop()), threading.get_ident()])


attempts: dict[str, int] = {}


@app.route("retried_http")
@app.retry(strategy="fixed_delay", max_retry_count="1", delay_interval="00:00:01")
def retried_http(req: func.HttpRequest) -> func.HttpResponse:
    """Fails, and has a policy that does not count for HTTP."""
    note("retried_http", "attempt")
    raise ValueError


# Timers


@app.timer_trigger("timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def at_start(timer: func.TimerRequest) -> None:
    """Notes what it sees at the start."""
    note("at_start", json.dumps([timer.past_due, timer.schedule, sorted(timer.schedule_status)]))


@app.timer_trigger("timer", schedule="%YEARLY%", run_on_startup=True)
def as_text(timer: str) -> None:
    """Notes the text that a timer is given."""
    note("as_text", timer)


@app.timer_trigger("timer", schedule="* * * * * *")
def every_second(timer: func.TimerRequest) -> None:
    """Ticks too often for a monitor."""
    note("every_second", json.dumps(timer.schedule_status))


@app.timer_trigger("timer", schedule="0 0 0 1 1 *")
def returns_a_value(timer: func.TimerRequest) -> int:
    """Returns what nobody takes."""
    return 1


@app.timer_trigger("timer", schedule="0 0 0 1 1 *", run_on_startup=True)
@app.retry(strategy="fixed_delay", max_retry_count="1", delay_interval="00:00:01")
def retried_timer(timer: func.TimerRequest) -> None:
    """Fails at the start, and is tried again by its policy."""
    note("retried_timer", "attempt")
    raise ValueError("again")


# Refused one by one


@app.timer_trigger("timer", schedule="every day")
def bad_schedule(timer: func.TimerRequest) -> None:
    """A schedule that cannot be read."""


@app.timer_trigger("timer", schedule="%NOWHERE%")
def no_setting(timer: func.TimerRequest) -> None:
    """A setting that is missing."""


named("dup_a", "duplicate/x")
named("dup_b", "/Duplicate/X/".strip("/"))
named("on_admin", "administrators/x")
named("host", "named_host")
named("double_slash", "/leading")
