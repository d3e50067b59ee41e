"""Headers that a source may add to its requests, such as an API key."""

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]{0,3998}[\x21-\x7e])?")
# What the fetcher itself answers for; each with what to use instead.
_OWN = {
    "user-agent": "use the key user_agent",
    "accept-encoding": "it is what the fetcher can unpack",
    "if-none-match": "pages are asked for conditionally where that is possible",
    "if-modified-since": "pages are asked for conditionally where that is possible",
}
_OF_THE_CONNECTION = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive"}
)


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise ValueError, which names the header and never its value, for one that cannot be sent."""
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name[:100]!r} cannot be a header's name")
        if lower in _OF_THE_CONNECTION or lower.startswith("proxy-"):
            raise ValueError(f"{name} belongs to the connection; leave it out")
        if lower in _OWN:
            raise ValueError(f"{name} cannot be set: {_OWN[lower]}")
        if lower in seen:
            raise ValueError(f"{name} is there twice")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} must be 1 to 4000 printable ASCII characters, without a line break")
        seen.add(lower)
