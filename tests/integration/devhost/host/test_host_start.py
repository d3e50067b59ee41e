from __future__ import annotations

import os
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.helpers.host_process import host_command, run_host_to_its_end, running_host
from tests.helpers.processes import Supervisor, wait_until
from tests.helpers.tiny_apps import write_app

GOOD = """
    app = func.FunctionApp()

    @app.route("a")
    def a(req):
        return "a"

    @app.route("b")
    def b(req):
        return "b"
"""


def refused(root: Path, **more) -> tuple[int, str]:
    return run_host_to_its_end(root, log_dir=root.parent / "logs", **more)


def test_two_json_documents_in_host_json_are_refused_with_file_and_place(tmp_path):
    root = write_app(tmp_path / "app", GOOD, host_json='{"version": "2.0"}{"version": "2.0"}')
    code, output = refused(root)
    assert (code, f"{root / 'host.json'}, line 1, column 19" in output) == (1, True)


@pytest.mark.row("host/1.2/import-error", "host/1.4/log")
def test_import_error_shows_the_traceback_and_the_cure(tmp_path):
    code, output = refused(write_app(tmp_path / "app", "import no_such_package_here"))
    assert (code, "Traceback" in output, "add it to requirements.txt" in output) == (1, True, True)


def test_exception_while_importing_shows_its_line(tmp_path):
    code, output = refused(write_app(tmp_path / "app", "raise RuntimeError('at import')"))
    assert (code, "line 2" in output, "RuntimeError: at import" in output) == (1, True, True)


@pytest.mark.row("host/1.2/script-missing")
def test_missing_script_is_named(tmp_path):
    code, output = refused(tmp_path)
    assert (code, f"{tmp_path / 'function_app.py'} does not exist" in output) == (1, True)


@pytest.mark.row("host/1.4/ends-with-1", "host/1.4/none-load")
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("bp = func.Blueprint()", "has no app object"),
        ("a = func.FunctionApp()\nb = func.FunctionApp()", "has 2 app objects: a, b"),
        ("app = func.FunctionApp()\n@app.route('a')\ndef a(req: list[str]): ...", "cannot load the a function"),
        (
            """app = func.FunctionApp()
@app.route('a')
def a(req): ...
@app.route('b')
@app.function_name('a')
def b(req): ...""",
            "does not have a unique function name",
        ),
        ("app = func.FunctionApp()\n@app.function_name('a')\ndef a(req): ...", "does not have a trigger"),
    ],
)
def test_app_that_cannot_be_indexed_ends_with_1_and_says_why(tmp_path, code, message):
    exit_code, output = refused(write_app(tmp_path / "app", code))
    assert (exit_code, message in output) == (1, True)


@pytest.mark.row("host/1.2/sys-path")
def test_app_hidden_by_another_module_is_named(tmp_path):
    root = write_app(tmp_path / "app", GOOD)
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "function_app.py").write_text("")
    code, output = refused(root, env={"PYTHONPATH": str(tmp_path / "first")})
    assert (code, "another module of this name wins" in output) == (1, True)


@pytest.mark.row("host/1.6/exit-error")
def test_busy_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, output = refused(write_app(tmp_path / "app", GOOD), arguments=["--port", str(port)])
    assert (code, f"Port {port} of 127.0.0.1 is unavailable" in output) == (1, True)


@pytest.mark.row("host/4.6/one-listener")
def test_second_host_on_one_state_folder_is_refused_and_names_the_process(tmp_path):
    root = write_app(tmp_path / "app", GOOD)
    with running_host(root) as first:
        code, output = refused(root)
        assert (code, f"in use by another host (process {first.child.pid})" in output) == (1, True)


@pytest.mark.row("host/4.6/after-kill")
def test_host_after_a_killed_one_may_use_the_state_folder(tmp_path):
    root = write_app(tmp_path / "app", GOOD)
    with running_host(root) as first:
        first.child.kill()
        with running_host(root) as second:
            assert second.get("/api/a").status == 200


