"""Request paths: decoded for routing, encoded again for the URL that a function sees.

Source: dotnet/aspnetcore, PathString.ToUriComponent; Kestrel leaves `%2F` as it is.
"""

import re
from urllib.parse import quote, unquote

_ENCODED_SLASH = re.compile("(%2[fF])")
_VALID_ESCAPE = re.compile("(%[0-9a-fA-F]{2})")
_KEPT = "/!$&'()*+,;=:@-._~"


def decode_path(raw_path: str) -> str:
    """The path as sent, percent-decoded but for `%2F`, which must not become a separator."""
    return "".join(
        piece if _ENCODED_SLASH.fullmatch(piece) else unquote(piece) for piece in _ENCODED_SLASH.split(raw_path)
    )


def encode_path(path: str) -> str:
    """A decoded path for a URL; what already looks like an escape is kept."""
    return "".join(
        piece if _VALID_ESCAPE.fullmatch(piece) else quote(piece, safe=_KEPT) for piece in _VALID_ESCAPE.split(path)
    )
