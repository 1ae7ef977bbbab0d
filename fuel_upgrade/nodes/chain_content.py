"""Read the content of each repo of a chain: its own index, and its inherited packages."""

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fuel_upgrade.nodes.repo_files import RemoteRepo
from fuel_upgrade.nodes.repo_identity import no_repo
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.repo.apt.index_files import SMALLEST_FIRST
from fuel_upgrade.repo.apt.release_file import RELEASES, read_release
from fuel_upgrade.repo.apt.suite_path import index_path, index_stem, is_flat
from fuel_upgrade.repo.description import FILE_NAME, read_description
from fuel_upgrade.repo.package import Package, checked_location
from fuel_upgrade.repo.read_repo import read_repo
from fuel_upgrade.repo.yum.metadata import metadata_locations

_INDEX_LIMIT_BYTES = 512 << 20  # the plain index of all of Debian has 50 MB
_USUAL_ARCHITECTURE = "amd64"  # if the repo has no Release


@dataclass(frozen=True, slots=True)
class RepoContent:
    """One repo of a chain, with the ``packages`` in its own index.

    ``inherited`` are the packages that the release takes from its bases, without size and location
    (empty for a full repo). ``has_groups`` is true for yum repos with package groups.
    """

    source: NodeSource
    packages: tuple[Package, ...]
    inherited: tuple[Package, ...] = ()
    has_groups: bool = False

    @property
    def release(self) -> tuple[Package, ...]:
        """Every package of the release whose newest repo this is."""
        return (*self.packages, *self.inherited)


def fetch_content(source: NodeSource, *, timeout_s: float) -> RepoContent:
    """Read a repo's indexes and its ``diff.yaml``.

    Raises:
        OutsideError: there is no repo, or it does not respond within ``timeout_s`` overall.
        BundleError: its indexes are damaged.
    """
    parts = urlsplit(source.url)
    if parts.scheme == "file":
        return _read(source, Path(unquote(parts.path)))
    with tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as name:
        remote = RemoteRepo.at(source.url, timeout_s=timeout_s)
        _mirror_indexes(source, remote, Path(name))
        return _read(source, Path(name))


def _read(source: NodeSource, root: Path) -> RepoContent:
    repo = read_repo(root, suite=source.suite)
    components = source.components if repo.components else ("",)
    description = read_description(root, source=f"{source.url}/{FILE_NAME}")
    inherited = description.inherited_packages() if description else ()
    visible = (entry.package for entry in repo.entries() if entry.component in components)
    return RepoContent(source, tuple(visible), inherited, repo.has_groups)


def _mirror_indexes(source: NodeSource, remote: RemoteRepo, into: Path) -> None:
    """Copy the files needed to read the indexes, each to its own path."""
    _copy(remote, FILE_NAME, into)
    if source.suite is None:
        if not _copy(remote, "repodata/repomd.xml", into):
            raise no_repo(source, "repodata/repomd.xml")
        for location in metadata_locations(into / "repodata/repomd.xml"):
            _copy(remote, location, into)
        return
    suite = source.suite
    # Only the first that exists, in the order of apt: another one may be outdated.
    _ = any(_copy(remote, index_path(suite, name), into) for name in RELEASES)
    release = read_release(into / index_path(suite))
    architectures = (*release.fields.get("Architectures", _USUAL_ARCHITECTURE).split(), "all")
    stems = [index_stem("", "all")] if is_flat(suite) else [
        index_stem(component, architecture)
        for component in source.components
        for architecture in dict.fromkeys(architectures)
    ]  # fmt: skip
    copied = [_copy_index(remote, suite, stem, release.listed, into) for stem in stems]
    if not any(copied):
        raise no_repo(source, index_path(suite, index_stem("" if is_flat(suite) else "*", "*")))


def _copy_index(
    remote: RemoteRepo, suite: str, stem: str, listed: Collection[str], into: Path
) -> bool:
    """Copy the smallest existing form; only a listed one if ``Release`` lists any."""
    forms = [stem + suffix for suffix in SMALLEST_FIRST]
    candidates = [form for form in forms if form in listed] or ([] if listed else forms)
    return any(_copy(remote, index_path(suite, form), into) for form in candidates)


def _copy(remote: RemoteRepo, path: str, into: Path) -> bool:
    data = remote.read(path, limit_bytes=_INDEX_LIMIT_BYTES)
    if data is None:
        return False
    target = into / checked_location(path, source=remote.url)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return True
