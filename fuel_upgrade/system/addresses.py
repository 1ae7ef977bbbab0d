"""The addresses of this host, and whether the settings name one of them."""

import socket
from collections.abc import Iterable
from ipaddress import ip_address

import psutil

from fuel_upgrade.config import Config

_REMEDY = "set master_ip in config.yaml to the address at which nodes reach this master"


def own_addresses() -> frozenset[str]:
    """Return every IP address of this host's network interfaces, loopback included."""
    families = (socket.AF_INET, socket.AF_INET6)
    return frozenset(
        entry.address.partition("%")[0]
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in families
    )


def warn_of_address(config: Config, addresses: Iterable[str]) -> str | None:
    """Warn of a ``master_ip`` that is none of these addresses; None if it is one.

    A host name is not looked up.
    """
    own = sorted(addresses)
    if config.master_ip in own or not _is_address(config.master_ip):
        return None
    origin = " (the default)" if config.master_ip == Config().master_ip else ""
    return (
        f"master_ip {config.master_ip}{origin} is no address of this host, which has"
        f" {', '.join(own) or 'none'}: nodes would look for their packages elsewhere; {_REMEDY}"
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
