"""Reading a yum repo from disk, and writing the metadata of one, through createrepo_c."""

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

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
class YumRepo:
    """A yum repo, read whole. ``metadata`` maps a kind to its file.

    ``extras`` are the files of groups, modules and advisories that it lists; one that is not
    there is an error of whoever reads it.
    """

    root: Path
    packages: tuple[Package, ...]
    metadata: dict[str, Path]
    extras: dict[str, Path]
    form: MetadataForm

    @property
    def timestamp(self) -> int:
        """How old the newest metadata is, in Unix time."""
        return self.form.timestamp


def read_yum(root: Path) -> YumRepo:
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
    return YumRepo(root, packages, metadata, _extras(root, records.values()), form)


def _extras(root: Path, records: Iterable[RepomdRecord]) -> dict[str, Path]:
    """Where only indexes were fetched, those that a reader of packages does not need are not."""
    source = f"{root}/repodata/repomd.xml"
    found: dict[str, Path] = {}
    for kind, record in find_extras(records).items():
        found[kind] = root / checked_location(record.location_href, source=source)
        if found[kind].exists():
            checked_file(root, record)
    return found


def metadata_locations(repomd: Path) -> tuple[str, ...]:
    """Return where the metadata that we read lies, relative to the repo's root.

    Raises:
        BundleError: ``repomd`` is not a repomd.xml.
    """
    found = (r.location_href for r in read_records(repomd) if r.type in METADATA)
    return tuple(checked_location(location, source=str(repomd)) for location in found)


def index_files(root: Path) -> tuple[str, ...]:
    """Return the paths of repomd.xml, its signature and key, and every metadata file that it lists.

    Those that are listed but not there are left out: dnf asks only for what it needs.
    """
    source = root / "repodata/repomd.xml"
    signed = (f"repodata/repomd.xml{suffix}" for suffix in ("", ".asc", ".key"))
    listed = (checked_location(r.location_href, source=str(source)) for r in read_records(source))
    return tuple(name for name in (*signed, *listed) if (root / name).is_file())


def _read_primary(path: Path) -> list[Package]:
    found: list[Package] = []

    def take(package: RpmPackage) -> None:
        found.append(_package(package, source=str(path)))

    try:
        createrepo_c.xml_parse_primary(str(path), pkgcb=take, do_files=False)
    except createrepo_c.CreaterepoCError as error:
        raise BundleError(
            f"{path}: {error}", remedy="rebuild the metadata with createrepo_c"
        ) from error
    return found


def _package(package: RpmPackage, *, source: str) -> Package:
    if package.location_base:
        raise BundleError(
            f"{source}: {package.name} lies at {package.location_base}, outside the repo",
            remedy="use a repo that holds its packages itself",
        )
    # "sha" is createrepo's old name of SHA-1.
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
    repo: YumRepo, carried: Collection[str], out: Path, extras: Mapping[str, bytes] | None = None
) -> None:
    """Write repomd.xml and what it lists for the packages at ``carried``, in the form of ``repo``.

    The entries are those of ``repo``, unchanged; no rpm is opened. ``extras`` are further files,
    by their kind in repomd.xml.
    """
    wanted = frozenset(carried)
    entries = iter_entries(repo, wanted)
    write_metadata(out, entries, len(wanted), extras or {}, repo.form)


def iter_entries(repo: YumRepo, locations: Collection[str]) -> Iterator[RpmPackage]:
    """Give the whole entries of the packages at ``locations``, in the order of the index."""
    for package in createrepo_c.PackageIterator(*(str(repo.metadata[kind]) for kind in METADATA)):
        if posixpath.normpath(package.location_href) in locations:
            yield package
