"""The order of ``GET /releases/``."""

_SYSTEMS = ("CentOS", "Ubuntu")

Key = tuple[str, str, int]


def release_order(version: str, operating_system: str) -> Key:
    """Return a key of which Nailgun gives the highest first (contract: ``the order of the list``).

    The parts of ``2014.2-6.0`` (OpenStack-Fuel) are compared as text: 10.0 is below 9.0.
    """
    openstack, *rest = version.split("-")
    rank = _SYSTEMS.index(operating_system) if operating_system in _SYSTEMS else -1
    return rest[0] if rest else "", openstack, rank