def test_other_worker_runtime_is_refused(tmp_path):
    root = write_app(tmp_path / "app", GOOD, settings={"FUNCTIONS_WORKER_RUNTIME": "node"})
    code, output = refused(root)
    assert (code, "FUNCTIONS_WORKER_RUNTIME is 'node'" in output) == (1, True)


@pytest.mark.row("host/1.6/exit-arguments")
@pytest.mark.parametrize("argument", ["--frobnicate", "--user-log-level=loud", "--port=abc"])
def test_bad_argument_ends_with_3(tmp_path, argument):
    assert refused(tmp_path, arguments=[argument])[0] == 3


def test_ignored_flag_is_said_to_have_no_effect(tmp_path):
    with running_host(write_app(tmp_path / "app", GOOD), arguments=["--no-build", "--timeout", "5"]) as host:
        assert "--no-build has no effect" in host.log()


@pytest.mark.row("host/1.6/exit-ok")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_host_with_0(tmp_path, number):
    with running_host(write_app(tmp_path / "app", GOOD)) as host:
        os.kill(host.child.pid, number)
        wait_until(lambda: host.child.returncode is not None)
        assert host.child.returncode == 0


def test_signal_ends_the_host_although_functions_block(tmp_path):
    root = write_app(
        tmp_path / "app",
        """
        import time
        app = func.FunctionApp()
        @app.timer_trigger("t", schedule="0 0 0 1 1 *")
        def thread(t):
            time.sleep(600)
        @app.timer_trigger("t", schedule="0 0 0 1 1 *")
        async def loop(t):
            time.sleep(600)
        """,
    )
    with running_host(root) as host:
        host.post("/admin/functions/thread", {})
        host.post("/admin/functions/loop", {})
        wait_until(lambda: host.log().count("Executing") == 2)
        os.kill(host.child.pid, signal.SIGTERM)
        wait_until(lambda: host.child.returncode is not None)
        assert host.child.returncode == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_request_that_a_stop_cuts_gets_a_503_and_its_run_is_logged_as_failed(tmp_path, workers):
    root = write_app(
        tmp_path / "app",
        """
        import asyncio, time
        app = func.FunctionApp(http_auth_level="ANONYMOUS")
        @app.route("thread")
        def thread(req):
            time.sleep(600)
        @app.route("loop")
        async def loop(req):
            await asyncio.sleep(600)
        """,
    )
    with running_host(root, workers=workers) as host, ThreadPoolExecutor() as threads:
        answers = [threads.submit(host.get, f"/api/{name}") for name in ("thread", "loop")]
        wait_until(lambda: host.log().count("Executing") == 2)
        os.kill(host.child.pid, signal.SIGINT)
        assert [(one.result().status, one.result().body) for one in answers] == [(503, b"")] * 2
        wait_until(lambda: host.child.returncode is not None)
        failed = re.findall(r"Executed 'Functions\.(\w+)' \(Failed, Id=", host.log())
        assert (sorted(failed), host.child.returncode) == (["loop", "thread"], 0)
        assert "Stack:" not in host.log()


def test_only_the_named_functions_load(tmp_path):
    with running_host(write_app(tmp_path / "app", GOOD), arguments=["--functions", "A", "nobody"]) as host:
        assert (host.get("/api/a").status, host.get("/api/b").status) == (200, 404)


def test_functions_of_host_json_limit_what_loads(tmp_path):
    root = write_app(tmp_path / "app", GOOD, host_json={"version": "2.0", "functions": ["b"]})
    with running_host(root) as host:
        assert (host.get("/api/a").status, host.get("/api/b").status) == (404, 200)


def test_route_prefix_of_host_json_is_obeyed(tmp_path):
    host_json = {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}
    with running_host(write_app(tmp_path / "app", GOOD, host_json=host_json)) as host:
        assert host.get("/a").body == b"a"


