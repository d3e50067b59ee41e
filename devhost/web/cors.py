"""Cross-origin requests: which pages of other sites may call, and what their browsers are told.

Source: azure-functions-core-tools, Actions/HostActions/Startup.cs; dotnet/aspnetcore, CorsService.cs and
CorsMiddleware.cs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from devhost.errors import ConfigurationError

_ANY = "*"
_METHOD_ASKED = "Access-Control-Request-Method"
_HEADERS_ASKED = "Access-Control-Request-Headers"
_ALLOWED_ORIGIN = "Access-Control-Allow-Origin"


@dataclass(frozen=True, slots=True)
class CorsPolicy:
    """The origins that are allowed, in lower case; any header and any method is."""

    origins: frozenset[str]
    with_credentials: bool = False

    @property
    def allows_any(self) -> bool:
        """Whether the origin does not count."""
        return _ANY in self.origins

    def preflight(self, request: web.Request) -> web.Response | None:
        """The answer to a browser that asks before it sends; None if this is no such question.

        An origin that is not allowed gets the same empty 204, without the headers that would let it go on.
        """
        origin = request.headers.get("Origin")
        method = request.headers.get(_METHOD_ASKED)
        if request.method != "OPTIONS" or origin is None or method is None:
            return None
        answer = web.Response(status=204)
        if self._allows(origin):
            answer.headers["Access-Control-Allow-Methods"] = method
            if headers := request.headers.get(_HEADERS_ASKED):
                answer.headers["Access-Control-Allow-Headers"] = headers
        self.mark(request, answer)
        return answer

    def mark(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Add to the answer of any request what its browser needs to hand it to the page."""
        if not self.allows_any:
            # Also for an origin that is refused: a cache must not serve one origin's answer to another.
            answer.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin is None or not self._allows(origin):
            return
        answer.headers[_ALLOWED_ORIGIN] = _ANY if self.allows_any else origin
        if self.with_credentials:
            answer.headers["Access-Control-Allow-Credentials"] = "true"

    def _allows(self, origin: str) -> bool:
        return self.allows_any or origin.lower() in self.origins


def cors_policy(origins: Sequence[str], *, with_credentials: bool) -> CorsPolicy | None:
    """The policy for these origins; None if there are none, and then cross-origin requests get no headers.

    Raises ConfigurationError for `*` with credentials, which no browser accepts and Core Tools cannot start with.
    """
    allowed = frozenset(origin.strip().lower().rstrip("/") for origin in origins if origin.strip())
    if not allowed:
        return None
    if _ANY in allowed and with_credentials:
        raise ConfigurationError(
            "CORS with credentials needs origins by name: replace '*' of --cors or Host.CORS by them, for example "
            "http://localhost:3000, or leave --cors-credentials (Host.CORSCredentials) out."
        )
    return CorsPolicy(allowed, with_credentials)
