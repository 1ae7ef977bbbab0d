"""Reads the built venvs of a release, and selects those that its base lacks."""

from pathlib import Path

from fuel_upgrade.bundle.spec import VenvsSpec
from fuel_upgrade.bundle.venv_part import VenvPart, describe_venvs
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_index import VenvIndex


def read_built(version: str, spec: VenvsSpec) -> VenvPart:
    """Return the venvs of a release, with the archives and wheels that its base lacks.

    Raises:
        ConfigError: a repo has no venvs of the tag.
        BundleError: an archive or a wheel is missing.
    """
    store = RepoStore(spec.repo)
    index = describe_venvs(_of_tag(spec.repo, spec.tag))
    present = _of_tag(*spec.base).blobs if spec.base else {}
    carried = {}
    for sha256 in sorted(index.blobs.keys() - present.keys()):
        source = store.blob(sha256)
        if not source.is_file():
            raise BundleError(
                f"{spec.repo}: {index.blobs[sha256]} is missing", remedy="build the venvs again"
            )
        carried[sha256] = source.stat().st_size
    return VenvPart(version, index, carried)


def _of_tag(root: Path, tag: str) -> VenvIndex:
    published = RepoStore(root).read_index()
    index = published.of_tag(tag)
    if not index.entries:
        tags = ", ".join(sorted({entry.tag for entry in published.entries})) or "none"
        raise ConfigError(
            f"{root}: no venvs of the tag {tag}; tags there: {tags}",
            remedy="build them with fuel-upgrade venv build, or correct venvs in bundle.yaml",
        )
    return index
