"""The library createrepo_c, loaded at its first use; its types, which it does not ship."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from fuel_upgrade.errors import OutsideError

RepomdRecord: TypeAlias = Any
RpmPackage: TypeAlias = Any
UpdateRecord: TypeAlias = Any

_OWN = Path(__file__).with_name("rpm")
_VARIABLE = "RPM_CONFIGDIR"


@contextmanager
def _own_settings_of_rpm() -> Iterator[None]:
    """Lend settings of our own to the RPM library that createrepo_c links.

    It reads them while it is loaded. It prints an error where the host has none, and also where
    the host's rpm is of another version (such as macros that it cannot parse). Programs that are
    started later must not see the folder.
    """
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(_OWN)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


def load_library() -> Any:
    """Return the module createrepo_c, imported at the first call.

    Raises:
        OutsideError: it cannot be loaded: the wheel brings the module, but not the libraries of
            rpm and glib.
    """
    try:
        with _own_settings_of_rpm():
            return import_module("createrepo_c")
    except ImportError as error:
        raise OutsideError(
            f"createrepo_c, which reads and writes yum repos, cannot be loaded: {error}",
            remedy="install its libraries: apt-get install createrepo-c, or dnf install"
            " createrepo_c",
            state="nothing was changed",
            code="library-missing",
        ) from error


class _Library:
    """Stands for the library: who reads no yum repo does not need it, and may not have it."""

    def __getattr__(self, name: str) -> Any:
        """Return what the library has under a name; errors as :func:`load_library`."""
        value = getattr(load_library(), name)
        vars(self)[name] = value  # the next time it is there without asking here
        return value


createrepo_c: Any = _Library()
