"""``repomd.xml``: the list of a yum repo's metadata files. Reading it checked, and writing it."""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import ALGORITHMS, checked_location
from fuel_upgrade.repo.yum.createrepo import RepomdRecord, RpmPackage, createrepo_c
from fuel_upgrade.system.files import hash_file

METADATA = ("primary", "filelists", "other")
EXTRAS = {"group": "comps.xml", "modules": "modules.yaml", "updateinfo": "updateinfo.xml"}
"""The kinds beyond the packages' own that we read and write, and the names of their files."""
# createrepo lists one kind of data several times, each compressed otherwise; one is enough. Those
# in zchunk (_zck) repeat another, and the library may have been built without it.
_VARIANTS = ("", "_gz", "_xz", "_zst", "_bz2")
_COMPRESSIONS = ("GZ_COMPRESSION", "XZ_COMPRESSION", "ZSTD_COMPRESSION", "BZ2_COMPRESSION")
_CHECKSUMS = {"sha384": "SHA384", "sha512": "SHA512"}


@dataclass(frozen=True, slots=True)
class MetadataForm:
    """How metadata files are packed and summed, by the constants of createrepo_c, and how old
    they say that they are, in Unix time.
    """  # noqa: D205 - one sentence

    compression: int
    checksum: int
    timestamp: int


def read_records(repomd: Path) -> list[RepomdRecord]:
    """Return the entries of a ``repomd.xml``.

    Raises:
        BundleError: it is missing or malformed.
    """
    try:
        found: list[RepomdRecord] = createrepo_c.Repomd(str(repomd)).records
    except (createrepo_c.CreaterepoCError, OSError) as error:
        raise BundleError(
            f"{repomd}: {error}", remedy="rebuild the metadata with createrepo_c"
        ) from error
    return found


def find_extras(
    records: Iterable[RepomdRecord],
) -> dict[str, RepomdRecord]:
    """Map each kind of :data:`EXTRAS` that is listed to its entry."""
    by_type = {record.type: record for record in records}
    listed = {k: [by_type[k + v] for v in _VARIANTS if k + v in by_type] for k in EXTRAS}
    return {kind: found[0] for kind, found in listed.items() if found}


def form_of(primary: RepomdRecord, path: Path, *, timestamp: int) -> MetadataForm:
    """Return the form that ``primary``, whose file is at ``path``, has.

    A checksum older than SHA-256 becomes that; a file not compressed at all becomes gzip.
    """
    found = createrepo_c.detect_compression(str(path))
    known = [getattr(createrepo_c, name) for name in _COMPRESSIONS]
    compression = found if found in known else createrepo_c.GZ_COMPRESSION
    checksum = getattr(createrepo_c, _CHECKSUMS.get(primary.checksum_type, "SHA256"))
    return MetadataForm(compression, checksum, timestamp)


def checked_file(root: Path, record: RepomdRecord) -> Path:
    """Return where the file of an entry lies, after comparing its size and checksum.

    Raises:
        BundleError: it is not there or not what the entry says.
    """
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
        raise _altered(path, f"{algorithm} {found}, but repomd.xml says {record.checksum}")
    size = path.stat().st_size
    if record.size > 0 and size != record.size:  # the oldest createrepo gives no size
        raise _altered(path, f"{size} bytes, but repomd.xml says {record.size}")
    return path


def _altered(path: Path, what: str) -> BundleError:
    return BundleError(
        f"{path}: {what}",
        remedy="copy the repo again, or rebuild its metadata with createrepo_c",
    )


def unpacked(path: Path) -> bytes:
    """Return the content of a metadata file, whatever it is compressed with.

    Raises:
        BundleError: it is missing or cannot be unpacked.
    """
    with tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as name:
        plain = Path(name) / "plain"
        try:
            createrepo_c.decompress_file(
                str(path), str(plain), createrepo_c.AUTO_DETECT_COMPRESSION
            )
        except (createrepo_c.CreaterepoCError, OSError) as error:
            raise BundleError(
                f"{path}: {error}", remedy="copy the repo again, with all of its metadata"
            ) from error
        return plain.read_bytes()


def write_metadata(
    out: Path,
    packages: Iterable[RpmPackage],
    count: int,
    extras: Mapping[str, bytes],
    form: MetadataForm,
) -> None:
    """Write ``repodata`` below ``out`` for ``count`` packages, with ``extras`` by their kinds.

    The time in ``form`` comes from the input: the same input gives the same bytes.
    """
    folder = out / "repodata"
    folder.mkdir(parents=True)
    suffix = createrepo_c.compression_suffix(form.compression)
    paths = {kind: folder / f"{kind}.xml{suffix}" for kind in METADATA}
    _write_entries(packages, count, paths, form)
    for kind, data in extras.items():
        paths[kind] = folder / f"{EXTRAS[kind]}{suffix}"
        _write_packed(data, paths[kind], form)
    repomd = createrepo_c.Repomd()
    repomd.set_revision(str(form.timestamp))
    for kind, path in paths.items():
        record = createrepo_c.RepomdRecord(kind, str(path))
        record.fill(form.checksum)
        record.timestamp = form.timestamp
        record.rename_file()
        repomd.set_record(record)
    (folder / "repomd.xml").write_text(repomd.xml_dump(), encoding="utf-8")


def _write_entries(
    packages: Iterable[RpmPackage],
    count: int,
    paths: Mapping[str, Path],
    form: MetadataForm,
) -> None:
    writers = {
        "primary": createrepo_c.PrimaryXmlFile,
        "filelists": createrepo_c.FilelistsXmlFile,
        "other": createrepo_c.OtherXmlFile,
    }
    opened = [writers[kind](str(path), form.compression) for kind, path in paths.items()]
    for file in opened:
        file.set_num_of_pkgs(count)
    for package in packages:
        for file in opened:
            file.add_pkg(package)
    for file in opened:
        file.close()


def _write_packed(data: bytes, target: Path, form: MetadataForm) -> None:
    with tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as name:
        plain = Path(name) / "plain"
        plain.write_bytes(data)
        createrepo_c.compress_file(str(plain), str(target), form.compression)
