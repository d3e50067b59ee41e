"""What an app can change about Python while it is imported, and the host serves it all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.host_process import running_host
from tests.helpers.tiny_apps import write_app

ALIVE = """
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("alive")
    async def alive(req: func.HttpRequest) -> str:
        return "alive"
"""
OWN_LOOP_POLICY = """
    import asyncio

    class Policy(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self):
            raise RuntimeError("a loop of the app")

    asyncio.set_event_loop_policy(Policy())
"""
OWN_FOLDER_FIRST = """
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parent))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_event_loop_policy_of_the_app_is_its_own_affair(tmp_path: Path, workers: int) -> None:
    root = write_app(tmp_path / "app", OWN_LOOP_POLICY + ALIVE)
    with running_host(root, workers=workers) as host:
        assert host.get("/api/alive").body == b"alive"


@pytest.mark.parametrize("workers", [1, 2])
def test_app_that_puts_its_folder_first_may_have_a_module_named_as_one_of_pythons(tmp_path: Path, workers: int) -> None:
    root = write_app(tmp_path / "app", OWN_FOLDER_FIRST + ALIVE)
    (root / "platform.py").write_text("name = 'windows 3.1'\n")
    with running_host(root, workers=workers) as host:
        assert host.get("/api/alive").body == b"alive"
