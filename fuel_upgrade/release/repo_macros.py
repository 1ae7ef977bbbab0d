"""Macros in repo locations: ours, which are those of Nailgun 6.0, and those of 6.1 to 9.x.

Up to 6.0 Nailgun replaces ``{MASTER_IP}`` and ``{OPENSTACK_VERSION}`` when a release is written,
and returns the resulting address. From 6.1 on it keeps the text, with
``{settings.MASTER_IP}``, ``{cluster.release.version}`` and
``{cluster.release.environment_version}`` in it, and replaces these for each environment.
"""

import re

from fuel_upgrade.release.chain import fuel_part

MASTER_IP = "{MASTER_IP}"
VERSION = "{OPENSTACK_VERSION}"
_LATER = {MASTER_IP: "{settings.MASTER_IP}", VERSION: "{cluster.release.version}"}
_ENVIRONMENT_VERSION = "{cluster.release.environment_version}"


def to_later(text: str) -> str:
    """Return ``text`` with the macros of 6.1 and later in place of ours."""
    for ours, later in _LATER.items():
        text = text.replace(ours, later)
    return text


def from_later(text: str, version: str) -> str:
    """Return ``text`` with our macros in place of those of 6.1 and later.

    There is none for the Fuel version of a release (``8.0`` of ``liberty-8.0``): it is filled in.
    """
    for ours, later in _LATER.items():
        text = text.replace(later, ours)
    return text.replace(_ENVIRONMENT_VERSION, fuel_part(version))


def render(text: str, version: str, master_ip: str) -> str:
    """Return ``text`` with our macros filled in, except the master's if ``master_ip`` is empty."""
    filled = text.replace(VERSION, version)
    return filled.replace(MASTER_IP, master_ip) if master_ip else filled


def restore_master(text: str, master_ip: str) -> str:
    """Return ``text`` with the macro in place of the master's address as the host of a URL."""
    if not master_ip:
        return text
    return re.sub(rf"(?<=://){re.escape(master_ip)}(?=[:/\s]|$)", MASTER_IP, text)


def restore_version(text: str, version: str) -> str:
    """Return ``text`` with the macro in place of the release's version as a folder of a URL."""
    return text.replace(f"/{version}/", f"/{VERSION}/")
