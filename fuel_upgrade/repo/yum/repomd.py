"""Read ``repomd.xml``, the list of a yum repo's metadata files."""

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.metadata_place import require_regular
from fuel_upgrade.repo.package import ALGORITHMS, checked_location
from fuel_upgrade.repo.yum.createrepo import (
    RepomdRecord,
    createrepo_c,
    fault_text,
    refuse_bomb,
    refuse_other_encoding,
)
from fuel_upgrade.system import budgets
from fuel_upgrade.system.files import hash_file

METADATA = ("primary", "filelists", "other")
EXTRAS = {"group": "comps.xml", "modules": "modules.yaml", "updateinfo": "updateinfo.xml"}
"""The kinds of metadata besides those of packages, with the names of their files."""
# createrepo lists one kind of data in several compressions; one is enough. zchunk (_zck) always
# repeats another one, and the library may have been built without it.
_VARIANTS = ("", "_gz", "_xz", "_zst", "_bz2")
_COMPRESSIONS = ("GZ_COMPRESSION", "XZ_COMPRESSION", "ZSTD_COMPRESSION", "BZ2_COMPRESSION")
_TYPE = re.compile(rb"""<data\s+type=["']([^"']+)""")
_NO_SIZE = -1  # the library's unpacked size of an entry without one
_CHECKSUMS = {"sha384": "SHA384", "sha512": "SHA512"}


@dataclass(frozen=True, slots=True)
class MetadataForm:
    """Compression and checksum of metadata files, as constants of createrepo_c, and their time."""

    compression: int
    checksum: int
    timestamp: int


def read_records(repomd: Path) -> list[RepomdRecord]:
    """Return the entries of a ``repomd.xml``.

    Raises:
        BundleError: it is missing or malformed, or has two entries of one type, of which the
            library keeps the last and dnf reads the first.
    """
    require_regular(repomd.parents[1], [repomd])
    if repomd.exists() and repomd.stat().st_size > budgets.LIST_BYTES:
        raise BundleError(
            f"{repomd}: more than {budgets.LIST_BYTES} bytes", remedy="copy the repo again"
        )
    refuse_other_encoding(repomd)
    try:
        records: list[RepomdRecord] = createrepo_c.Repomd(str(repomd)).records
    except (createrepo_c.CreaterepoCError, OSError, UnicodeError) as error:
        raise BundleError(
            f"{repomd}: {fault_text(error, repomd)}",
            remedy="rebuild the metadata with createrepo_c",
        ) from error
    if negative := [r.type for r in records if r.size < 0 or r.size_open < _NO_SIZE]:
        raise BundleError(
            f"{repomd}: the entry of type {negative[0]} has a negative size",
            remedy="rebuild the metadata with createrepo_c",
        )
    if lacking := [r.type for r in records if not (r.location_href and r.checksum)]:
        raise BundleError(
            f"{repomd}: the entry of type {lacking[0]} has no location or no checksum",
            remedy="rebuild the metadata with createrepo_c",
        )
    types = Counter(_TYPE.findall(repomd.read_bytes()))
    if repeated := [kind.decode() for kind, count in types.items() if count > 1]:
        raise BundleError(
            f"{repomd}: several entries of type {', '.join(repeated)}",
            remedy="rebuild the metadata with createrepo_c",
        )
    return records


def find_extras(
    records: Iterable[RepomdRecord],
) -> dict[str, RepomdRecord]:
    """Map each kind of :data:`EXTRAS` that is listed to its entry."""
    return {kind: variants[0] for kind, variants in _variants(records).items() if variants}


def _variants(records: Iterable[RepomdRecord]) -> dict[str, list[RepomdRecord]]:
    typed = {record.type: record for record in records}
    return {k: [typed[k + v] for v in _VARIANTS if k + v in typed] for k in EXTRAS}


