"""Write the metadata of a yum repo, made from that of others."""

import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from posixpath import normpath

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.yum.createrepo import RpmPackage, createrepo_c
from fuel_upgrade.repo.yum.metadata import YumMetadata
from fuel_upgrade.repo.yum.repomd import EXTRAS, METADATA, MetadataForm

_WRITERS = {
    "primary": "PrimaryXmlFile",
    "filelists": "FilelistsXmlFile",
    "other": "OtherXmlFile",
}


def write_yum_metadata(
    parts: Sequence[tuple[YumMetadata, Collection[Package]]],
    out: Path,
    extras: Mapping[str, bytes],
    form: MetadataForm,
) -> None:
    """Write ``repodata`` below ``out``: of each repo these packages.

    Entries are unchanged; no rpm is opened. ``extras`` are further files, by their kind in
    repomd.xml. The time in ``form`` comes from the input: the same input gives the same bytes.
    """
    folder = out / "repodata"
    folder.mkdir(parents=True)
    suffix = createrepo_c.compression_suffix(form.compression)
    paths = {kind: folder / f"{kind}.xml{suffix}" for kind in METADATA}
    for kind, path in paths.items():
        _write_entries(kind, parts, path, form)
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
    kind: str,
    parts: Sequence[tuple[YumMetadata, Collection[Package]]],
    path: Path,
    form: MetadataForm,
) -> None:
    file = getattr(createrepo_c, _WRITERS[kind])(str(path), form.compression)
    file.set_num_of_pkgs(sum(len({p.location for p in packages}) for _, packages in parts))
    for repo, packages in parts:
        _copy_entries(kind, repo, packages, file.add_pkg)
    file.close()


def _copy_entries(
    kind: str, repo: YumMetadata, packages: Collection[Package], add: Callable[[RpmPackage], None]
) -> None:
    """Add the entries of one kind, joined with primary by pkgid, as package managers do.

    A package without an entry gets one of the data in primary. Of a file that cannot be read to
    its end the entries before the fault are used.
    """
    locations = {package.location for package in packages}
    left = Counter(package.digests[0][1] for package in packages)

    def take(package: RpmPackage) -> None:
        if left[package.pkgId] > 0:
            left[package.pkgId] -= 1
            add(package)

    def take_located(package: RpmPackage) -> None:
        if normpath(package.location_href) in locations:
            take(package)

    if kind != "primary" and kind in repo.metadata:
        with suppress(BundleError):
            repo.parse(kind, take)
    if left.total():
        repo.parse_packages(locations, take_located)


def _write_packed(data: bytes, target: Path, form: MetadataForm) -> None:
    with tempfile.TemporaryDirectory(prefix="fuel-upgrade-") as name:
        plain = Path(name) / "plain"
        plain.write_bytes(data)
        createrepo_c.compress_file(str(plain), str(target), form.compression)
