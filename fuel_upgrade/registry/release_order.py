"""The order of ``GET /releases/``: newest first."""

import re

_CHUNK = re.compile(r"\d+|[a-z]+", re.IGNORECASE)
_OS_WEIGHT = {"CentOS": 0, "Ubuntu": 1}

Chunk = tuple[int, int, str]
Key = tuple[tuple[Chunk, ...], tuple[Chunk, ...], int, int]


def newest_key(version: str, operating_system: str, release_id: int) -> Key:
    """Return a key that grows with newness: Fuel part, OpenStack part, system, id.

    The parts are those of ``2014.2-6.0`` (OpenStack-Fuel). Nailgun compared them as text, which
    put 10.0 below 9.0; here numbers compare as numbers, and names (``liberty``) follow them.
    """
    openstack, _, fuel = version.partition("-")
    weight = _OS_WEIGHT.get(operating_system, -1)
    return _chunks(fuel), _chunks(openstack), weight, release_id


def _chunks(text: str) -> tuple[Chunk, ...]:
    return tuple(
        (0, int(chunk), "") if chunk.isdigit() else (1, 0, chunk.lower())
        for chunk in _CHUNK.findall(text)
    )
