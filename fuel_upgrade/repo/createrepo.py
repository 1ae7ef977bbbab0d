"""The library createrepo_c, loaded at its first use; its types, which it does not ship."""

from importlib import import_module
from typing import Any, TypeAlias

from fuel_upgrade.errors import OutsideError

RepomdRecord: TypeAlias = Any
RpmPackage: TypeAlias = Any
UpdateRecord: TypeAlias = Any


class _Library:
    """Stands for the library: who reads no yum repo does not need it, and may not have it."""

    def __getattr__(self, name: str) -> Any:
        """Return what the library has under a name.

        Raises:
            OutsideError: it cannot be loaded: the wheel brings the module, but not the libraries
                of rpm and glib.
        """
        try:
            found = getattr(import_module("createrepo_c"), name)
        except ImportError as error:
            raise OutsideError(
                f"createrepo_c, which reads and writes yum repos, cannot be loaded: {error}",
                remedy="install its libraries: apt-get install createrepo-c, or dnf install"
                " createrepo_c",
                state="nothing was changed",
                code="library-missing",
            ) from error
        vars(self)[name] = found  # the next time it is found without asking here
        return found


createrepo_c: Any = _Library()