def refuse_other_content(root: Path, records: Iterable[RepomdRecord]) -> None:
    """Refuse two compressions of one kind of :data:`EXTRAS` that have different content.

    Raises:
        BundleError: they differ, or one of them differs from its entry.
    """
    for variants in _variants(records).values():
        present = [r for r in variants if (root / r.location_href).exists()]
        contents = [unpacked(checked_file(root, r)) for r in present] if present[1:] else []
        if any(content != contents[0] for content in contents):
            raise _altered(
                root / present[0].location_href,
                f"its content differs from that of {present[1].location_href}",
            )


def form_of(primary: RepomdRecord, path: Path, *, timestamp: int) -> MetadataForm:
    """Return the form of ``primary``, whose file is at ``path``.

    Checksums older than SHA-256 are replaced by it, and uncompressed files by gzip.
    """
    actual = createrepo_c.detect_compression(str(path))
    known = [getattr(createrepo_c, name) for name in _COMPRESSIONS]
    compression = actual if actual in known else createrepo_c.GZ_COMPRESSION
    checksum = getattr(createrepo_c, _CHECKSUMS.get(primary.checksum_type, "SHA256"))
    return MetadataForm(compression, checksum, timestamp)


def checked_file(root: Path, record: RepomdRecord) -> Path:
    """Return the path of an entry's file, after comparing its size and checksum.

    Raises:
        BundleError: it is missing or differs from the entry.
    """
    path = root / checked_location(record.location_href, source=f"{root}/repodata/repomd.xml")
    require_regular(root, [path])
    if not path.exists():
        raise BundleError(f"{path}: missing, but repomd.xml lists it", remedy="copy it whole")
    algorithm = _algorithm(record.checksum_type, path)
    actual = hash_file(path, algorithm)
    if actual != record.checksum:
        raise _altered(path, f"{algorithm} {actual}, but repomd.xml says {record.checksum}")
    size = path.stat().st_size
    if record.size > 0 and size != record.size:  # the oldest createrepo writes no size
        raise _altered(path, f"{size} bytes, but repomd.xml says {record.size}")
    return path


def _algorithm(kind: str, path: Path) -> str:
    """Return Python's name of a kind of checksum; "sha" is createrepo's old name of SHA-1."""
    algorithm = "sha1" if kind == "sha" else kind
    if algorithm not in ALGORITHMS:
        raise BundleError(
            f"{path}: repomd.xml has a checksum of unknown kind {algorithm!r}",
            remedy="rebuild the metadata with createrepo_c --checksum sha256",
        )
    return algorithm


def check_unpacked(path: Path, record: RepomdRecord) -> None:
    """Compare the content of a file with the size and checksum that its entry has for it.

    Raises:
        BundleError: it differs; entries of the oldest createrepo have neither.
    """
    expected, expected_bytes = record.checksum_open, record.size_open
    if not expected and expected_bytes <= 0:
        return
    algorithm = _algorithm(record.checksum_open_type, path) if expected else ALGORITHMS[0]
    with _unpacked_file(path) as plain:
        actual, size = hash_file(plain, algorithm), plain.stat().st_size
    if expected and actual != expected:
        raise _altered(path, f"unpacked {algorithm} {actual}, but repomd.xml says {expected}")
    if 0 < expected_bytes != size:
        raise _altered(path, f"unpacked {size} bytes, but repomd.xml says {expected_bytes}")


def _altered(path: Path, fault: str) -> BundleError:
    return BundleError(
        f"{path}: {fault}",
        remedy="copy the repo again, or rebuild its metadata with createrepo_c",
    )


def unpacked(path: Path) -> bytes:
    """Return the uncompressed content of a metadata file.

    Raises:
        BundleError: it is missing or cannot be decompressed.
    """
    with _unpacked_file(path) as plain:
        return plain.read_bytes()


@contextmanager
def _unpacked_file(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as name:
        plain = Path(name) / "plain"
        refuse_bomb(path)
        try:
            createrepo_c.decompress_file(
                str(path), str(plain), createrepo_c.AUTO_DETECT_COMPRESSION
            )
        except (createrepo_c.CreaterepoCError, OSError, UnicodeError) as error:
            raise BundleError(
                f"{path}: {fault_text(error, path)}",
                remedy="copy the repo again, with all of its metadata",
            ) from error
        yield plain
