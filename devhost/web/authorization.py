"""Who may do what: the key of a request against the keys of the host.

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/Security/Authorization/FunctionAuthorizationHandler.cs.
"""

import hmac
from collections.abc import Iterable
from typing import Any, Protocol

from aiohttp import web

from devhost.functions.description import LoadedFunction
from devhost.web.access_keys import AccessKeys

_KEY_HEADER = "x-functions-key"
_KEY_PARAMETER = "code"


class Authorization(Protocol):
    """What the listener asks before it acts on a request."""

    def is_admin(self, request: web.Request) -> bool:
        """Whether the request may use /admin and call functions that are disabled."""

    def may_call(self, request: web.Request, function: LoadedFunction) -> bool:
        """Whether the request may run this HTTP function."""

    def may_manage(self, request: web.Request, extension: str) -> bool:
        """Whether the request may use the webhooks of this extension."""


class OpenToAll:
    """Every request is the administrator's, whatever key it sends: Core Tools without --enableAuth."""

    def is_admin(self, request: web.Request) -> bool:
        """Always."""
        del request
        return True

    def may_call(self, request: web.Request, function: LoadedFunction) -> bool:
        """Always."""
        del request, function
        return True

    def may_manage(self, request: web.Request, extension: str) -> bool:
        """Always."""
        del request, extension
        return True


class KeyRequired:
    """The rules of the product: each level is opened by its own keys and by the master key."""

    def __init__(self, keys: AccessKeys) -> None:
        self._keys = keys

    def is_admin(self, request: web.Request) -> bool:
        """With the master key only."""
        return _is_among(presented_key(request), (self._keys.master,))

    def may_call(self, request: web.Request, function: LoadedFunction) -> bool:
        """By the level of its route; a system key opens no function."""
        match auth_level(function.trigger):
            case "ANONYMOUS":
                return True
            case "ADMIN":
                return self.is_admin(request)
            case _:
                own = self._keys.of_function(function.name)
                return _is_among(presented_key(request), (self._keys.master, *self._keys.host.values(), *own))

    def may_manage(self, request: web.Request, extension: str) -> bool:
        """With the extension's system key or the master key; neither host nor function keys open webhooks."""
        system = self._keys.system.get(f"{extension.lower()}_extension")
        keys = (self._keys.master,) if system is None else (self._keys.master, system)
        return _is_among(presented_key(request), keys)


def auth_level(trigger: Any) -> str:
    """The level of an HTTP trigger in upper case; `FUNCTION` if the binding says none."""
    return str(trigger.get("authLevel") or "FUNCTION").upper()


def presented_key(request: web.Request) -> str:
    """The key that the request shows: the header if there is one, right or wrong, else `code` of the query."""
    in_header = request.headers.get(_KEY_HEADER)
    if in_header is not None:
        return in_header
    # Names of query parameters compare ignoring case, and of repeated ones the first counts.
    return next((value for name, value in request.query.items() if name.lower() == _KEY_PARAMETER), "")


def _is_among(presented: str, keys: Iterable[str]) -> bool:
    shown = presented.encode(errors="surrogateescape")
    # All are compared, each in constant time: how long it takes tells nothing about a key.
    equal = [hmac.compare_digest(shown, key.encode()) for key in keys]
    return bool(shown) and any(equal)
