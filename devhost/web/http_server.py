"""One listener: a bound socket, and one handler for every request that arrives on it."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod

from devhost.listener import BACKLOG
from devhost.web.cors import CorsPolicy
from devhost.web.http_settings import DEFAULT_BODY_LIMIT_BYTES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_GRACE_S = 1.0
_LAST_ANSWERS_S = 0.2
_MAX_HEADER_BYTES = 32_768
_logger = logging.getLogger("devhost.web")


class HttpServer:
    """Serves one socket until it is stopped."""

    def __init__(
        self,
        handler: Handler,
        sock: socket.socket,
        *,
        body_limit_bytes: int = DEFAULT_BODY_LIMIT_BYTES,
        cors: CorsPolicy | None = None,
    ) -> None:
        self._handler = handler
        self._sock = sock
        self._cors = cors
        # aiohttp counts a body of exactly this size as too large.
        app = web.Application(client_max_size=body_limit_bytes + 1, middlewares=[self._answer_in_any_case])
        self._under_way: set[asyncio.Task[web.StreamResponse]] = set()
        self._is_cutting = False
        app.on_response_prepare.append(_without_invented_content_type)
        self._runner = web.AppRunner(app, shutdown_timeout=_LAST_ANSWERS_S)
        self._listener: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The real port, also when 0 was asked for."""
        return int(self._sock.getsockname()[1])

    async def start(self) -> None:
        """Accept connections."""
        await self._runner.setup()
        self._listener = await asyncio.get_running_loop().create_server(
            self._connection, sock=self._sock, backlog=BACKLOG
        )

    def accept_no_more(self) -> None:
        """Leave new connections to whoever else has the socket; those that are open are still served."""
        # Closing the listener here would drop connections that are between its hands and ours.
        asyncio.get_running_loop().remove_reader(self._sock)

    async def stop(self) -> None:
        """Close the listener and, after a second, the connections; a request that is still served then gets a 503."""
        if self._listener is not None:
            self._listener.close()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_GRACE_S)
        self._is_cutting = True
        for task in self._under_way:
            task.cancel()
        await self._runner.cleanup()
        self._sock.close()

    def _connection(self) -> "_Connection":
        server = self._runner.server
        assert server is not None, "connections come after the start"
        return _Connection(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # the library checks for None
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            # A function gets the body as it was sent, Content-Encoding or not.
            auto_decompress=False,
        )

    @web.middleware
    async def _answer_in_any_case(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # The library's own routes know paths only; targets such as `*` would get an answer of the library.
        response = await self._answer_across_origins(request)
        if request.method == "CONNECT":
            # What the client sends next is no HTTP.
            response.force_close()
        return response

    async def _answer_across_origins(self, request: web.Request) -> web.StreamResponse:
        if self._cors is None:
            return await self._answer(request)
        preflight = self._cors.preflight(request)
        if preflight is not None:
            return preflight
        response = await self._answer(request)
        self._cors.mark(request, response)
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        # A task of its own can be cut while the connection lives on for the answer.
        task = asyncio.ensure_future(self._handler(request))
        self._under_way.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if not (self._is_cutting and task.cancelled()):
                raise
            return web.Response(status=503)
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        except web.RequestPayloadError as error:
            _logger.warning("The body of %s %s cannot be read: %s", request.method, request.path, _one_line(error))
            return web.Response(status=400)
        except Exception as error:
            if isinstance(error, ConnectionError) and request.transport is None:
                _logger.info("The caller of %s %s went away.", request.method, request.path)
                return web.Response(status=400)
            _logger.exception("The request %s %s failed inside the host", request.method, request.path)
            return web.Response(status=500)
        finally:
            self._under_way.discard(task)


class _Connection(web.RequestHandler):
    """One connection; what is no HTTP gets an empty answer and one line on the console."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that cannot be read, or that failed outside every handler."""
        if status == 500:
            return super().handle_error(request, status, exc, message)
        _logger.warning("A request from %s cannot be read: %s", request.remote, _one_line(message or exc))
        # The library's parser has a fixed list of methods; on the real host no route has a method outside it.
        response = web.Response(status=404 if isinstance(exc, BadHttpMethod) else status)
        response.headers.popall("Content-Type", None)
        response.force_close()
        return response


def _one_line(reason: object) -> str:
    return str(reason).partition("\n")[0].strip().rstrip(":")


async def _without_invented_content_type(_request: web.Request, response: web.StreamResponse) -> None:
    # The server's library names a type even for an empty answer; the real host does not.
    if isinstance(response, web.Response) and response.body is None:
        response.headers.popall("Content-Type", None)
