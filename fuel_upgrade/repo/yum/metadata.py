"""Read the metadata of a yum repo with createrepo_c."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.contradictions import refuse_contradictions
from fuel_upgrade.repo.metadata_place import require_regular
from fuel_upgrade.repo.package import (
    ALGORITHMS,
    IS_CHECKSUM,
    MOST_BYTES,
    Package,
    checked_location,
    word_fault,
)
from fuel_upgrade.repo.yum.createrepo import (
    RepomdRecord,
    RpmPackage,
    createrepo_c,
    declared_count,
    fault_text,
    refuse_bomb,
    refuse_other_encoding,
)
from fuel_upgrade.repo.yum.repomd import (
    METADATA,
    MetadataForm,
    check_unpacked,
    checked_file,
    find_extras,
    form_of,
    read_records,
    refuse_other_content,
)


@dataclass(frozen=True)
class YumMetadata:
    """The metadata of a yum repo. ``metadata`` maps a kind of :data:`METADATA` to its file.

    ``extras`` maps ``group``, ``modules`` and ``updateinfo`` to the listed files. Only primary is
    known to exist; ``primary`` is its entry. ``computed`` maps locations to SHA-256 sums that it
    lacks. ``faults`` has the fault, or "", of each file of ``metadata`` that was parsed.
    """

    root: Path
    primary: RepomdRecord
    metadata: dict[str, Path]
    extras: dict[str, Path]
    form: MetadataForm
    computed: Mapping[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def timestamp(self) -> int:
        """The time of the newest metadata file, in Unix time."""
        return self.form.timestamp

    @classmethod
    def read(cls, root: Path) -> Self:
        """Read a repo's ``repomd.xml`` and primary metadata, checked against their checksums.

        Raises:
            BundleError: primary is missing or malformed, a file differs from its checksum, or the
                metadata contradicts itself.
        """
        repo = cls.open(root)
        _ = repo.packages  # reports a malformed entry now, not at the first use
        return repo

    @classmethod
    def open(cls, root: Path) -> Self:
        """Read ``repomd.xml`` and check the files that it lists, but parse none of them yet.

        Raises:
            BundleError: primary is missing, or a file differs from its checksum.
        """
        records = {r.type: r for r in read_records(root / "repodata/repomd.xml")}
        refuse_other_content(root, records.values())
        listed = {kind: records[kind] for kind in METADATA if kind in records}
        if "primary" not in listed:
            raise BundleError(
                f"{root}/repodata/repomd.xml: no primary metadata",
                remedy="rebuild the metadata with createrepo_c",
            )
        primary = checked_file(root, listed["primary"])
        newest = max(int(record.timestamp or 0) for record in listed.values())
        form = form_of(listed["primary"], primary, timestamp=newest)
        extras = _check_present(root, find_extras(records.values()))
        return cls(root, listed["primary"], _check_present(root, listed), extras, form)

    @cached_property
    def packages(self) -> tuple[Package, ...]:
        """The packages in primary, as the library reads them.

        Raises:
            BundleError: it is malformed, differs from its checksum, or contradicts itself.
        """
        path, packages = self.metadata["primary"], list[Package]()
        check_unpacked(path, self.primary)

        def take(package: RpmPackage) -> None:
            source = f"{path}, entry {len(packages) + 1}"
            packages.append(self._completed(_package(package, source=source)))

        self.parse("primary", take)
        if (declared := declared_count(path)) not in (None, str(len(packages))):
            raise BundleError(
                f"{path}: packages={declared!r}, but it lists {len(packages)}",
                remedy="rebuild the metadata with createrepo_c",
            )
        refuse_contradictions(packages, source=str(path))
        return tuple(packages)

    def _completed(self, package: Package) -> Package:
        value = self.computed.get(package.location)
        if value is None:
            return package
        return replace(package, digests=(*package.digests, ("sha256", value)))

    def parse(self, kind: str, take: Callable[[RpmPackage], None], *, files: bool = False) -> None:
        """Parse a file of ``metadata`` as :func:`parse_metadata` does, and note its fault."""
        try:
            parse_metadata(self.metadata[kind], kind, take, files=files)
        except BundleError as error:
            self.faults[kind] = error.what
            raise
        self.faults[kind] = ""

    def parse_packages(
        self,
        locations: Collection[str],
        take: Callable[[RpmPackage], None],
    ) -> None:
        """Parse primary with the files in it, at least the packages at these locations."""
        self.parse("primary", take, files=True)


def _check_present(root: Path, records: dict[str, RepomdRecord]) -> dict[str, Path]:
    """Return the listed files by kind, after checking those that exist."""
    source = f"{root}/repodata/repomd.xml"
    paths: dict[str, Path] = {}
    for kind, record in records.items():
        paths[kind] = root / checked_location(record.location_href, source=source)
        if paths[kind].exists():
            checked_file(root, record)
    return paths


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

    Raises:
        BundleError: one of them is no regular file, or leads out of the repo.
    """
    source = root / "repodata/repomd.xml"
    signed = (f"repodata/repomd.xml{suffix}" for suffix in ("", ".asc", ".key"))
    listed = (checked_location(r.location_href, source=str(source)) for r in read_records(source))
    present = tuple(name for name in (*signed, *listed) if (root / name).exists())
    require_regular(root, (root / name for name in present))
    return present


