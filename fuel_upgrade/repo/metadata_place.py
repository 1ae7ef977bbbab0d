"""The place of a repo's metadata: regular files inside of the repo.

A link to a file elsewhere would bring the content of that file into a diff repo, and a pipe would
count as an index that the repo does not have.
"""

from collections.abc import Iterable
from pathlib import Path

from fuel_upgrade.errors import BundleError


def require_inside(root: Path, paths: Iterable[Path]) -> None:
    """Require of each path that exists that it is inside of the repo, wherever links lead.

    Raises:
        BundleError: one leads out of the repo.
    """
    top = root.resolve()
    for path in paths:
        if path.exists() and not path.resolve().is_relative_to(top):
            raise BundleError(
                f"{path}: a link leads out of the repo",
                remedy="replace the link by a copy of its target, if that belongs to the repo",
            )


def require_regular(root: Path, paths: Iterable[Path]) -> None:
    """Require of each path that exists that it is a regular file inside of the repo.

    Raises:
        BundleError: one leads out of the repo, or is a folder, a pipe, a socket or a device.
    """
    present = [path for path in paths if path.exists()]
    for path in present:
        if not path.is_file():
            raise BundleError(f"{path}: not a regular file", remedy="copy the repo again")
    require_inside(root, present)
