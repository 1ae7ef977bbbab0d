"""The deb822 readers: the entries of ``Packages``, and ``Release``."""

from dataclasses import replace

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.apt.deb_relations import read_apt_requirements
from fuel_upgrade.repo.apt.index_files import read_batches
from fuel_upgrade.repo.apt.release_file import read_release
from fuel_upgrade.repo.apt.stanza import parse_by_sha256, parse_package
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.repo import Entry
from tests.builders import Fake, stanza
from tests.fuzz.target import Target, scratch

_RELATIONS = b"""
Depends: libc6 (>= 2.15) | libc6:any, python (= 1:2.7~rc1-1) [amd64 !i386] <!nocheck>, a (<< 2)
Pre-Depends: dpkg
Provides: virtual, other (= 1)
Multi-Arch: foreign"""
_PLAIN = stanza(Fake("one", "1:1.0~rc1-1")) + _RELATIONS
_TWO = _PLAIN + b"\n\n" + stanza(Fake("two"), ("SHA256", "SHA1", "MD5sum", "SHA512")) + b"\n"
_CONTINUED = _PLAIN.replace(b"Version: ", b"Version:\n ")
_RELEASE = b"""Origin: Fuel
Suite: precise
Architectures: amd64 all
Components: main updates/restricted
No-Support-for-Architecture-all: Packages
MD5Sum:
 d41d8cd98f00b204e9800998ecf8427e                0 main/binary-amd64/Packages
SHA256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/binary-amd64/Packages
"""
_SIGNED = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n%b-----BEGIN PGP SIGNATURE-----\n"


def read(data: bytes) -> None:
    """Read the bytes as ``Packages`` and as ``Release``; the parsers of entries agree."""
    (scratch() / "Packages").write_bytes(data)
    (scratch() / "Release").write_bytes(data)
    refusals = []
    for each in (_read_packages, _read_release):
        try:
            each()
        except BundleError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]


def _read_release() -> None:
    release = read_release(scratch())
    assert isinstance(release.reads_index_for_all, bool)


def _read_packages() -> None:
    entries = []
    for batch in read_batches(scratch() / "Packages"):
        for text in batch:
            if entry := text.strip(b"\n"):
                package = parse_package(entry, source="Packages")
                entries.append(Entry(package, "main", "amd64", entry))
                _read_faster(entry, package)
    read_apt_requirements(entries)


def _read_faster(entry: bytes, package: Package) -> None:
    """Read the entry by its SHA-256 alone, if it has one."""
    try:
        fast = parse_by_sha256(entry, source="Packages")
    except KeyError:
        assert "sha256" not in dict(package.digests)
        return
    assert fast == replace(package, digests=(("sha256", package.digest("sha256")),))


TARGET = Target(
    read,
    seeds=(_PLAIN, _TWO, _CONTINUED, _TWO.replace(b"\n", b"\r\n"), _RELEASE, _SIGNED % _RELEASE),
    words=(
        *(b"Package:", b"package :", b"Version:", b"Architecture:", b"Filename:", b"Size:"),
        *(b"SHA256:", b"SHA512:", b"SHA1:", b"MD5sum:", b"Depends:", b"Provides:", b"\n \n"),
        *(b"\n\t", b"\r\n", b"\n\n", b"../", b"\xc2\x85", b"\xff", b" | ", b"(>= 1)", b"[!amd64]"),
        *(b"<!nocheck>", b":any", b"MD5Sum:\n ", b"9" * 30, b"-----BEGIN PGP SIGNATURE-----"),
    ),
)
