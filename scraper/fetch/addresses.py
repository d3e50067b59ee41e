"""Which addresses may be connected to: no page, and no redirect, leads the scraper into the network that it runs in.

Names are checked where they are resolved, for the very addresses that are then connected to: a name that resolves to
another address a moment later gains nothing.
"""

import socket
from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

# IPv6 addresses of public ranges that stand for an IPv4 address behind a translator. Source: RFC 6052, 2.1.
_NAT64 = ip_network("64:ff9b::/96")
# All public addresses of IPv6; the library takes what is not assigned for public, too. Source: RFC 4291, 2.4.
_GLOBAL_UNICAST = ip_network("2000::/3")
# Special, and public for the library. Source: IANA IPv4 Special-Purpose Address Registry.
_SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24")))


class PrivateAddress(OSError):
    """A host has only addresses that are not public; the text names host, address and cure."""

    def __init__(self, host: str, address: str) -> None:
        is_what = "is not a public address" if host == address else f"is {address}, which is not a public address"
        super().__init__(
            f'{host} {is_what}; if it is meant to be scraped, the source needs allow_private_hosts = ["{host}"]'
        )


def is_public(address: str) -> bool:
    """Whether `address`, of either version, is one of the public internet, also behind a translation to IPv4."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        inner = _translated(parsed)
        if inner is not None:
            parsed = inner
    if isinstance(parsed, IPv6Address) and parsed not in _GLOBAL_UNICAST:
        return False
    return parsed.is_global and not parsed.is_multicast and not any(parsed in special for special in _SPECIAL)


def _translated(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to `address` reach in the end, if it is a translated one."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def check_literal(host: str, allowed: Collection[str]) -> None:
    """Raise PrivateAddress if `host` is an address by itself, not public, and not `allowed`. Names pass."""
    if host not in allowed and _is_private_literal(host):
        raise PrivateAddress(host, host)


@lru_cache(maxsize=1024)
def _is_private_literal(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return not is_public(host)


class PublicResolver(AbstractResolver):
    """Resolves names to their public addresses only; names in `allowed` to all of theirs."""

    def __init__(self, allowed: Collection[str], resolver: AbstractResolver | None = None) -> None:
        self._allowed = allowed
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of `host` that may be connected to. Raises PrivateAddress if none of them may."""
        found = await self._resolver.resolve(host, port, family)
        if host.lower().rstrip(".") in self._allowed:
            return found
        public = [one for one in found if is_public(one["host"])]
        if found and not public:
            raise PrivateAddress(host, found[0]["host"])
        return public

    async def close(self) -> None:
        """Close the resolver behind this one."""
        await self._resolver.close()
