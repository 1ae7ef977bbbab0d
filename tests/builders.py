"""Makes the smallest archives, repos and bundles that tests need, without the packaging tools."""

import gzip
import hashlib
import io
import lzma
import os
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import createrepo_c
import yaml
from hypothesis import settings

from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.bundle.spec import BundleSpec, parse_spec
from fuel_upgrade.repo.apt.stanza import FileSums, render_packages, render_release
from fuel_upgrade.repo.package import Package
from fuel_upgrade.system.archive import ArchiveReader, Kind
from fuel_upgrade.system.progress import no_progress

END = bytes(1024)
# A loaded machine is no failure. EXAMPLES: how many, where there is the time for more.
quickly = settings(max_examples=int(os.environ.get("EXAMPLES", "20")), deadline=None)
VERSION = "2014.2-6.0"
BASE_VERSION = "2014.1.1-5.1"
_PACK: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".xz": lzma.compress,
}


@dataclass(frozen=True)
class Content:
    """A member as a reader gave it."""

    kind: Kind
    mode: int
    target: str
    data: bytes


def header(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> bytes:
    """Return a tar header (with GNU extensions where needed), for names that no writer gives."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, size, target, 0o644
    return info.tobuf(tarfile.GNU_FORMAT)


def file_member(name: str, data: bytes = b"") -> bytes:
    return header(name, size=len(data)) + padded(data)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def pax(*records: tuple[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    """Return a pax extended header with these records."""
    data = b"".join(map(pax_record, records))
    return header("PaxHeader", kind, len(data)) + padded(data)


def pax_record(record: tuple[str, str]) -> bytes:
    body = f" {record[0]}={record[1]}\n".encode("utf-8", "surrogateescape")
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def reader(data: bytes) -> ArchiveReader:
    return ArchiveReader(io.BytesIO(data), name="test.tar")


def read_archive(data: bytes) -> dict[str, Content]:
    """Read a whole archive into memory."""
    source = reader(data)
    return {
        m.path: Content(m.kind, m.mode, m.target, b"".join(source.chunks()))
        for m in source.members()
    }


@dataclass(frozen=True)
class Fake:
    """A package file that no package manager could open; the repos list it all the same."""

    name: str
    version: str = "1.0-1"
    content: str = "content"
    architecture: str = "all"
    component: str = "main"

    @property
    def data(self) -> bytes:
        return self.content.encode()

    @property
    def location(self) -> str:
        return f"pool/{self.component}/{self.name}_{self.version}_{self.architecture}.deb"

    @property
    def rpm_location(self) -> str:
        return f"Packages/{self.name}-{self.version}.noarch.rpm"


def package(name: str, version: str = "1.0-1", content: str = "x", arch: str = "all") -> Package:
    """Return a package as an index with MD5 and SHA-256 gives it."""
    digests = tuple((kind, checksum(kind, content.encode())) for kind in ("sha256", "md5"))
    return Package(name, arch, version, len(content), f"{name}_{version}_{arch}.deb", digests)


def checksum(algorithm: str, data: bytes) -> str:
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def stanza(fake: Fake, sums: Sequence[str] = ("SHA256",)) -> bytes:
    lines = [
        f"Package: {fake.name}",
        f"Version: {fake.version}",
        f"Architecture: {fake.architecture}",
        f"Filename: {fake.location}",
        f"Size: {len(fake.data)}",
        *(f"{field}: {checksum(field.lower().removesuffix('sum'), fake.data)}" for field in sums),
        "Description: a package\n Version: of nothing",
    ]
    return "\n".join(lines).encode()


def apt_repo(
    root: Path,
    fakes: Iterable[Fake],
    *,
    sums: Sequence[str] = ("SHA256",),
    suite: str = "precise",
    components: Sequence[str] = ("main",),
    architectures: Sequence[str] = ("amd64",),
    suffixes: Sequence[str] = ("", ".gz"),
    release: bool = True,
) -> Path:
    """Make an apt repo; packages of architecture ``all`` are listed for every architecture."""
    fakes = list(fakes)
    for fake in fakes:
        write(root / fake.location, fake.data)
    files: dict[str, bytes] = {}
    for component in components:
        for architecture in architectures:
            chosen = [
                stanza(fake, sums)
                for fake in fakes
                if fake.component == component and fake.architecture in ("all", architecture)
            ]
            plain = render_packages(chosen)
            stem = f"{component}/binary-{architecture}/Packages"
            files |= {stem + suffix: _PACK[suffix](plain) for suffix in suffixes}
    folder = root / "dists" / suite
    for name, data in files.items():
        write(folder / name, data)
    if release:
        fields = {"Origin": "Fuel", "Label": "Fuel", "Suite": suite, "Codename": suite}
        fields["Architectures"] = " ".join(architectures)
        fields["Components"] = " ".join(components)
        write(
            folder / "Release",
            render_release(fields, {k: FileSums.of(v) for k, v in files.items()}),
        )
    return root


def yum_repo(
    root: Path,
    fakes: Iterable[Fake],
    *,
    prefix: str = "",
    algorithm: str = "sha256",
    location_base: str = "",
) -> Path:
    """Make a yum repo; ``prefix`` goes before each location in the metadata."""
    fakes = list(fakes)
    for fake in fakes:
        write(root / fake.rpm_location, fake.data)
    folder = root / "repodata"
    folder.mkdir(parents=True)
    kinds = {
        "primary": createrepo_c.PrimaryXmlFile,
        "filelists": createrepo_c.FilelistsXmlFile,
        "other": createrepo_c.OtherXmlFile,
    }
    repomd = createrepo_c.Repomd()
    repomd.set_revision("1")
    for kind, make in kinds.items():
        path = folder / f"{kind}.xml.gz"
        xml = make(str(path), createrepo_c.GZ_COMPRESSION)
        xml.set_num_of_pkgs(len(fakes))
        for fake in fakes:
            xml.add_pkg(_rpm(fake, prefix, algorithm, location_base))
        xml.close()
        record = createrepo_c.RepomdRecord(kind, str(path))
        record.fill(createrepo_c.SHA256)
        record.timestamp = 1
        repomd.set_record(record)
    write(folder / "repomd.xml", repomd.xml_dump().encode())
    return root


def _rpm(fake: Fake, prefix: str, algorithm: str, location_base: str) -> Any:
    actual = createrepo_c.Package()
    epoch, _, rest = fake.version.rpartition(":")
    actual.name, actual.arch, actual.epoch = fake.name, "noarch", epoch or "0"
    actual.version, _, actual.release = rest.partition("-")
    actual.summary, actual.description, actual.rpm_license = "a package", "a package", "free"
    actual.location_href = prefix + fake.rpm_location
    known = algorithm if algorithm in hashlib.algorithms_available else "sha1"
    actual.pkgId, actual.checksum_type = checksum(known, fake.data), algorithm
    if location_base:
        actual.location_base = location_base
    actual.size_package = len(fake.data)
    return actual


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def openstack_yaml(
    systems: Sequence[str] = ("Ubuntu", "CentOS"), version: str = VERSION
) -> list[dict[str, Any]]:
    """Return the entries of an ``openstack.yaml``."""
    return [
        {
            "pk": number,
            "fields": {"name": f"Juno on {name}", "version": version, "operating_system": name},
        }
        for number, name in enumerate(systems, start=1)
    ]


def write_parts(folder: Path) -> dict[str, Any]:
    """Write the parts of a bundle and return the ``bundle.yaml`` that names them.

    One diff release: an apt repo of which one package was rebuilt, a yum repo with a new one.
    """
    write(folder / "version.yaml", 'VERSION: {release: "6.0"}\n')
    write(folder / "openstack.yaml", yaml.safe_dump(openstack_yaml()))
    write(folder / "puppet/modules/nova/manifests/init.pp", "class nova {}\n")
    (folder / "puppet/manifests").mkdir()
    (folder / "puppet/manifests/site.pp").symlink_to("../modules/nova/manifests/init.pp")
    write(folder / "puppet/modules/nova/run", "#!/bin/sh\n").chmod(0o755)
    same = Fake("same")
    apt_repo(folder / "ubuntu-base", [same, Fake("changed", content="one")])
    apt_repo(folder / "ubuntu", [same, Fake("changed", content="two")])
    yum_repo(folder / "centos-base", [same])
    yum_repo(folder / "centos", [same, Fake("new")])
    return {
        "version_yaml": "version.yaml",
        "upgrade_from": ["5.1", "5.1.1"],
        "releases": [
            {
                "openstack_yaml": "openstack.yaml",
                "version_yaml": "version.yaml",
                "puppet": "puppet",
                "base": BASE_VERSION,
                "repos": {
                    "ubuntu": {"base": "ubuntu-base", "current": "ubuntu"},
                    "centos": {"base": "centos-base", "current": "centos"},
                },
            }
        ],
    }


def spec_of(data: Mapping[str, Any], folder: Path) -> BundleSpec:
    return parse_spec(yaml.safe_dump(data), source=folder / "bundle.yaml")


def make_tarball(folder: Path, name: str = "fuel-6.0-upgrade.tar") -> Path:
    """Build the bundle of :func:`write_parts` and return its path."""
    data = write_parts(folder / "parts")
    out = folder / name
    build_bundle(spec_of(data, folder / "parts"), out, progress=no_progress)
    return out


def write_installer(path: Path, *, version: str = "2.0", does: str = "") -> Path:
    """Write a file with the header of an installer of fuel-upgrade; ``does`` are lines of shell."""
    covered = f"version={version}\n{does}\nexit 0\n".encode()
    header = f"#!/bin/sh\nsha256={hashlib.sha256(covered).hexdigest()}\n".encode()
    return write(path, header + covered)