@pytest.mark.row("host/1.2/script-file")
def test_script_file_name_setting_is_obeyed(tmp_path):
    root = write_app(tmp_path / "app", GOOD)
    (root / "function_app.py").rename(root / "main_app.py")
    with running_host(root, env={"PYTHON_SCRIPT_FILE_NAME": "main_app.py"}) as host:
        assert host.get("/api/a").status == 200


@pytest.mark.row("host/1.6/list")
def test_listing_shows_methods_and_raw_template(tmp_path):
    code = """
    app = func.FunctionApp()
    @app.route("items/{id:int}", methods=["GET", "POST"])
    def items(req): ...
    @app.timer_trigger("t", schedule="0 0 0 1 1 *")
    def nightly(t): ...
    """
    with running_host(write_app(tmp_path / "app", code)) as host:
        assert f"\titems: [GET,POST] {host.url}/api/items/{{id:int}}\n\n\tnightly: timerTrigger\n" in host.log()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_the_app_is_imported_ends_the_host_with_0_and_no_traceback(tmp_path, number):
    code = "import time\nprint('importing', flush=True)\ntime.sleep(600)"
    with Supervisor(tmp_path / "logs") as supervisor:
        child = supervisor.start("host", host_command(write_app(tmp_path / "app", code)))
        child.wait_for_line("importing", timeout_s=60)
        os.kill(child.pid, number)
        child.wait_until(lambda: child.returncode is not None, timeout_s=60, what="its end")
        assert (child.returncode, "Traceback" in child.log_path.read_text()) == (0, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_the_host_itself_is_imported_ends_it_with_0_and_no_traceback(tmp_path, number):
    # A module of the host that takes its time: found first, it holds up what `python -m devhost` imports.
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "aiohttp.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(600)")
    with Supervisor(tmp_path / "logs") as supervisor:
        command = host_command(write_app(tmp_path / "app", GOOD))
        child = supervisor.start("host", command, env={"PYTHONPATH": f"{tmp_path / 'slow'}"})
        child.wait_for_line("importing", timeout_s=60)
        os.kill(child.pid, number)
        child.wait_until(lambda: child.returncode is not None, timeout_s=60, what="its end")
        assert (child.returncode, "Traceback" in child.log_path.read_text()) == (0, False)


VERBOSE_ONLY = ("Host.Functions.nightly", "Job host started", "Host started (", "The next 5 occurrences of 'nightly'")


@pytest.mark.row("host/1.6/verbose-ticks")
@pytest.mark.parametrize(("arguments", "count"), [(["--verbose"], 4), ([], 0)])
def test_verbose_start_shows_functions_ticks_and_how_long_it_took(tmp_path, arguments, count):
    code = """
    app = func.FunctionApp()
    @app.timer_trigger("t", schedule="0 0 0 1 1 *")
    def nightly(t): ...
    """
    with running_host(write_app(tmp_path / "app", code), arguments=arguments) as host:
        wait_until(lambda: "Worker process started and initialized." in host.log())
        assert wait_until(lambda: sum(text in host.log() for text in VERBOSE_ONLY) == count)


LOGGING = """
    import logging
    app = func.FunctionApp(http_auth_level="ANONYMOUS")

    @app.route("chatty")
    def chatty(req):
        logging.debug("chatty debug")
        return "x"

    @app.route("quiet")
    async def quiet(req):
        logging.warning("quiet warning")
        return "x"
"""


def test_log_level_of_one_function_counts_for_what_it_logs(tmp_path):
    levels = {"Function.chatty.User": "Debug", "Function.quiet.User": "Error"}
    host_json = {"version": "2.0", "logging": {"logLevel": levels}}
    with running_host(write_app(tmp_path / "app", LOGGING, host_json=host_json)) as host:
        host.get("/api/quiet")
        host.get("/api/chatty")
        wait_until(lambda: "chatty debug" in host.log())
        assert "quiet warning" not in host.log()


