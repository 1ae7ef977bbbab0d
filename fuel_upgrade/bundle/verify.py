"""Reads the header of an upgrade tarball that is not trusted yet."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.manifest import RepoPart, UpgradeDescription
from fuel_upgrade.bundle.seal import SealedFile, parse_seal
from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.release.chain import in_order, parse_metadata
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.release.model import Release
from fuel_upgrade.repo.description import FILE_NAME, DiffDescription
from fuel_upgrade.system.archive import ArchiveReader, CutShortError, Kind
from fuel_upgrade.system.compression import open_stream
from fuel_upgrade.system.files import is_being_written
from fuel_upgrade.system.input_limits import HEAD_BYTES

DAMAGED = "get an undamaged copy of the tarball"
"""The remedy for a damaged tarball."""

_UNSEALED = "use a tarball made by fuel-upgrade bundle build"
_UNCHANGED = "nothing was changed"
_COPIED = "wait for the copy to end, then try again"
_CUT_OFF = "wait if it is still being copied; else copy it again, and compare the sizes"


@dataclass(frozen=True, slots=True)
class BundleHead:
    """The content of the header of a tarball: its small files, each of which matches the seal.

    ``releases`` are those with a repo in the tarball, each after its base; ``descriptions`` maps
    (version, operating system) to the ``diff.yaml`` of each diff repo; ``sealed`` maps every path
    to its entry in the seal; ``seal_sha256`` identifies the tarball.
    """

    path: Path
    size_bytes: int
    fuel_version: str
    description: UpgradeDescription
    releases: tuple[Release, ...]
    diff_releases: Mapping[str, str]
    descriptions: Mapping[tuple[str, str], DiffDescription]
    sealed: Mapping[str, SealedFile]
    seal_sha256: str

    @property
    def repos(self) -> tuple[RepoPart, ...]:
        """The repos in the tarball."""
        return self.description.repos

    @property
    def sealed_bytes(self) -> int:
        """The total length of the files in the seal."""
        return sum(file.length_bytes for file in self.sealed.values())

    @property
    def unpacked_bytes(self) -> int:
        """The size of the unpacked tarball, without the installer, which is not unpacked."""
        return self.sealed_bytes - sum(self.sealed[path].length_bytes for path in self._installers)

    @property
    def installer(self) -> str | None:
        """The file name of the fuel-upgrade installer in the tarball, if there is one."""
        return next((path.removeprefix(manifest.INSTALLER) for path in self._installers), None)

    @property
    def _installers(self) -> list[str]:
        return [path for path in self.sealed if manifest.is_installer(path)]

    def repo(self, version: str, os_key: str) -> RepoPart:
        """Return the repo of one of ``releases``."""
        return next(r for r in self.repos if (r.version, r.os_key) == (version, os_key))

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``bundle inspect --json`` prints."""
        return {
            "path": str(self.path),
            "bytes": self.size_bytes,
            "unpacked_bytes": self.unpacked_bytes,
            "files": len(self.sealed) + 1,
            "fuel_version": self.fuel_version,
            "upgrade_from": list(self.description.upgrade_from),
            "diff_releases": dict(self.diff_releases),
            "releases": [
                {"name": r.name, "version": r.version, "operating_system": r.operating_system}
                for r in self.releases
            ],
            "repos": [repo.to_json() for repo in self.repos],
            "installer": self.installer,
            "signed": False,
            "seal_sha256": self.seal_sha256,
        }


def read_head(path: Path) -> BundleHead:
    """Read the header of a tarball, and nothing after it.

    Raises:
        ConfigError: there is no such file.
        BundleError: it is no upgrade tarball, has no seal, or is damaged.
    """
    return read_head_and_texts(path)[0]


def read_head_and_texts(path: Path) -> tuple[BundleHead, Mapping[str, str]]:
    """Read the header of a tarball; return it with the texts of its files by path.

    Raises:
        ConfigError, BundleError: as :func:`read_head`.
    """
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such file", remedy="name an upgrade tarball", state=_UNCHANGED
        )
    _refuse_growing(path)
    with reporting_cut_off(path):
        seal, files = _read_small_files(path)
    sealed = parse_seal(seal, source=str(path))
    for name, data in files.items():
        check_content(path, name, sealed, len(data), hashlib.sha256(data).hexdigest())
    texts = {name: _decode(data, f"{path}: {name}") for name, data in files.items()}
    for name in (manifest.VERSION, manifest.UPGRADE, manifest.METADATA):
        if name not in texts:
            raise BundleError(f"{path}: {name} is not in its header", remedy=_UNSEALED)
    version = manifest.parse_fuel_version(texts[manifest.VERSION], source=manifest.VERSION)
    description = UpgradeDescription.parse(texts[manifest.UPGRADE], source=manifest.UPGRADE)
    diff_releases = parse_metadata(texts[manifest.METADATA], source=manifest.METADATA)
    releases = _releases(texts, description)
    _check_agreement(path, description, diff_releases, releases)
    _check_places(path, description, sealed)
    head = BundleHead(
        path=path,
        size_bytes=path.stat().st_size,
        fuel_version=version,
        description=description,
        releases=in_order(releases, diff_releases, source=manifest.METADATA),
        diff_releases=diff_releases,
        descriptions=_descriptions(path, texts, description),
        sealed=sealed,
        seal_sha256=hashlib.sha256(seal).hexdigest(),
    )
    return head, texts


