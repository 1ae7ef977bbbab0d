"""Minimal repos for tarballs: each package is one line of text."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fuel_upgrade.repo.apt.stanza import FileSums, render_packages, render_release
from fuel_upgrade.repo.package import Package, RepoKind
from fuel_upgrade.repo.yum.createrepo import createrepo_c
from fuel_upgrade.repo.yum.repomd import METADATA

SUITE = "drill"
COMPONENT = "main"
_ARCHITECTURE = {RepoKind.APT: "amd64", RepoKind.YUM: "x86_64"}
_FIELDS = {"md5": "MD5sum"}  # other fields have the name of the algorithm
Content = Mapping[Package, bytes]
"""The packages of a repo with the bytes of their files."""


def content(kind: RepoKind, texts: Mapping[str, str]) -> Content:
    """Return packages of one version from texts by name."""
    packages = {}
    for name, text in texts.items():
        data = text.encode()
        suffix = "deb" if kind is RepoKind.APT else "rpm"
        location = f"pool/{name}-1.0-1.{suffix}"
        digests = (("sha256", hashlib.sha256(data).hexdigest()),)
        package = Package(name, _ARCHITECTURE[kind], "1.0-1", len(data), location, digests)
        packages[package] = data
    return packages


def write_repo(root: Path, kind: RepoKind, packages: Content) -> Path:
    """Write a repo with its packages; return its root."""
    for package, data in packages.items():
        path = root / package.location
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if kind is RepoKind.APT:
        _write_apt(root, packages)
    else:
        _write_yum(root, packages)
    return root


def _write_apt(root: Path, packages: Content) -> None:
    name = f"{COMPONENT}/binary-amd64/Packages"
    index = render_packages([_stanza(package) for package in packages])
    folder = root / "dists" / SUITE
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(index)
    fields = {"Origin": "Drill", "Label": "Drill", "Suite": SUITE, "Codename": SUITE}
    fields |= {"Architectures": "amd64", "Components": COMPONENT}
    (folder / "Release").write_bytes(render_release(fields, {name: FileSums.of(index)}))


def _stanza(package: Package) -> bytes:
    lines = [
        f"Package: {package.name}",
        f"Version: {package.version}",
        f"Architecture: {package.architecture}",
        f"Filename: {package.location}",
        f"Size: {package.size_bytes}",
        *(f"{_FIELDS.get(kind, kind.upper())}: {value}" for kind, value in package.digests),
    ]
    return "\n".join(lines).encode()


def _write_yum(root: Path, packages: Content) -> None:
    folder = root / "repodata"
    folder.mkdir(parents=True)
    writers = (
        createrepo_c.PrimaryXmlFile,
        createrepo_c.FilelistsXmlFile,
        createrepo_c.OtherXmlFile,
    )
    repomd = createrepo_c.Repomd()
    repomd.set_revision("1")
    for kind, writer in zip(METADATA, writers, strict=True):
        path = folder / f"{kind}.xml.gz"
        file = writer(str(path), createrepo_c.GZ_COMPRESSION)
        file.set_num_of_pkgs(len(packages))
        for package in packages:
            file.add_pkg(_fill(createrepo_c.Package(), package))
        file.close()
        record = createrepo_c.RepomdRecord(kind, str(path))
        record.fill(createrepo_c.SHA256)
        record.timestamp = 1
        repomd.set_record(record)
    (folder / "repomd.xml").write_text(repomd.xml_dump(), encoding="utf-8")


def _fill(entry: Any, package: Package) -> Any:
    epoch, _, rest = package.version.rpartition(":")
    entry.name, entry.arch, entry.epoch = package.name, package.architecture, epoch or "0"
    entry.version, _, entry.release = rest.partition("-")
    entry.summary, entry.description, entry.rpm_license = "a package", "a package", "free"
    entry.location_href, entry.size_package = package.location, package.size_bytes
    entry.checksum_type, entry.pkgId = package.digests[0]
    return entry
