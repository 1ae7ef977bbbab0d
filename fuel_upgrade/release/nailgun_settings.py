"""Nailgun's settings in a description, such as ``{{settings.MASTER_IP}}``. Pure.

Nailgun loads its own descriptions as templates of Jinja, and stores the values of its settings. It
stores a posted release as it is, and nodes would get addresses with braces in them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fuel_upgrade.release.model import Release

_MASTER_IP = "MASTER_IP"
_CONSTANTS = {"NOVA_STATE_PATH": "/var/lib/nova"}
"""Settings that are the same on each master; descriptions from 5.0.1 on have the path itself."""
_KNOWN = re.compile(
    rf"\{{\{{\s*settings\.({'|'.join((_MASTER_IP, *_CONSTANTS))})\s*\}}\}}", re.ASCII
)
_TEMPLATE = re.compile(r"\{[{%#].{0,60}", re.DOTALL)


def fill_settings(release: Release, master_ip: str) -> Release:
    """Return a release with the values of the settings, as Nailgun's own loading has them."""
    fields = _filled(release.fields, {_MASTER_IP: master_ip, **_CONSTANTS})
    return replace(release, name=fields["name"], fields=fields)


def unknown_settings(fields: Mapping[Any, Any]) -> Iterator[str]:
    """Yield a message for each text that Nailgun would fill in, and this program cannot."""
    for path, text in _texts(fields, ""):
        if match := _TEMPLATE.search(_KNOWN.sub("", text)):
            known = " and ".join(f"{{{{settings.{name}}}}}" for name in (_MASTER_IP, *_CONSTANTS))
            yield f"{path} has {match[0]!r}, of such templates only {known} are known"


def may_become(described: object, registered: object) -> bool:
    """Return whether a text of a description may be registered as ``registered``."""
    if not (isinstance(described, str) and isinstance(registered, str)):
        return False
    parts = _KNOWN.split(described)  # a text, the name of a setting, a text, ...
    values = {name: re.escape(value) for name, value in _CONSTANTS.items()}
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = (values.get(name, r"[^/\s]+") for name in parts[1::2])
    return re.fullmatch("".join(parts), registered) is not None


def _filled(value: Any, settings: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _KNOWN.sub(lambda match: settings[match[1]], value)
    if isinstance(value, Mapping):
        return {_filled(k, settings): _filled(inner, settings) for k, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, settings) for inner in value]
    return value


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            below = f"{path}.{name}".lstrip(".")
            yield from _texts(name, below)
            yield from _texts(inner, below)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{number}]")