def parse_metadata(
    path: Path,
    kind: str,
    take: Callable[[RpmPackage], None],
    *,
    files: bool = False,
    source: Path | None = None,
) -> None:
    """Give each entry of a file of one kind to ``take``, up to the first fault.

    ``files`` includes the files in primary. ``source`` is the file in errors, if it is another one.

    Raises:
        BundleError: it is missing or malformed.
    """
    failures: list[Exception] = []

    def guarded(package: RpmPackage) -> None:
        try:
            take(package)
        except Exception as error:
            failures.append(error)  # the library raises an error of its own for it
            raise

    refuse_bomb(path, has_packages=True)
    refuse_other_encoding(path)
    options = {"do_files": files} if kind == "primary" else {}
    try:
        getattr(createrepo_c, f"xml_parse_{kind}")(str(path), pkgcb=guarded, **options)
    except (createrepo_c.CreaterepoCError, OSError, UnicodeError) as error:
        if failures:
            raise failures[0] from None
        raise BundleError(
            f"{source or path}: {fault_text(error, path)}",
            remedy="rebuild the metadata with createrepo_c",
        ) from error


def _package(package: RpmPackage, *, source: str) -> Package:
    if package.location_base:
        raise BundleError(
            f"{source}: {package.name} is at {package.location_base}, outside the repo",
            remedy="use a repo that holds its packages itself",
        )
    if fault := _fault(package):
        raise BundleError(
            f"{source}: {package.name or 'a package'} {fault}",
            remedy="rebuild the metadata with createrepo_c --checksum sha256",
        )
    epoch = f"{package.epoch}:" if package.epoch not in (None, "", "0") else ""
    return Package(
        name=package.name,
        architecture=package.arch,
        version=f"{epoch}{package.version}-{package.release}",
        size_bytes=int(package.size_package),
        location=checked_location(package.location_href, source=source),
        digests=((_kind(package), package.pkgId),),
    )


def _fault(package: RpmPackage) -> str:
    """Return why an entry cannot be used; empty if it can."""
    parts = (package.name, package.arch, package.version, package.release)
    if None in (*parts, package.location_href, package.pkgId):
        return "lacks a part of its name, its location or its checksum"
    if fault := next(filter(None, map(word_fault, (*parts, package.epoch or ""))), ""):
        return f"has {fault} in its name, architecture or version"
    if not 0 <= package.size_package < MOST_BYTES:
        return f"has {package.size_package} bytes"
    if (kind := _kind(package)) not in ALGORITHMS:
        return f"has a checksum of unknown kind {kind!r}"
    return "" if IS_CHECKSUM(package.pkgId) else "has a checksum that is no hexadecimal number"


def _kind(package: RpmPackage) -> str:
    """Return the algorithm of a checksum; "sha" is createrepo's old name of SHA-1."""
    kind: str = package.checksum_type
    return "sha1" if kind == "sha" else kind
