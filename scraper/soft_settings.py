"""Settings that never stop the app, since no run needs them: what is wrong with them, without ever quoting them."""

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv6Address
from typing import Final
from urllib.parse import urlsplit

_ADDRESS: Final = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]\\]+)(?::[0-9]+)?(?:[/?#][!-~]*)?", re.I)
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def webhook_fault(url: str) -> str:
    """What is wrong with a webhook's address, which is a password; empty if nothing, or if there is none."""
    if not url:
        return ""
    if url.lower().startswith("@microsoft.keyvault"):  # Azure passes the reference itself if it cannot follow it
        return "its Key Vault reference was not resolved; is there such an entry, and may the app's identity read it?"
    if not _ADDRESS.fullmatch(url):
        return "it must be an https:// URL without a name or password before the host, in ASCII and without spaces"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        if ":" in host:
            IPv6Address(host)
    except (AddressValueError, ValueError):
        return "its host or port cannot be one"
    if parts.scheme == "http" and host not in _HERE:
        return "it must be https, since it is a password; http is for a receiver on this very machine"
    return ""


def choice_fault(value: str, choices: Iterable[str]) -> str:
    """What is wrong with a value that must be one of a few; empty if nothing."""
    known = list(choices)
    return "" if value in known else f"it must be {', '.join(known[:-1])} or {known[-1]}"
