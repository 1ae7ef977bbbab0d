"""Writes pairs of repos that have indexes only, always the same ones."""

import random
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import createrepo_c

_WORDS = [f"lib{a}{b}" for a in ("foo", "bar", "qux") for b in ("-dev", "-common", "1", "-perl")]
_PROGRAMS = 5  # provides and requires of an rpm


def write_apt_pair(folder: Path, packages: int, *, changed: float) -> None:
    """Write ``base`` and ``current``; the share ``changed`` of the packages differs."""
    for side in ("base", "current"):
        path = folder / side / "dists/stable/main/binary-amd64/Packages"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(_stanzas(side, packages, changed)))


def _stanzas(side: str, packages: int, changed: float) -> Iterator[bytes]:
    draw = random.Random(3)
    for number in range(packages):
        is_changed = int(number * changed) != int((number + 1) * changed)
        yield _stanza(number, side if is_changed else "base", draw)


def _stanza(number: int, side: str, draw: random.Random) -> bytes:
    name, version = f"package-{number:05}", f"{number % 9}.{number % 31}-{1 + (side != 'base')}"
    depends = ", ".join(draw.sample(_WORDS, draw.randint(2, 10)))
    return (
        f"Package: {name}\nVersion: {version}\nInstalled-Size: {number}\n"
        f"Maintainer: Bench Team <bench@example.org>\nArchitecture: amd64\n"
        f"Depends: {depends}\nDescription: package number {number}\n"
        f"Homepage: https://example.org/{name}\n"
        f"Description-md5: {number:032x}\nTag: {', '.join(draw.choices(_WORDS, k=25))}\n"
        f"Section: libs\nPriority: optional\n"
        f"Filename: pool/main/p/{name}/{name}_{version}_amd64.deb\nSize: {number + 1}\n"
        f"MD5sum: {number:032x}\nSHA256: {sha256(f'{name} {side}'.encode()).hexdigest()}\n\n"
    ).encode()


def write_yum_pair(folder: Path, packages: int, *, changed: float) -> None:
    """Write ``base`` and ``current``; the share ``changed`` of the packages differs."""
    for side in ("base", "current"):
        _write_repodata(folder / side / "repodata", side, packages, changed)


def _write_repodata(folder: Path, side: str, packages: int, changed: float) -> None:
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
        xml.set_num_of_pkgs(packages)
        for number in range(packages):
            is_changed = int(number * changed) != int((number + 1) * changed)
            xml.add_pkg(_rpm(number, side if is_changed else "base"))
        xml.close()
        record = createrepo_c.RepomdRecord(kind, str(path))
        record.fill(createrepo_c.SHA256)
        record.timestamp = 1
        repomd.set_record(record)
    (folder / "repomd.xml").write_text(repomd.xml_dump())


def _rpm(number: int, side: str) -> Any:
    rpm = createrepo_c.Package()
    rpm.name, rpm.arch, rpm.epoch = f"package-{number:05}", "x86_64", "0"
    rpm.version, rpm.release = f"{number % 9}.{number % 31}", "1" if side == "base" else "2"
    rpm.summary, rpm.description = f"package number {number}", "Made up for a measurement."
    rpm.rpm_license, rpm.url = "free", f"https://example.org/{rpm.name}"
    rpm.location_href = f"Packages/{rpm.name}-{rpm.version}-{rpm.release}.x86_64.rpm"
    rpm.pkgId, rpm.checksum_type = sha256(f"{rpm.name} {side}".encode()).hexdigest(), "sha256"
    rpm.size_package = number + 1
    rpm.provides = [
        (f"{rpm.name}-{n}", "EQ", "0", rpm.version, rpm.release, False) for n in range(_PROGRAMS)
    ]
    rpm.requires = [
        (f"package-{(number * 7 + n) % 100:05}-0", None, None, None, None, False)
        for n in range(_PROGRAMS)
    ]
    rpm.files = [("", f"/usr/share/{rpm.name}/", f"file{n}") for n in range(_PROGRAMS)]
    return rpm
