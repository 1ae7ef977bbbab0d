"""Searches the repos on a master's disk for packages by checksum. Writes nothing."""

from pathlib import Path

from fuel_upgrade.config import Config
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.release.model import RegisteredRelease, RepoEntry
from fuel_upgrade.repo.apt.repo import read_apt
from fuel_upgrade.repo.apt.suite_path import is_flat
from fuel_upgrade.repo.package import ALGORITHMS, Identity, Package
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.hashing import on_all_cores
from fuel_upgrade.upgrade.plan.base_match import Held, Need


def folder_of(config: Config, url: str) -> Path | None:
    """Return the folder of a repo that this master serves; None for other URLs."""
    prefix = config.root_url + "/"
    return config.paths.repos / url.removeprefix(prefix) if url.startswith(prefix) else None


class Holdings:
    """The packages in the repos below ``paths.repos``; each index is read once.

    A repo has a package if its index lists it with the same checksum and the file has the size
    in the index. With ``verify``, or if the index has no checksum of that kind, the file is
    hashed too.
    """

    def __init__(self, config: Config, *, verify: bool = False) -> None:
        self._config = config
        self._verify = verify
        self._read: dict[tuple[Path, str | None], tuple[Package, ...]] = {}

    def look(self, release: RegisteredRelease, need: Need) -> Held:
        """Search all repos of a release for the packages that ``need`` inherits.

        Raises:
            OutsideError: there is a yum repo to read, and createrepo_c cannot be loaded.
        """
        needed = {p.identity(need.algorithm): p for p in need.inherited}
        present: set[Identity] = set()
        faults: list[tuple[RepoEntry, str]] = []
        elsewhere: list[RepoEntry] = []
        for repo in release.orchestrator.repos if release.orchestrator else ():
            folder = folder_of(self._config, repo.url)
            if folder is None:
                elsewhere.append(repo)
            elif not _is_repo(folder, repo.suite):
                faults.append(
                    (repo, f"is not on this master's disk, where {repo.url} is served from")
                )
            else:
                try:
                    present |= self._matching(folder, repo.suite, needed, need.algorithm)
                except (BundleError, ConfigError) as error:
                    faults.append((repo, f"cannot be read: {error.what}"))
        missing = tuple(package for identity, package in needed.items() if identity not in present)
        return Held(release, missing, tuple(faults), tuple(elsewhere))

    def checksums(self, release: RegisteredRelease) -> frozenset[str]:
        """Return the checksums in all readable indexes of a release's repos."""
        known: set[str] = set()
        for repo in release.orchestrator.repos if release.orchestrator else ():
            folder = folder_of(self._config, repo.url)
            if folder is None or not _is_repo(folder, repo.suite):
                continue
            try:
                packages = self._packages(folder, repo.suite)
            except (BundleError, ConfigError):
                continue  # the checks of the install report it
            known.update(value for p in packages for _, value in p.digests)
        return frozenset(known)

    @property
    def packages(self) -> int:
        """The number of packages in the indexes read so far."""
        return sum(map(len, self._read.values()))

    def _matching(
        self, folder: Path, suite: str | None, needed: dict[Identity, Package], algorithm: str
    ) -> set[Identity]:
        names = {str(package) for package in needed.values()}
        listed = {p.location: p for p in self._packages(folder, suite) if str(p) in names}

        def search(package: Package) -> Identity | None:
            identity = self._identity(folder, package, algorithm)
            return identity if identity in needed and self._is_there(folder, package) else None

        reads = self._verify or any(algorithm not in dict(p.digests) for p in listed.values())
        identities = (on_all_cores if reads else map)(search, listed.values())
        return {identity for identity in identities if identity is not None}

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


def _is_repo(folder: Path, suite: str | None) -> bool:
    if suite is not None and is_flat(suite):
        return folder.is_dir()
    return (folder / "dists").is_dir() or (folder / "repodata/repomd.xml").is_file()


def _read_packages(folder: Path, suite: str | None) -> tuple[Package, ...]:
    if suite is not None or (folder / "dists").is_dir():
        return read_apt(folder, suite=suite).packages
    # Imported here: the yum library cannot be loaded on every master, and not all need it.
    from fuel_upgrade.repo.yum.repo import YumRepo  # noqa: PLC0415

    return YumRepo.read(folder).packages
