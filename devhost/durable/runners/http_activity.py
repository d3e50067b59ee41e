"""The built-in activity behind `context.call_http`: one HTTP request, its answer as JSON text.

Source: Azure/azure-functions-durable-extension, Listener/TaskHttpActivityShim.cs, DurableHttpResponse.cs and
ManagedIdentityTokenSource.cs.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from multidict import CIMultiDict

from devhost.durable.protocol import HTTP_ACTIVITY, compact
from devhost.errors import FunctionFailed, text_of

GetToken = Callable[[str], Awaitable[str]]
"""From a scope (`https://vault.azure.net/.default`) to an access token; raises TokenUnavailable."""

_TIMEOUT_S = 100.0  # what .NET's HttpClient allows unless told otherwise
_MAX_REDIRECTS = 50  # likewise
_MAX_HEADER_BYTES = 64 * 1024  # likewise, for all headers together; here for each line
_DEFAULT_CONTENT_TYPE = "text/plain; charset=utf-8"
# The answer of the product holds the headers of the response, not those that .NET counts to its content.
_CONTENT_HEADERS = frozenset(
    {
        "allow",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-md5",
        "content-range",
        "content-type",
        "expires",
        "last-modified",
    }
)


class TokenUnavailable(Exception):
    """No access token for a request with a token source can be had on this machine; the message says why."""


class HttpActivity:
    """Makes the requests of one task hub, inside its event loop; `close` it at the end."""

    def __init__(self, *, get_token: GetToken | None = None, timeout_s: float = _TIMEOUT_S) -> None:
        """`timeout_s` limits a request from connecting to the last byte of its answer."""
        self._get_token = get_token or developer_token
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def call(self, request_text: str) -> str:
        """The result of the activity as JSON text: statusCode, headers and content of whatever was answered.

        `request_text` is `httpRequest` of a CallHttp action. Any status is a result, 202 too: nothing is polled.
        Raises FunctionFailed if there is no answer.
        """
        request: dict[str, Any] = json.loads(request_text)
        try:
            return await self._answer(request)
        except TimeoutError as error:
            text = f"{request['method']} {request['uri']} was not answered within {self._timeout.total:g} s."
            raise FunctionFailed(HTTP_ACTIVITY, "TimeoutError", text, "") from error
        except (aiohttp.ClientError, TokenUnavailable, OSError, ValueError, LookupError) as error:
            text = f"{request['method']} {request['uri']}: {text_of(error)}"
            raise FunctionFailed(HTTP_ACTIVITY, type(error).__name__, text, "") from error

    async def close(self) -> None:
        """Close idle connections; requests under way fail."""
        if self._session is not None:
            await self._session.close()

    async def _answer(self, request: Mapping[str, Any]) -> str:
        headers, content = _headers(request), request.get("content")
        if request.get("tokenSource") is not None:
            headers["Authorization"] = f"Bearer {await self._token(request['tokenSource'])}"
        async with self._open_session().request(
            request["method"],
            request["uri"],
            headers=headers,
            data=None if content is None else content.encode(),
            max_redirects=_MAX_REDIRECTS,
        ) as response:
            text = await response.text(errors="replace")
            return compact(
                {"statusCode": response.status, "headers": _response_headers(response.headers), "content": text}
            )

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
                max_line_size=_MAX_HEADER_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
            )
        return self._session

    async def _token(self, source: Mapping[str, Any]) -> str:
        kind, resource = source.get("kind"), str(source.get("resource"))
        if kind != "AzureManagedIdentity":
            raise TokenUnavailable(f"The token source kind '{kind}' is unknown; use ManagedIdentityTokenSource.")
        return await self._get_token(resource if resource.endswith("/.default") else f"{resource}/.default")


async def developer_token(scope: str) -> str:
    """A token of the developer's own sign-in, since there is no managed identity here. Raises TokenUnavailable.

    DefaultAzureCredential looks at environment variables, Azure CLI, Azure Developer CLI and others, as it does
    in the product.
    """
    from azure.core.exceptions import AzureError
    from azure.identity.aio import DefaultAzureCredential

    async with DefaultAzureCredential() as credential:
        try:
            return str((await credential.get_token(scope)).token)
        except AzureError as error:
            raise TokenUnavailable(
                f"no access token for '{scope}' can be had on this machine, which has no managed identity. Sign in "
                "with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET of a service "
                f"principal in local.settings.json. ({text_of(error).splitlines()[0]})"
            ) from error


def _headers(request: Mapping[str, Any]) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in (request.get("headers") or {}).items():
        for one in value if isinstance(value, list) else [value]:
            headers.add(name, str(one))
    if request.get("content") is None:
        headers.popall("Content-Type", None)
    else:
        headers.setdefault("Content-Type", _DEFAULT_CONTENT_TYPE)
    return headers


def _response_headers(received: Any) -> dict[str, str | list[str]]:
    """One value as text, several of one name as a list; names in the spelling of their first one."""
    values: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for name, value in received.items():
        if name.lower() not in _CONTENT_HEADERS:
            values.setdefault(spelling.setdefault(name.lower(), name), []).append(value)
    return {name: own[0] if len(own) == 1 else own for name, own in values.items()}
