"""Read and write the metadata of a yum repo with createrepo_c."""

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import ALGORITHMS, Package, checked_location
from fuel_upgrade.repo.yum.createrepo import RepomdRecord, RpmPackage, createrepo_c
from fuel_upgrade.repo.yum.repomd import (
    METADATA,
    MetadataForm,
    checked_file,
    find_extras,
    form_of,
    read_records,
    write_metadata,
)


@dataclass(frozen=True, slots=True)
class YumMetadata:
    """The metadata of a yum repo. ``metadata`` maps a kind to its file.

    ``extras`` maps ``group``, ``modules`` and ``updateinfo`` to the listed files; a missing one is
    an error when it is read.
    """

    root: Path
    packages: tuple[Package, ...]
    metadata: dict[str, Path]
    extras: dict[str, Path]
    form: MetadataForm

    @property
    def timestamp(self) -> int:
        """The time of the newest metadata file, in Unix time."""
        return self.form.timestamp

    @classmethod
    def read(cls, root: Path) -> Self:
        """Read a repo's ``repomd.xml`` and primary metadata, checked against their checksums.

        Raises:
            BundleError: metadata is missing, damaged or malformed.
        """
        records = {r.type: r for r in read_records(root / "repodata/repomd.xml")}
        metadata = {kind: checked_file(root, records[kind]) for kind in METADATA if kind in records}
        if missing := [kind for kind in METADATA if kind not in metadata]:
            raise BundleError(
                f"{root}/repodata/repomd.xml: no {', '.join(missing)} metadata",
                remedy="rebuild the metadata with createrepo_c",
            )
        packages = tuple(_read_primary(metadata["primary"]))
        newest = max(int(records[kind].timestamp or 0) for kind in METADATA)
        form = form_of(records["primary"], metadata["primary"], timestamp=newest)
        return cls(root, packages, metadata, _extras(root, records.values()), form)


def _extras(root: Path, records: Iterable[RepomdRecord]) -> dict[str, Path]:
    """Return the listed files. A copy of the indexes alone may lack them."""
    source = f"{root}/repodata/repomd.xml"
    extras: dict[str, Path] = {}
    for kind, record in find_extras(records).items():
        extras[kind] = root / checked_location(record.location_href, source=source)
        if extras[kind].exists():
            checked_file(root, record)
    return extras


def metadata_locations(repomd: Path) -> tuple[str, ...]:
    """Return the locations of the metadata of packages, relative to the repo's root.

    Raises:
        BundleError: ``repomd`` is not a repomd.xml.
    """
    locations = (r.location_href for r in read_records(repomd) if r.type in METADATA)
    return tuple(checked_location(location, source=str(repomd)) for location in locations)


def index_files(root: Path) -> tuple[str, ...]:
    """Return the paths of repomd.xml, its signature and key, and the metadata files that it lists.

    Missing files are left out: dnf fetches only those that it needs.
    """
    source = root / "repodata/repomd.xml"
    signed = (f"repodata/repomd.xml{suffix}" for suffix in ("", ".asc", ".key"))
    listed = (checked_location(r.location_href, source=str(source)) for r in read_records(source))
    return tuple(name for name in (*signed, *listed) if (root / name).is_file())


def _read_primary(path: Path) -> list[Package]:
    packages: list[Package] = []

    def take(package: RpmPackage) -> None:
        packages.append(_package(package, source=str(path)))

    try:
        createrepo_c.xml_parse_primary(str(path), pkgcb=take, do_files=False)
    except createrepo_c.CreaterepoCError as error:
        raise BundleError(
            f"{path}: {error}", remedy="rebuild the metadata with createrepo_c"
        ) from error
    return packages


def _package(package: RpmPackage, *, source: str) -> Package:
    if package.location_base:
        raise BundleError(
            f"{source}: {package.name} is at {package.location_base}, outside the repo",
            remedy="use a repo that holds its packages itself",
        )
    # "sha" is createrepo's old name for SHA-1.
    kind = "sha1" if package.checksum_type == "sha" else package.checksum_type
    if kind not in ALGORITHMS:
        raise BundleError(
            f"{source}: {package.name} has a checksum of unknown kind {kind!r}",
            remedy="rebuild the metadata with createrepo_c --checksum sha256",
        )
    epoch = f"{package.epoch}:" if package.epoch not in (None, "", "0") else ""
    return Package(
        name=package.name,
        architecture=package.arch,
        version=f"{epoch}{package.version}-{package.release}",
        size_bytes=int(package.size_package),
        location=checked_location(package.location_href, source=source),
        digests=((kind, package.pkgId),),
    )


def write_yum_metadata(
    repo: YumMetadata,
    carried: Collection[str],
    out: Path,
    extras: Mapping[str, bytes] | None = None,
) -> None:
    """Write the metadata of the packages at ``carried``, in the form of ``repo``.

    The entries of ``repo`` are copied unchanged; no rpm is opened. ``extras`` are further files,
    by their kind in repomd.xml.
    """
    locations = frozenset(carried)
    entries = iter_entries(repo, locations)
    write_metadata(out, entries, len(locations), extras or {}, repo.form)


def iter_entries(repo: YumMetadata, locations: Collection[str]) -> Iterator[RpmPackage]:
    """Yield the complete entries of the packages at ``locations``, in the order of the index."""
    for package in createrepo_c.PackageIterator(*(str(repo.metadata[kind]) for kind in METADATA)):
        if posixpath.normpath(package.location_href) in locations:
            yield package
