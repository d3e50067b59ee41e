"""A host that is taken offline and back while a timer function runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import threading, time

    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    lock = threading.Lock()
    seen = {"now": 0, "most": 0, "all": 0}

    @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
    def tick(timer: func.TimerRequest) -> None:
        with lock:
            seen["now"] += 1
            seen["all"] += 1
            seen["most"] = max(seen["most"], seen["now"])
        time.sleep(1.1)
        with lock:
            seen["now"] -= 1

    @app.route("seen")
    def tell(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(f"{seen['now']} {seen['most']} {seen['all']}")
"""


def counts(host: RunningHost) -> list[int]:
    """Runs under way, the most at one time, and all of them."""
    return [int(word) for word in host.get("/api/seen").body.split()]


def put_state(host: RunningHost, text: str) -> int:
    return host.call("PUT", "/admin/host/state", body=text).status


def test_timer_does_not_overlap_itself_when_the_host_comes_back_before_its_run_is_over(tmp_path: Path) -> None:
    with running_host(write_app(tmp_path / "app", CODE)) as host, ThreadPoolExecutor() as threads:
        wait_until(lambda: counts(host)[0] == 1)
        offline = threads.submit(put_state, host, '"offline"')
        wait_until(lambda: host.get("/admin/host/status").json()["state"] == "Offline")
        assert (put_state(host, '"running"'), offline.result(10)) == (202, 202)
        before = counts(host)[2]
        wait_until(lambda: counts(host)[2] >= before + 2)
        assert counts(host)[1] == 1
