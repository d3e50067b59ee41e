"""A server that answers a smoke test as a deployment does; a test makes it lie at one place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

KEY = "the+key/of-this_app=="

Answer = tuple[int, Any]
"""Status and document; one with `location` is a redirect to there, and `{url}` is this server."""
Script = Answer | list[Answer] | Callable[[BaseHTTPRequestHandler], None]
"""An answer; several, one after the other, of which the last is repeated; or what does the answering itself."""

WELCOMED = {"runtimeStatus": "Completed", "output": "Welcome One Welcome Two Welcome Three"}
WORKING: Mapping[str, Script] = {
    "health": (200, {"status": "ok"}),
    "health/details": (200, {"status": "ok"}),
    "orchestrators/welcome/": (202, {"statusQueryGetUri": "{url}/api/instance?code=theirs"}),
    "instance": (200, WELCOMED),
    "start/": [(202, {}), (409, {})],
    "stop/": (202, {}),
    "check/": (200, {"outcome": "completed"}),
}


@dataclass
class LyingApp:
    """`url` is where it listens, `asked` the requests that came: path and whether a key came along."""

    url: str
    scripts: dict[str, Script]
    asks_for_keys: bool
    asked: list[tuple[str, bool]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def answer(self, path: str, key: str | None) -> Answer | Callable[[BaseHTTPRequestHandler], None]:
        found = max((start for start in self.scripts if path.startswith(start)), key=len, default=None)
        with self.lock:
            self.asked.append((path, key is not None))
            if path.startswith("health/details") and self.asks_for_keys and key != KEY:
                return 401, {}
            script = (404, {}) if found is None else self.scripts[found]
            if not isinstance(script, list):
                return script
            return script.pop(0) if len(script) > 1 else script[0]

    def reply(self, request: BaseHTTPRequestHandler) -> None:
        answer = self.answer(request.path.removeprefix("/api/"), request.headers["x-functions-key"])
        if callable(answer):
            answer(request)
            return
        status, document = answer
        body = json.dumps(document).replace("{url}", self.url).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        if isinstance(document, dict) and "location" in document:
            request.send_header("Location", document["location"])
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def lying_app(lies: Mapping[str, Script] | None = None, *, asks_for_keys: bool = True) -> Iterator[LyingApp]:
    """The app with these answers in place of those that are right, by the beginning of the path below /api."""
    scripts = {path: [*script] if isinstance(script, list) else script for path, script in WORKING.items()}
    app = LyingApp("", {**scripts, **(lies or {})}, asks_for_keys)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            app.reply(self)

        do_POST = do_GET  # noqa: N815 - the name that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Who asks may go away in the middle of an answer."""

    with Server(("127.0.0.1", 0), Handler) as server:
        app.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield app
        finally:
            server.shutdown()
            thread.join()
