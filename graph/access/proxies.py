"""The proxies in front of the gateway that may say which certificate a client showed them, by the address that they come from."""

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cachetools import LRUCache

from graph.errors import SettingsWrong

HOSTS_REMEMBERED: Final = 1_024

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class Proxies:
    """Addresses and networks of proxies."""

    def __init__(self, peers: Iterable[str], file: Path) -> None:
        """Read them; SettingsWrong for what is neither an address nor a network. `file` is that of the settings."""
        self._networks = _networks(peers, file)
        self._hosts: LRUCache[str, bool] = LRUCache(HOSTS_REMEMBERED)

    def has(self, client: tuple[str, int] | None) -> bool:
        """Tell whether the other end of a connection is a proxy; over a Unix socket, whose other end has no address, it is none."""
        if client is None:
            return False
        found = self._hosts.get(client[0])
        if found is None:
            found = self._hosts[client[0]] = _is_in(client[0], self._networks)
        return found


def _networks(peers: Iterable[str], file: Path) -> Networks:
    try:
        return tuple([ipaddress.ip_network(peer) for peer in peers])
    except ValueError:
        expected = 'addresses and networks such as "10.1.2.3" and "10.1.2.0/24"'
        raise SettingsWrong(f"{file}: access.proxy.peers: expected {expected}") from None


def _is_in(host: str, networks: Networks) -> bool:
    """Look an address up; an IPv4 one that a socket of IPv6 writes in its own way is the same address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in networks)
