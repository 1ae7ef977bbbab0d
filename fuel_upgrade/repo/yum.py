"""Reading a yum repo from disk, and writing the metadata of one, through createrepo_c."""

import posixpath
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import BundleError, OutsideError
from fuel_upgrade.repo.deb import checked_location
from fuel_upgrade.repo.package import ALGORITHMS, Package
from fuel_upgrade.system.files import hash_file

try:
    import createrepo_c
except ImportError as error:  # its wheel brings the module, but not the libraries of rpm and glib
    raise OutsideError(
        f"createrepo_c cannot be loaded: {error}",
        remedy="install its libraries: apt-get install createrepo-c, or dnf install createrepo_c",
    ) from error

METADATA = ("primary", "filelists", "other")


@dataclass(frozen=True, slots=True)
class YumRepo:
    """A yum repo, read whole. ``metadata`` maps a kind to its file; ``timestamp`` is Unix time."""

    root: Path
    packages: tuple[Package, ...]
    metadata: dict[str, Path]
    timestamp: int


def read_yum(root: Path) -> YumRepo:
    """Read a repo's ``repomd.xml`` and primary metadata, checked against their checksums.

    Raises:
        BundleError: metadata is missing, damaged or malformed.
    """
    records = _records(root / "repodata/repomd.xml")
    metadata = {r.type: _checked_metadata(root, r) for r in records if r.type in METADATA}
    if missing := [kind for kind in METADATA if kind not in metadata]:
        raise BundleError(
            f"{root}/repodata/repomd.xml: no {', '.join(missing)} metadata",
            remedy="rebuild the metadata with createrepo_c",
        )
    packages = tuple(_read_primary(metadata["primary"]))
    newest = max(int(r.timestamp or 0) for r in records if r.type in METADATA)
    return YumRepo(root, packages, metadata, newest)


def metadata_locations(repomd: Path) -> tuple[str, ...]:
    """Return where the metadata that we read lies, relative to the repo's root.

    Raises:
        BundleError: ``repomd`` is not a repomd.xml.
    """
    found = (r.location_href for r in _records(repomd) if r.type in METADATA)
    return tuple(checked_location(location, source=str(repomd)) for location in found)


def index_files(root: Path) -> tuple[str, ...]:
    """Return the paths of repomd.xml, its signature and key, and every metadata file that it lists.

    Those that are listed but not there are left out: dnf asks only for what it needs.
    """
    source = root / "repodata/repomd.xml"
    signed = (f"repodata/repomd.xml{suffix}" for suffix in ("", ".asc", ".key"))
    listed = (checked_location(r.location_href, source=str(source)) for r in _records(source))
    return tuple(name for name in (*signed, *listed) if (root / name).is_file())


def _records(repomd: Path) -> list[createrepo_c.RepomdRecord]:
    try:
        found: list[createrepo_c.RepomdRecord] = createrepo_c.Repomd(str(repomd)).records
    except (createrepo_c.CreaterepoCError, OSError) as error:
        raise BundleError(
            f"{repomd}: {error}", remedy="rebuild the metadata with createrepo_c"
        ) from error
    return found


def _checked_metadata(root: Path, record: createrepo_c.RepomdRecord) -> Path:
    path = root / checked_location(record.location_href, source=f"{root}/repodata/repomd.xml")
    if not path.exists():
        raise BundleError(f"{path}: not there, but repomd.xml lists it", remedy="copy it whole")
    algorithm = "sha1" if record.checksum_type == "sha" else record.checksum_type
    if algorithm not in ALGORITHMS:
        raise BundleError(
            f"{root}/repodata/repomd.xml: a checksum of unknown kind {algorithm!r}",
            remedy="rebuild the metadata with createrepo_c --checksum sha256",
        )
    found = hash_file(path, algorithm)
    if found != record.checksum:
        raise BundleError(
            f"{path}: {algorithm} {found}, but repomd.xml says {record.checksum}",
            remedy="copy the repo again, or rebuild its metadata with createrepo_c",
        )
    return path


def _read_primary(path: Path) -> list[Package]:
    found: list[Package] = []

    def take(package: createrepo_c.Package) -> None:
        found.append(_package(package, source=str(path)))

    try:
        createrepo_c.xml_parse_primary(str(path), pkgcb=take, do_files=False)
    except createrepo_c.CreaterepoCError as error:
        raise BundleError(
            f"{path}: {error}", remedy="rebuild the metadata with createrepo_c"
        ) from error
    return found


def _package(package: createrepo_c.Package, *, source: str) -> Package:
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


def write_yum_metadata(repo: YumRepo, carried: Collection[str], out: Path) -> None:
    """Write repomd.xml, primary, filelists and other for the packages at ``carried``.

    The entries are those of ``repo``, unchanged; no rpm is opened.
    """
    folder = out / "repodata"
    folder.mkdir(parents=True)
    paths = {kind: folder / f"{kind}.xml.gz" for kind in METADATA}
    _write_entries(repo, carried, paths)
    repomd = createrepo_c.Repomd()
    repomd.set_revision(str(repo.timestamp))  # from the input: the same input gives the same bytes
    for kind, path in paths.items():
        record = createrepo_c.RepomdRecord(kind, str(path))
        record.fill(createrepo_c.SHA256)
        record.timestamp = repo.timestamp
        record.rename_file()
        repomd.set_record(record)
    (folder / "repomd.xml").write_text(repomd.xml_dump(), encoding="utf-8")


def _write_entries(repo: YumRepo, carried: Collection[str], paths: dict[str, Path]) -> None:
    writers = {
        "primary": createrepo_c.PrimaryXmlFile,
        "filelists": createrepo_c.FilelistsXmlFile,
        "other": createrepo_c.OtherXmlFile,
    }
    opened = {k: writers[k](str(p), createrepo_c.GZ_COMPRESSION) for k, p in paths.items()}
    for file in opened.values():
        file.set_num_of_pkgs(len(carried))
    wanted = set(carried)
    packages = createrepo_c.PackageIterator(*(str(repo.metadata[kind]) for kind in METADATA))
    for package in packages:
        if posixpath.normpath(package.location_href) in wanted:
            for file in opened.values():
                file.add_pkg(package)
    for file in opened.values():
        file.close()
