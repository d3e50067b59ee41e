"""Set-Cookie headers as the real host writes them again: escaped value, fixed order of attributes.

Source: Azure/azure-functions-python-worker, bindings/datumdef.py; dotnet/aspnetcore, SetCookieHeaderValue.cs.
"""

import re
from datetime import UTC, datetime
from http.cookies import Morsel, SimpleCookie
from urllib.parse import quote

_EXPIRES_FORMAT = "%a, %d %b %Y %H:%M:%S GMT"
_KEPT_BY_ESCAPE_DATA_STRING = "-._~"


def set_cookie_headers(cookies: list[SimpleCookie]) -> list[str]:
    """One header value per cookie.

    Raises ValueError for an `expires` that is not of the form `Tue, 03 Nov 2026 10:00:00 GMT`, or a bad Max-Age.
    """
    return [_set_cookie(morsel) for cookie in cookies for morsel in cookie.values()]


def _set_cookie(morsel: "Morsel[str]") -> str:
    pieces = [f"{morsel.key}={quote(morsel.value, safe=_KEPT_BY_ESCAPE_DATA_STRING)}"]
    if morsel["expires"]:
        pieces.append(f"expires={_expires(morsel['expires'])}")
    if morsel["max-age"] != "":
        pieces.append(f"max-age={_max_age(str(morsel['max-age']))}")
    if morsel["domain"]:
        pieces.append(f"domain={morsel['domain']}")
    # ASP.NET's CookieOptions start with this path.
    pieces.append(f"path={morsel['path'] or '/'}")
    if morsel["secure"]:
        pieces.append("secure")
    if morsel["samesite"]:
        pieces.append(f"samesite={morsel['samesite'].lower()}")
    if morsel["httponly"]:
        pieces.append("httponly")
    return "; ".join(pieces)


def _expires(text: str) -> str:
    try:
        when = datetime.strptime(text, _EXPIRES_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(
            f"the cookie attribute expires={text!r} is not of the form 'Tue, 03 Nov 2026 10:00:00 GMT'"
        ) from error
    return when.strftime(_EXPIRES_FORMAT)


def _max_age(text: str) -> str:
    if not re.fullmatch(r"-?\d+", text):
        raise ValueError(f"the cookie attribute Max-Age={text!r} is not a whole number of seconds")
    return text
