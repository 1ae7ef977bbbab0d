"""Hostile apt and yum repos, written as raw bytes and not by the writers of this project."""

import bz2
import gzip
import hashlib
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import zstandard

MIB = 1 << 20
_SUM = "a" * 64
_PACKAGE = {
    "Package": "one",
    "Version": "1",
    "Architecture": "all",
    "Filename": "pool/one.deb",
    "Size": "1",
    "SHA256": _SUM,
}
Maker = Callable[[Path], None]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": lambda data: gzip.compress(data, 1, mtime=0),
    ".xz": lambda data: lzma.compress(data, preset=0),
    ".bz2": bz2.compress,
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
}


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def stanza(**fields: str) -> bytes:
    values = {**_PACKAGE, **fields}
    text = "".join(f"{name}: {value}\n" for name, value in values.items())
    return text.encode("utf-8", "surrogateescape") + b"\n"


def bomb(suffix: str, piece: bytes, times: int) -> bytes:
    """Return a bomb of little effort: streams of one format may follow each other."""
    return COMPRESS[suffix](piece) * times


def apt(packages: bytes, suffix: str = "", release: bytes = b"Suite: s\n") -> Maker:
    def make(root: Path) -> None:
        _write(root / f"dists/s/main/binary-amd64/Packages{suffix}", packages)
        _write(root / "dists/s/Release", release)

    return make


def _apt_place(place: Callable[[Path], None], name: str = "main/binary-amd64/Packages") -> Maker:
    """Return a maker of a repo in which ``place`` makes one path itself."""

    def make(root: Path) -> None:
        apt(stanza())(root)
        path = root / "dists/s" / name
        path.unlink()
        place(path)

    return make


def _fields(**fields: str) -> Maker:
    return apt(stanza(**fields))


APT: dict[str, Maker] = {
    **{f"bomb{s}": apt(bomb(s, b"\0" * 16 * MIB, 64), s) for s in (".gz", ".xz", ".bz2", ".zst")},
    "bomb of entries": apt(bomb(".gz", stanza() * (16 * MIB // len(stanza())), 16), ".gz"),
    "long field": _fields(Description="x" * 48 * MIB),
    "long name": _fields(Package="x" * 8 * MIB),
    "many fields": apt(b"".join(b"X-%d: 1\n" % n for n in range(3_000_000)) + stanza()),
    "file name up": _fields(Filename="../../../../etc/passwd"),
    "file name absolute": _fields(Filename="/etc/passwd"),
    "file name escape": _fields(Filename="pool/\x1b]0;t\x07\x1b[2J.deb"),
    "file name bytes": _fields(Filename="pool/\udcff\udcfe.deb"),
    "name escape": _fields(Package="\x1b[31mone\x1b[2J"),
    "name markup": _fields(Package="[/b][red]one"),
    "name blanks": _fields(Package="one two"),
    "version direction": _fields(Version="1\u202e2\u2028 3"),
    "size negative": _fields(Size="-1"),
    "size absurd": _fields(Size="9" * 5000),
    "size float": _fields(Size="1e99"),
    "checksum path": _fields(SHA256="../../etc/passwd"),
    "same package twice": apt(stanza() + stanza(SHA256="b" * 64)),
    "nul": apt(b"\0" * MIB + stanza()),
    "release lists nothing": apt(
        stanza(),
        release=b"Suite: s\nSHA256:\n " + b"0" * 64 + b" 1 main/binary-amd64/Packages.xz\n",
    ),
    "release other sum": apt(
        stanza(), release=b"Suite: s\nSHA256:\n " + b"0" * 64 + b" 9 main/binary-amd64/Packages\n"
    ),
    "release up": apt(stanza(), release=b"Suite: s\nSHA256:\n " + b"0" * 64 + b" 1 ../../../x\n"),
    "release long": apt(stanza(), release=b"Suite: s\nSHA256:\n" + b" 0 0 x\n" * 6_000_000),
    "release components": apt(stanza(), release=b"Suite: s\nComponents: ../../.. [x]\n"),
    "index fifo": _apt_place(os.mkfifo),
    "index link out": _apt_place(lambda path: path.symlink_to("/etc/passwd")),
    "index link device": _apt_place(lambda path: path.symlink_to("/dev/zero")),
    "index folder": _apt_place(Path.mkdir),
    "release fifo": _apt_place(os.mkfifo, "Release"),
    "release link device": _apt_place(lambda path: path.symlink_to("/dev/zero"), "Release"),
}  # fmt: skip


def _primary(package: str, *, doctype: str = "", count: str = "1") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}'
        '<metadata xmlns="http://linux.duke.edu/metadata/common"'
        f' xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="{count}">\n{package}'
        "</metadata>\n"
    ).encode()


def _rpm(
    name: str = "one",
    *,
    version: str = "1",
    href: str = "one.rpm",
    size: str = "1",
    sum_: str = _SUM,
    more: str = "",
) -> str:
    return (
        f'<package type="rpm"><name>{name}</name><arch>noarch</arch>'
        f'<version epoch="0" ver="{version}" rel="1"/>'
        f'<checksum type="sha256" pkgid="YES">{sum_}</checksum><summary>s</summary>'
        f'<description>{more}</description><packager/><url/><time file="1" build="1"/>'
        f'<size package="{size}" installed="1" archive="1"/><location href="{href}"/>'
        "<format><rpm:license>x</rpm:license></format></package>\n"
    )


def yum(
    primary: bytes,
    suffix: str = "",
    *,
    href: str = "",
    doctype: str = "",
    more: str = "",
    open_size: str | None = None,
) -> Maker:
    def make(root: Path) -> None:
        path = href or f"repodata/primary.xml{suffix}"
        if not href:
            _write(root / path, primary)
        digest = hashlib.sha256(primary).hexdigest()
        size = "" if open_size is None else f"<open-size>{open_size}</open-size>"
        repomd = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}'
            '<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>'
            f'<data type="primary"><checksum type="sha256">{digest}</checksum>'
            f'<location href="{path}"/><timestamp>1</timestamp><size>{len(primary)}</size>{size}'
            f"</data>{more}</repomd>\n"
        )
        _write(root / "repodata/repomd.xml", repomd.encode())

    return make


