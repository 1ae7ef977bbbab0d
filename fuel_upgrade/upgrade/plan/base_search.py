"""What the repos on a master's disk hold, looked for by checksum. Reads, and changes nothing."""

from pathlib import Path

from fuel_upgrade.config import Config
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.release.model import RegisteredRelease, RepoEntry
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.package import ALGORITHMS, Identity, Package
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.upgrade.plan.base_match import Held, Need


def folder_of(config: Config, url: str) -> Path | None:
    """Return where a repo that this master serves lies on its disk; None for other URLs."""
    prefix = config.root_url + "/"
    return config.paths.repos / url.removeprefix(prefix) if url.startswith(prefix) else None


class Holdings:
    """Looks into the repos below ``paths.repos``; each index is read once.

    A package counts as held when an index lists it with the wanted checksum and its file is
    there with the index's size. ``verify`` also computes the checksum of the file; so does an
    index without checksums of the wanted kind.
    """

    def __init__(self, config: Config, *, verify: bool = False) -> None:
        self._config = config
        self._verify = verify
        self._read: dict[tuple[Path, str | None], tuple[Package, ...]] = {}

    def look(self, release: RegisteredRelease, need: Need) -> Held:
        """Look for what ``need`` inherits in all repos of a release.

        Raises:
            OutsideError: there is a yum repo to read, and createrepo_c cannot be loaded.
        """
        wanted = {p.identity(need.algorithm): p for p in need.inherited}
        found: set[Identity] = set()
        faults: list[tuple[RepoEntry, str]] = []
        elsewhere: list[RepoEntry] = []
        for repo in release.orchestrator.repos if release.orchestrator else ():
            folder = folder_of(self._config, repo.url)
            if folder is None:
                elsewhere.append(repo)
            elif not _is_repo(folder):
                faults.append(
                    (repo, f"is not on this master's disk, where {repo.url} is served from")
                )
            else:
                try:
                    found |= self._found(folder, repo.suite, wanted, need.algorithm)
                except (BundleError, ConfigError) as error:
                    faults.append((repo, f"cannot be read: {error.what}"))
        missing = tuple(package for identity, package in wanted.items() if identity not in found)
        return Held(release, missing, tuple(faults), tuple(elsewhere))

    def checksums(self, release: RegisteredRelease) -> frozenset[str]:
        """Return every checksum in the indexes of a release's repos that can be read."""
        known: set[str] = set()
        for repo in release.orchestrator.repos if release.orchestrator else ():
            folder = folder_of(self._config, repo.url)
            if folder is None or not _is_repo(folder):
                continue
            try:
                packages = self._packages(folder, repo.suite)
            except (BundleError, ConfigError):
                continue  # the checks of the install itself will tell
            known.update(value for p in packages for _, value in p.digests)
        return frozenset(known)

    @property
    def packages(self) -> int:
        """How many packages the indexes that were read have."""
        return sum(map(len, self._read.values()))

    def _found(
        self, folder: Path, suite: str | None, wanted: dict[Identity, Package], algorithm: str
    ) -> set[Identity]:
        names = {str(package) for package in wanted.values()}
        found: set[Identity] = set()
        for package in self._packages(folder, suite):
            if str(package) not in names:
                continue
            identity = self._identity(folder, package, algorithm)
            if identity in wanted and identity not in found and self._is_there(folder, package):
                found.add(identity)
        return found

    def _identity(self, folder: Path, package: Package, algorithm: str) -> Identity | None:
        if algorithm in dict(package.digests):
            return package.identity(algorithm)
        try:
            value = hash_file(folder / package.location, algorithm)
        except OSError:
            return None
        return f"{package} {value}"

    def _is_there(self, folder: Path, package: Package) -> bool:
        path = folder / package.location
        try:
            if not path.is_file() or path.stat().st_size != package.size_bytes:
                return False
            if not self._verify:
                return True
            algorithm = min((a for a, _ in package.digests), key=ALGORITHMS.index, default=None)
            return algorithm is not None and hash_file(path, algorithm) == package.digest(algorithm)
        except OSError:
            return False

    def _packages(self, folder: Path, suite: str | None) -> tuple[Package, ...]:
        key = (folder, suite)
        if key not in self._read:
            self._read[key] = _read_packages(folder, suite)
        return self._read[key]


def _is_repo(folder: Path) -> bool:
    return (folder / "dists").is_dir() or (folder / "repodata/repomd.xml").is_file()


def _read_packages(folder: Path, suite: str | None) -> tuple[Package, ...]:
    if (folder / "dists").is_dir():
        return read_apt(folder, suite=suite).packages
    # Only here: the library of yum repos cannot be loaded on every master, nor is it needed there.
    from fuel_upgrade.repo.yum.repo import read_yum  # noqa: PLC0415

    return read_yum(folder).packages