def _refuse_growing(path: Path) -> None:
    try:
        is_growing = is_being_written(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}",
            remedy="make it readable for the user that reads it, root for the daemon",
            state=_UNCHANGED,
        ) from error
    if is_growing:
        size_bytes = path.stat().st_size
        raise BundleError(
            f"{path}: still growing: a program writes it, {size_bytes} bytes so far",
            remedy=_COPIED,
            state=_UNCHANGED,
        )


@contextmanager
def reporting_cut_off(path: Path, *, begun_bytes: int | None = None) -> Iterator[None]:
    """Report a tarball that ends too early with its size; ``begun_bytes`` was its size before."""
    try:
        yield
    except CutShortError as error:
        size_bytes = path.stat().st_size
        if begun_bytes not in (None, size_bytes):
            what = f"still changing: it had {begun_bytes} bytes and has {size_bytes} now"
            raise BundleError(f"{path}: {what}", remedy=_COPIED) from error
        what = f"cut short: it ends in the middle, after {size_bytes} bytes"
        raise BundleError(f"{path}: {what}", remedy=_CUT_OFF) from error


def _read_small_files(path: Path) -> tuple[bytes, dict[str, bytes]]:
    files: dict[str, bytes] = {}
    seal: bytes | None = None
    total = 0
    with open_stream(path) as stream:
        reader = ArchiveReader(stream, name=str(path))
        for member in reader.members():
            total += member.size_bytes
            if not manifest.is_head(member.path) or member.kind is not Kind.FILE:
                break
            if total > HEAD_BYTES:
                raise BundleError(f"{path}: its header is over 256 MiB", remedy=DAMAGED)
            data = b"".join(reader.chunks())
            if member.path == manifest.SEAL:
                seal = data
            else:
                files[member.path] = data
    if seal is None:
        raise BundleError(f"{path}: no {manifest.SEAL} in its header: not sealed", remedy=_UNSEALED)
    return seal, files


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BundleError(f"{source}: not UTF-8 text", remedy=DAMAGED) from error


def _releases(texts: Mapping[str, str], description: UpgradeDescription) -> tuple[Release, ...]:
    inside = {(repo.version, repo.os_key) for repo in description.repos}
    releases = [
        release
        for name, text in texts.items()
        if name.startswith(manifest.RELEASES) and name != manifest.METADATA
        for release in parse_fixture(text, source=name)
    ]
    return tuple(release for release in releases if (release.version, release.os_key) in inside)


def _descriptions(
    path: Path, texts: Mapping[str, str], description: UpgradeDescription
) -> dict[tuple[str, str], DiffDescription]:
    descriptions = {}
    for repo in description.repos:
        if repo.base is None:
            continue
        name = f"{repo.folder}/{FILE_NAME}"
        if name not in texts:
            raise BundleError(f"{path}: {name} is not in its header", remedy=_UNSEALED)
        descriptions[repo.version, repo.os_key] = DiffDescription.parse(texts[name], source=name)
    return descriptions


def _check_agreement(
    path: Path,
    description: UpgradeDescription,
    diff_releases: Mapping[str, str],
    releases: tuple[Release, ...],
) -> None:
    described = {(release.version, release.os_key) for release in releases}
    for repo in description.repos:
        if (repo.version, repo.os_key) not in described:
            raise BundleError(
                f"{path}: a repo of {repo.version} for {repo.os_key}, but no such release",
                remedy=_UNSEALED,
            )
        if repo.base != diff_releases.get(repo.version):
            raise BundleError(
                f"{path}: {manifest.METADATA} says that {repo.version} is a diff of"
                f" {diff_releases.get(repo.version)}, {manifest.UPGRADE} says {repo.base}",
                remedy=_UNSEALED,
            )


def _check_places(
    path: Path, description: UpgradeDescription, sealed: Mapping[str, SealedFile]
) -> None:
    versions = {repo.version for repo in description.repos}
    folders = {repo.folder for repo in description.repos}
    for name in sealed:
        if fault := manifest.place_fault(name, versions, folders):
            raise BundleError(f"{path}: {name}: {fault}", remedy=_UNSEALED)


def check_content(
    path: Path, name: str, sealed: Mapping[str, SealedFile], length: int, sha256: str
) -> None:
    """Compare a file with its entry in the seal.

    Raises:
        BundleError: it has none, or another length or SHA-256.
    """
    expected = sealed.get(name)
    if expected is None:
        raise altered(path, name, "not in the seal")
    if (length, sha256) != (expected.length_bytes, expected.sha256):
        raise altered(
            path,
            name,
            f"{length} bytes of SHA-256 {sha256}, but the seal says"
            f" {expected.length_bytes} of {expected.sha256}",
        )


def altered(path: Path, name: str, what: str) -> BundleError:
    """Return the error for a file that differs from its entry in the seal."""
    return BundleError(f"{path}: {name}: {what}", remedy=DAMAGED)
