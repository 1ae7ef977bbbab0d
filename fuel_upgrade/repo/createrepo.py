"""The library createrepo_c, or the reason why it is not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fuel_upgrade.errors import OutsideError

_OF_RPM = Path("/usr/lib/rpm/rpmrc")
_OWN = Path(__file__).with_name("rpm")
_VARIABLE = "RPM_CONFIGDIR"


@contextmanager
def _settings_of_rpm() -> Iterator[None]:
    """Lend the RPM library that is inside settings where rpm is not installed.

    It reads them while it is loaded, and prints an error where there are none. Programs that are
    started later must not see the folder.
    """
    if _OF_RPM.exists() or _VARIABLE in os.environ:
        yield
        return
    os.environ[_VARIABLE] = str(_OWN)
    try:
        yield
    finally:
        del os.environ[_VARIABLE]


try:
    with _settings_of_rpm():
        import createrepo_c
except ImportError as error:  # its wheel brings the module, but not the libraries of rpm and glib
    raise OutsideError(
        f"createrepo_c cannot be loaded: {error}",
        remedy="install its libraries: apt-get install createrepo-c, or dnf install createrepo_c",
    ) from error

__all__ = ["createrepo_c"]
