"""Request paths: decoded for routing, encoded again for the URL that a function sees.

Source: dotnet/aspnetcore, PathString.ToUriComponent and PathNormalizer; Kestrel leaves `%2F` as it is.
"""

import re
from urllib.parse import quote, unquote

_ENCODED_SLASH = re.compile("(%2[fF])")
_ENCODED_DOT = re.compile("%2e", re.IGNORECASE)
_VALID_ESCAPE = re.compile("(%[0-9a-fA-F]{2})")
_ABSOLUTE_TARGET = re.compile(r"[a-z][a-z0-9+.-]*://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)
_KEPT = "/!$&'()*+,;=:@-._~"


def without_dot_segments(raw_path: str) -> str:
    """`/a/./b/../c` is `/a/c`, also where a dot is written `%2e`; nothing leads above the root.

    Source: RFC 3986, section 5.2.4.
    """
    kept: list[str] = []
    segments = raw_path.split("/")[1:]
    for number, segment in enumerate(segments, start=1):
        plain = _ENCODED_DOT.sub(".", segment)
        if plain == "..":
            kept = kept[:-1]
        elif plain != ".":
            kept.append(segment)
        if plain in {".", ".."} and number == len(segments):
            kept.append("")
    return "/" + "/".join(kept)


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


def split_target(target: str) -> tuple[str | None, str | None]:
    """Authority, and path with query, of a request target as sent, but without dot segments.

    `/a?b` gives `(None, "/a?b")`, `http://h:1/a?b` gives `("h:1", "/a?b")`. The targets of `OPTIONS *` and of
    CONNECT hold no path: `(None, None)`.
    Source: RFC 9112, section 3.2.
    """
    if target.startswith("/"):
        return None, _normal(target)
    absolute = _ABSOLUTE_TARGET.fullmatch(target)
    if absolute is None:
        return None, None
    authority, path = absolute.groups()
    return authority, _normal(path if path.startswith("/") else f"/{path}")


def _normal(target: str) -> str:
    path, question_mark, query = target.partition("?")
    return f"{without_dot_segments(path)}{question_mark}{query}"
