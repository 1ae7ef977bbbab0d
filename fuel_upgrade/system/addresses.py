"""The IP addresses of this host, and a check of ``master_ip`` against them."""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from fuel_upgrade.config import Config

_REMEDY = "set master_ip in config.yaml to the address at which nodes reach this master"
# Files of the kernel: the daemon's unit forbids netlink sockets, which libraries use for this.
_IPV4_TABLE = Path("/proc/net/fib_trie")
_IPV6_TABLE = Path("/proc/net/if_inet6")
_LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL$", re.MULTILINE)


def own_addresses() -> frozenset[str]:
    """Return every IP address of this host with loopback; none if the kernel has no tables."""
    return parse_ipv4_table(_read(_IPV4_TABLE)) | parse_ipv6_table(_read(_IPV6_TABLE))


def parse_ipv4_table(text: str) -> frozenset[str]:
    """Return the addresses that a Linux routing table delivers locally. Pure."""
    return frozenset(_LOCAL.findall(text))


def parse_ipv6_table(text: str) -> frozenset[str]:
    """Return the addresses in a Linux table of interfaces. Pure."""
    numbers = (line.split()[0] for line in text.splitlines() if line.strip())
    return frozenset(str(IPv6Address(int(number, 16))) for number in numbers)


def _read(table: Path) -> str:
    try:
        return table.read_text(encoding="ascii")
    except OSError:
        return ""


def warn_of_address(config: Config, addresses: Iterable[str]) -> str | None:
    """Return a warning if ``master_ip`` is not one of these addresses, else None.

    There is no warning if ``master_ip`` is a host name or ``addresses`` is empty.
    """
    own = sorted(addresses)
    if not own or config.master_ip in own or not _is_address(config.master_ip):
        return None
    origin = " (the default)" if config.master_ip == Config().master_ip else ""
    return (
        f"master_ip {config.master_ip}{origin} is not an address of this host, which has"
        f" {', '.join(own)}: nodes would fetch their packages from another host; {_REMEDY}"
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