def _yum_place(place: Callable[[Path], None], name: str) -> Maker:
    def make(root: Path) -> None:
        yum(_primary(_rpm()))(root)
        path = root / "repodata" / name
        path.unlink()
        place(path)

    return make


_LAUGHS = "<!DOCTYPE x [" + '<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
) + "]>\n"  # fmt: skip
_BLOWUP = f'<!DOCTYPE x [<!ENTITY a "{"x" * 100_000}">]>\n'
_OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n'

YUM: dict[str, Maker] = {
    **{f"bomb{s}": yum(bomb(s, b"\0" * 16 * MIB, 64), s) for s in (".gz", ".xz", ".bz2", ".zst")},
    "bomb of text": yum(bomb(".gz", b"<metadata>" + b" " * 16 * MIB, 64), ".gz"),
    "laughs": yum(_primary(_rpm("&a11;"), doctype=_LAUGHS)),
    "laughs in repomd": yum(_primary(_rpm()), doctype=_LAUGHS, more="<tags>&a11;</tags>"),
    "quadratic entity": yum(_primary(_rpm(more="&a;" * 20_000), doctype=_BLOWUP)),
    "outside entity": yum(_primary(_rpm("&a;"), doctype=_OUTSIDE)),
    "outside entity in repomd": yum(_primary(_rpm()), doctype=_OUTSIDE, more="<tags>&a;</tags>"),
    "deep": yum(_primary("<a>" * 300_000 + "</a>" * 300_000)),
    "long attribute": yum(_primary(_rpm(version="1" * 32 * MIB))),
    "long text": yum(_primary(_rpm(more="x" * 48 * MIB))),
    "many kinds": yum(_primary(_rpm()), more="<data type='x'><a b='y'/></data>" * 300_000),
    "place up": yum(_primary(_rpm()), href="../../../../../etc/passwd"),
    "place absolute": yum(_primary(_rpm()), href="/etc/passwd"),
    "package up": yum(_primary(_rpm(href="../../../../etc/passwd"))),
    "package absolute": yum(_primary(_rpm(href="/etc/passwd"))),
    "size negative": yum(_primary(_rpm(size="-1"))),
    "size absurd": yum(_primary(_rpm(size="9" * 40))),
    "open size": yum(_primary(_rpm()), open_size="-5"),
    "count": yum(_primary(_rpm(), count="-1")),
    "count absurd": yum(_primary(_rpm(), count="99999999999999999999")),
    "same package twice": yum(_primary(_rpm() + _rpm(sum_="b" * 64))),
    "name direction": yum(_primary(_rpm("one\u202e\u2028\x9b2J"))),
    "name line break": yum(_primary(_rpm("one&#10;two"))),
    "version blanks": yum(_primary(_rpm(version="1 2&#9;3"))),
    "checksum path": yum(_primary(_rpm(sum_="../../x"))),
    "repomd fifo": _yum_place(os.mkfifo, "repomd.xml"),
    "repomd link device": _yum_place(lambda path: path.symlink_to("/dev/zero"), "repomd.xml"),
    "primary fifo": _yum_place(os.mkfifo, "primary.xml"),
    "primary link out": _yum_place(lambda path: path.symlink_to("/etc/passwd"), "primary.xml"),
    "primary link device": _yum_place(lambda path: path.symlink_to("/dev/zero"), "primary.xml"),
}  # fmt: skip
