"""The addresses of this host, and whether the settings name one of them."""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from fuel_upgrade.config import Config

_REMEDY = "set master_ip in config.yaml to the address at which nodes reach this master"
# The kernel's own tables, as files: the daemon's unit allows no sockets of netlink, by which
# libraries ask for them.
_IPV4_TABLE = Path("/proc/net/fib_trie")
_IPV6_TABLE = Path("/proc/net/if_inet6")
_LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL$", re.MULTILINE)


def own_addresses() -> frozenset[str]:
    """Return every IP address of this host, loopback included; none where they are not known."""
    return parse_ipv4_table(_read(_IPV4_TABLE)) | parse_ipv6_table(_read(_IPV6_TABLE))


def parse_ipv4_table(text: str) -> frozenset[str]:
    """Return the addresses that a routing table of Linux delivers locally. Pure."""
    return frozenset(_LOCAL.findall(text))


def parse_ipv6_table(text: str) -> frozenset[str]:
    """Return the addresses in a table of Linux' interfaces. Pure."""
    numbers = (line.split()[0] for line in text.splitlines() if line.strip())
    return frozenset(str(IPv6Address(int(number, 16))) for number in numbers)


def _read(table: Path) -> str:
    try:
        return table.read_text(encoding="ascii")
    except OSError:
        return ""


def warn_of_address(config: Config, addresses: Iterable[str]) -> str | None:
    """Warn of a ``master_ip`` that is none of these addresses; None if it is one.

    A host name is not looked up, and nothing is said where no addresses are known.
    """
    own = sorted(addresses)
    if not own or config.master_ip in own or not _is_address(config.master_ip):
        return None
    origin = " (the default)" if config.master_ip == Config().master_ip else ""
    return (
        f"master_ip {config.master_ip}{origin} is no address of this host, which has"
        f" {', '.join(own)}: nodes would look for their packages elsewhere; {_REMEDY}"
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
