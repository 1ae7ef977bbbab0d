"""Reads the header of an upgrade tarball that is not trusted yet."""

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.manifest import RepoPart, UpgradeDescription
from fuel_upgrade.bundle.seal import SealedFile, SealedFiles, known_seal, parse_seal
from fuel_upgrade.bundle.tarball_file import DAMAGED, opened_tarball
from fuel_upgrade.bundle.venv_part import VenvPart, read_venvs
from fuel_upgrade.errors import BundleError
from fuel_upgrade.release.chain import in_order, parse_metadata
from fuel_upgrade.release.fixture import parse_fixture
from fuel_upgrade.release.model import Release
from fuel_upgrade.repo.description import FILE_NAME, DiffDescription
from fuel_upgrade.system import budgets
from fuel_upgrade.system.archive import ArchiveReader, Kind
from fuel_upgrade.system.compression import decompressed
from fuel_upgrade.system.size import say_size
from fuel_upgrade.system.yaml_text import DESCRIPTION, check_yaml

_UNSEALED = "use a tarball made by fuel-upgrade bundle build"


@dataclass(frozen=True, slots=True)
class BundleHead:
    """The content of the header of a tarball: its small files, each of which matches the seal.

    ``releases`` are those with a repo in the tarball, each after its base; ``descriptions`` maps
    (version, operating system) to the ``diff.yaml`` of each diff repo; ``sealed`` maps every path
    to its entry in the seal; ``seal_sha256`` identifies the tarball; ``venvs`` are by release.
    """

    path: Path
    size_bytes: int
    fuel_version: str
    description: UpgradeDescription
    releases: tuple[Release, ...]
    diff_releases: Mapping[str, str]
    descriptions: Mapping[tuple[str, str], DiffDescription]
    sealed: SealedFiles
    seal_sha256: str
    venvs: tuple[VenvPart, ...] = ()

    @property
    def repos(self) -> tuple[RepoPart, ...]:
        """The repos in the tarball."""
        return self.description.repos

    @property
    def sealed_bytes(self) -> int:
        """The total length of the files in the seal."""
        return self.sealed.total_bytes

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
            "venvs": [part.to_json() for part in self.venvs],
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
    with opened_tarball(path) as raw:
        seal_sha256, files = _read_small_files(path, decompressed(raw))
        sealed = known_seal(seal_sha256) or _read_seal(path, raw, seal_sha256)
        size_bytes = os.fstat(raw.fileno()).st_size
    for name, data in files.items():
        check_content(path, name, sealed, len(data), hashlib.sha256(data).hexdigest())
    texts = {name: _decode(files.pop(name), f"{path}: {name}") for name in list(files)}
    for name in (manifest.VERSION, manifest.UPGRADE, manifest.METADATA):
        if name not in texts:
            raise BundleError(f"{path}: {name} is not in its header", remedy=_UNSEALED)
    version = manifest.parse_fuel_version(texts[manifest.VERSION], source=manifest.VERSION)
    description = UpgradeDescription.parse(texts[manifest.UPGRADE], source=manifest.UPGRADE)
    diff_releases = parse_metadata(texts[manifest.METADATA], source=manifest.METADATA)
    releases = _releases(texts, description)
    _check_agreement(path, description, diff_releases, releases)
    _check_places(path, description, sealed)
    _refuse_bomb(path, size_bytes, sealed)
    venvs = read_venvs(texts, sealed, source=str(path))
    wheels = sum(len(entry.wheels) for part in venvs for entry in part.index.entries)
    head = BundleHead(
        path=path,
        size_bytes=size_bytes,
        fuel_version=version,
        description=description,
        releases=in_order(releases, diff_releases, source=manifest.METADATA),
        diff_releases=diff_releases,
        descriptions=_descriptions(path, texts, description, files=len(sealed) + wheels),
        sealed=sealed,
        seal_sha256=seal_sha256,
        venvs=venvs,
    )
    return head, texts


def _read_small_files(path: Path, stream: io.BufferedReader) -> tuple[str, dict[str, bytes]]:
    """Return the SHA-256 of the seal, which may be large, and the other files of the header."""
    files: dict[str, bytes] = {}
    seal: str | None = None
    total = 0
    reader = ArchiveReader(stream, name=str(path), max_members=budgets.HEAD_MEMBERS)
    for member in reader.members():
        total += member.size_bytes
        if not manifest.is_head(member.path) or member.kind is not Kind.FILE:
            break
        if total > budgets.HEAD_BYTES:
            raise BundleError(
                f"{path}: its header is over {say_size(budgets.HEAD_BYTES)}", remedy=DAMAGED
            )
        if member.path != manifest.SEAL:
            files[member.path] = reader.read()
        elif member.size_bytes > budgets.SEAL_BYTES:
            raise BundleError(
                f"{path}: its seal is over {say_size(budgets.SEAL_BYTES)}", remedy=DAMAGED
            )
        else:
            seal = reader.hash_data()
    if seal is None:
        raise BundleError(f"{path}: no {manifest.SEAL} in its header: not sealed", remedy=_UNSEALED)
    return seal, files


def _read_seal(path: Path, raw: io.BufferedReader, sha256: str) -> SealedFiles:
    raw.seek(0)
    reader = ArchiveReader(decompressed(raw), name=str(path), max_members=budgets.HEAD_MEMBERS)
    for member in reader.members():
        if member.path == manifest.SEAL:
            sealed = parse_seal(reader.chunks(), source=str(path))
            if known_seal(sha256) is sealed:
                return sealed
            break
    raise altered(path, manifest.SEAL, "changed since the tarball was opened")


def _refuse_bomb(path: Path, size_bytes: int, sealed: SealedFiles) -> None:
    unpacked_bytes = sealed.total_bytes
    if unpacked_bytes > budgets.UNPACKED_BYTES + budgets.RATIO * size_bytes:
        raise BundleError(
            f"{path}: {size_bytes} bytes that become {say_size(unpacked_bytes)}", remedy=DAMAGED
        )


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BundleError(f"{source}: not UTF-8 text", remedy=DAMAGED) from error


def _releases(texts: Mapping[str, str], description: UpgradeDescription) -> tuple[Release, ...]:
    inside = {(repo.version, repo.os_key) for repo in description.repos}
    files = {
        name: text
        for name, text in texts.items()
        if name.startswith(manifest.RELEASES) and name != manifest.METADATA
    }
    left = budgets.DESCRIPTION_VALUES
    for name, text in files.items():
        left -= check_yaml(text, source=name, bounds=replace(DESCRIPTION, nodes=left))
    releases = [r for name, text in files.items() for r in parse_fixture(text, source=name)]
    return tuple(release for release in releases if (release.version, release.os_key) in inside)


def _descriptions(
    path: Path, texts: Mapping[str, str], description: UpgradeDescription, *, files: int
) -> dict[tuple[str, str], DiffDescription]:
    descriptions = {}
    lines_left = budgets.ENTRIES - files
    for repo in description.repos:
        if repo.base is None:
            continue
        name = f"{repo.folder}/{FILE_NAME}"
        if name not in texts:
            raise BundleError(f"{path}: {name} is not in its header", remedy=_UNSEALED)
        lines_left -= texts[name].count("\n")
        if lines_left < 0:
            raise BundleError(
                f"{path}: over {budgets.ENTRIES} files, wheels and lines of {FILE_NAME}",
                remedy=_UNSEALED,
            )
        described = DiffDescription.parse(texts[name], source=name)
        if fault := repo.description_fault(described):
            raise BundleError(f"{path}: {name}: {fault}", remedy=_UNSEALED)
        descriptions[repo.version, repo.os_key] = described
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
