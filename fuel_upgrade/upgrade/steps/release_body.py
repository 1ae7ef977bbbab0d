"""The body of a release as it is posted to Nailgun, and the registered release of its name."""

from collections.abc import Mapping
from typing import Any

from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.release.model import RegisteredRelease

Body = Mapping[str, Any]
Key = tuple[str, str, str]


def key_of(body: Body) -> Key:
    """Return name, version and operating system: a release is unique by them."""
    return (body["name"], body["version"], body["operating_system"])


def title_of(body: Body) -> str:
    """Return the name and the version for messages."""
    return f"{body['name']} ({body['version']})"


def find_registered(control: ControlPlane, body: Body) -> RegisteredRelease | None:
    """Return the registered release with the key of ``body``."""
    return find_by_key(control, key_of(body))


def find_by_key(control: ControlPlane, key: Key) -> RegisteredRelease | None:
    """Return the registered release with this key."""
    return next((r for r in control.releases() if registered_key(r) == key), None)


def registered_key(release: RegisteredRelease) -> Key:
    """Return the key of a registered release."""
    return (release.name, release.version, release.operating_system)
