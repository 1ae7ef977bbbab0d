"""The library createrepo_c, or the reason why it is not there."""

from fuel_upgrade.errors import OutsideError

try:
    import createrepo_c
except ImportError as error:  # its wheel brings the module, but not the libraries of rpm and glib
    raise OutsideError(
        f"createrepo_c cannot be loaded: {error}",
        remedy="install its libraries: apt-get install createrepo-c, or dnf install createrepo_c",
    ) from error

__all__ = ["createrepo_c"]
