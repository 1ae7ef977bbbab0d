"""Reads the published venvs of a master, on which those of a tarball build. Writes nothing."""

from pathlib import Path

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.errors import BundleError, PreflightError
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_index import NO_VENVS, VenvIndex

MissingVenvs = dict[str, tuple[str, ...]]
"""The names of the archives and wheels that no repo here has, by the version of the release."""


def read_venv_base(
    folder: Path, head: BundleHead, *, verify: bool
) -> tuple[VenvIndex, MissingVenvs]:
    """Return the published venvs, and what the venvs of a tarball inherit and ``folder`` lacks.

    ``verify`` hashes all that they inherit.

    Raises:
        PreflightError: the index of the published venvs is malformed.
    """
    if not head.venvs:
        return NO_VENVS, {}
    store = RepoStore(folder)
    try:
        published = store.read_index()
    except BundleError as error:
        raise PreflightError(
            error.what, remedy=f"publish the venvs in {folder} again, or move {folder} away"
        ) from error
    travelling = {sha256 for part in head.venvs for sha256 in part.carried}
    has = store.is_whole if verify else lambda sha256: store.blob(sha256).is_file()
    missing = {
        part.version: tuple(
            sorted(
                name
                for sha256, name in part.inherited.items()
                if sha256 not in travelling and not has(sha256)
            )
        )
        for part in head.venvs
    }
    return published, {version: names for version, names in missing.items() if names}