def test_user_log_level_shows_what_functions_log_below_information(tmp_path):
    with running_host(write_app(tmp_path / "app", LOGGING), arguments=["--user-log-level", "Debug"]) as host:
        host.get("/api/chatty")
        assert wait_until(lambda: "chatty debug" in host.log())


def test_app_that_fails_to_load_ends_although_it_has_started_a_thread(tmp_path):
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nraise ValueError('no')"
    assert refused(write_app(tmp_path / "app", code), timeout_s=60)[0] == 1


def test_failed_import_shows_its_traceback_once_and_one_sentence_that_does_not_repeat_it(tmp_path):
    code = "raise ValueError('PAGE_SIZE must be set')"
    root = write_app(tmp_path / "app", code)
    _, output = refused(root)
    sentence = f"{root / 'function_app.py'} cannot be imported: the error above, ValueError, comes from its own code."
    assert (output.count("Traceback"), output.count("ValueError: PAGE_SIZE must be set"), sentence in output) == (
        1,
        1,
        True,
    )


def test_app_that_interrupts_its_own_import_is_refused(tmp_path):
    code, output = refused(write_app(tmp_path / "app", "raise KeyboardInterrupt"))
    assert (code, "cannot be imported" in output) == (1, True)


def test_broken_local_settings_are_an_error_before_and_after_the_list_of_functions(tmp_path):
    root = write_app(tmp_path / "app", GOOD, host_json={"version": "2.0", "logging": {"logLevel": {"default": "None"}}})
    (root / "local.settings.json").write_text('{"IsEncrypted": false, "Values": {')
    with running_host(root) as host:
        text = f"{root / 'local.settings.json'} is ignored:"
        wait_until(lambda: host.log().count(text) == 2)
        before, _, after = host.log().partition("Functions:")
        assert (text in before, text in after, host.get("/api/a").status) == (True, True, 200)


def test_setting_that_an_ignored_file_may_hold_is_missed_with_a_word_about_the_file(tmp_path):
    code = """
    app = func.FunctionApp()
    @app.queue_trigger(arg_name="msg", queue_name="orders", connection="AzureWebJobsStorage")
    def q(msg): ...
    """
    root = write_app(tmp_path / "app", code)
    (root / "local.settings.json").write_text('{"Values": {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}}')
    with running_host(root) as host:
        assert wait_until(lambda: "to use an identity. local.settings.json is ignored at present" in host.log())


def test_app_that_misses_a_setting_of_an_ignored_file_is_refused_with_a_word_about_the_file(tmp_path):
    root = write_app(tmp_path / "app", "import os\napp = func.FunctionApp()\nos.environ['ONLY_IN_FILE']")
    (root / "local.settings.json").write_text('{"Values": {"ONLY_IN_FILE": "x"}}')
    code, output = refused(root)
    told = f'{root / "local.settings.json"} is ignored: "IsEncrypted" is missing'
    assert (code, "KeyError: 'ONLY_IN_FILE'" in output, output.count(told)) == (1, True, 1)


def test_setting_beside_values_is_warned_of(tmp_path):
    root = write_app(tmp_path / "app", GOOD)
    (root / "local.settings.json").write_text('{"IsEncrypted": false, "AzureWebJobsStorage": "x"}')
    with running_host(root) as host:
        text = f"'AzureWebJobsStorage' in {root / 'local.settings.json'} stands outside of"
        assert wait_until(lambda: text in host.log())


def test_unknown_function_is_warned_of_with_those_that_exist(tmp_path):
    with running_host(write_app(tmp_path / "app", GOOD), arguments=["--functions", "nope"]) as host:
        text = "The app has no function 'nope'; --functions or host.json names it. It has: a, b."
        assert wait_until(lambda: text in host.log())


def test_unknown_flag_shows_the_flags_of_the_command(tmp_path):
    root = write_app(tmp_path / "app", GOOD)
    code, output = refused(root, arguments=["--prot", "7071"])
    assert (code, "--script-root" in output) == (3, True)
    assert "python -m devhost start: error: unrecognized arguments: --prot 7071" in output


def test_stop_is_told_with_how_it_ended(tmp_path):
    with running_host(write_app(tmp_path / "app", GOOD)) as host:
        os.kill(host.child.pid, signal.SIGINT)
        wait_until(lambda: host.child.returncode is not None)
        assert re.findall(r"Z\] (Stop.*)", host.log()) == ["Stopping.", "Stopped."]


def test_state_folder_keeps_itself_out_of_repositories(tmp_path):
    root = write_app(tmp_path / "app", GOOD)
    with running_host(root):
        assert (root / ".devhost" / ".gitignore").read_text() == "*\n"


DURABLE = """
    import azure.durable_functions as df
    app = df.DFApp()
    @app.orchestration_trigger(context_name="context")
    def waits(context):
        yield context.wait_for_external_event("go")
        yield context.call_activity("breaks", 1)
    @app.orchestration_trigger(context_name="context")
    def other(context):
        return 1
    @app.activity_trigger(input_name="n")
    def breaks(n: int) -> int:
        raise ValueError("broken")
"""
WEBHOOKS = "/runtime/webhooks/durabletask"


def test_live_instances_without_their_orchestrator_are_warned_of_at_the_start(tmp_path):
    root = write_app(tmp_path / "app", DURABLE)
    with running_host(root) as host:
        for name in ("waits/one", "waits/two", "other/three"):
            host.post(f"{WEBHOOKS}/orchestrators/{name}")
        wait_until(lambda: host.get(f"{WEBHOOKS}/instances/three").status == 200)
    with running_host(root, arguments=["--functions", "breaks"]) as host:
        text = "The hub holds 2 live instances of the orchestrator 'waits', which is not loaded"
        wait_until(lambda: text in host.log())
        assert host.log().count("The hub holds") == 1


def test_failed_instance_is_told_in_one_line_on_the_console_and_in_full_in_its_output(tmp_path):
    with running_host(write_app(tmp_path / "app", DURABLE)) as host:
        host.post(f"{WEBHOOKS}/orchestrators/waits/one")
        host.post(f"{WEBHOOKS}/instances/one/raiseEvent/go", 1)
        wait_until(lambda: host.get(f"{WEBHOOKS}/instances/one").status == 200)
        assert "RemoteStackTrace" in host.get(f"{WEBHOOKS}/instances/one").json()["output"]
        lines = [line.partition("Z] ")[2] for line in host.log().splitlines()]
        (told,) = (one for one in lines if one.startswith("Instance 'one' failed"))
        first = "Orchestrator function 'waits' failed: Activity function 'breaks' failed:  ValueError: broken"
        assert told == f"Instance 'one' failed: {first}"
        assert "RemoteStackTrace" not in host.log()


def test_each_hub_name_has_its_own_state(tmp_path):
    code = """
    import azure.durable_functions as df
    app = df.DFApp()
    @app.orchestration_trigger(context_name="context")
    def one(context):
        return 1
    """
    root = write_app(tmp_path / "app", code, host_json=hub_settings("HubOne"))
    instances = "/runtime/webhooks/durabletask/instances"
    with running_host(root) as host:
        host.post("/runtime/webhooks/durabletask/orchestrators/one/x")
        wait_until(lambda: host.get(f"{instances}/x").status == 200)
    write_app(root, code, host_json=hub_settings("HubTwo"))
    with running_host(root) as host:
        seen_by_the_second = host.get(f"{instances}/x").status
    write_app(root, code, host_json=hub_settings("hubone"))
    with running_host(root) as host:
        assert (seen_by_the_second, host.get(f"{instances}/x").status) == (404, 200)


def hub_settings(name: str) -> dict[str, object]:
    return {"version": "2.0", "extensions": {"durableTask": {"hubName": name}}}
