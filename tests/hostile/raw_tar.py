"""Tar blocks and whole upgrade tarballs, byte by byte: no writer refuses what they contain.

POSIX.1-2017 pax, "ustar Interchange Format", and GNU tar's ``tar.h``.
"""

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

BLOCK_BYTES = 512
END = bytes(2 * BLOCK_BYTES)
VERSION = "2014.2-6.0"
REPO = f"upgrade/repos/{VERSION}/ubuntu/x86_64"
PUPPET = f"upgrade/puppet/{VERSION}"
SEAL = "upgrade/seal/targets.json"
_DEB = b"2014.2-6.0 0"
_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
_POSIX = b"ustar\x0000"
GNU = b"ustar  \0"


def octal(number: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, number)


def header(
    name: bytes | str,
    kind: bytes = b"0",
    *,
    size: int | bytes = 0,
    mode: int | bytes = 0o644,
    target: bytes | str = b"",
    magic: bytes = _POSIX,
    prefix: bytes = b"",
    checksum: bytes | None = None,
) -> bytes:
    """Return one block; ``size``, ``mode`` and ``checksum`` may be the bytes of their fields."""
    values = (
        *(_bytes(name), mode if isinstance(mode, bytes) else octal(mode, 8)),
        *(octal(0, 8), octal(0, 8), size if isinstance(size, bytes) else octal(size, 12)),
        octal(0, 12),
    )
    rest = (kind, _bytes(target), magic, b"root", b"root", octal(0, 8), octal(0, 8), prefix)
    block = _FIELDS.pack(*values, b" " * 8, *rest)
    if checksum is None:
        checksum = b"%06o\0 " % sum(block)
    return _FIELDS.pack(*values, checksum, *rest)


def base256(number: int, width: int = 12) -> bytes:
    """Return a number in the binary form of GNU tar."""
    data = bytearray(number.to_bytes(width, "big", signed=True))
    data[0] |= 0x80
    return bytes(data)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK_BYTES)


def member(name: bytes | str, data: bytes = b"", kind: bytes = b"0", **fields: Any) -> bytes:
    """Return a header and its data; a long name gets the extension of GNU."""
    raw = _bytes(name)
    long = gnu_long(raw) if len(raw) > 100 else b""
    return long + header(raw[:100], kind, **{"size": len(data), **fields}) + padded(data)


def link(name: bytes | str, target: bytes | str) -> bytes:
    return member(name, kind=b"2", target=target, mode=0o777)


def hard_link(name: bytes | str, target: bytes | str) -> bytes:
    return member(name, kind=b"1", target=target)


def gnu_long(text: bytes, kind: bytes = b"L") -> bytes:
    data = text + b"\0"
    return header("././@LongLink", kind, size=len(data), magic=GNU) + padded(data)


def record(key: bytes | str, value: bytes | str) -> bytes:
    """Return one pax record with its length, which counts its own digits."""
    body = b" " + _bytes(key) + b"=" + _bytes(value) + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length += 1
    return b"%d" % length + body


def pax_data(data: bytes, kind: bytes = b"x") -> bytes:
    return header("PaxHeaders/x", kind, size=len(data)) + padded(data)


def pax(*pairs: tuple[bytes | str, bytes | str], kind: bytes = b"x") -> bytes:
    return pax_data(b"".join(record(*pair) for pair in pairs), kind)


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def sealed(data: bytes, **custom: object) -> dict[str, Any]:
    """Return the entry of the seal for this content."""
    entry = {"length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
    return {**entry, "custom": custom} if custom else entry


def seal_text(entries: Mapping[str, Any], **unknown: object) -> bytes:
    signed = {
        "_type": "targets",
        "expires": "9999-12-31T00:00:00Z",
        "spec_version": "1.0.31",
        "targets": dict(sorted(entries.items())),
        "version": 1,
    }
    return json.dumps({"signatures": [], "signed": signed, **unknown}).encode()


def _yaml(data: object) -> bytes:
    return json.dumps(data).encode()  # JSON is YAML


def head_files() -> dict[str, bytes]:
    """Return the descriptions of a full release of one package, whose upgrade is from Fuel 5.0."""
    repo = {
        "version": VERSION,
        "operating_system": "ubuntu",
        "kind": "apt",
        "suite": "precise",
        "components": ["main"],
        "packages": 1,
        "bytes": len(_DEB),
        "full_packages": 1,
        "full_bytes": len(_DEB),
        "base": None,
    }
    fields = {"name": "Juno on Ubuntu", "operating_system": "Ubuntu", "version": VERSION}
    return {
        "upgrade.sh": b"#!/bin/sh\n",
        "upgrade/config/upgrade.yaml": _yaml(
            {"format": 1, "upgrade_from": ["5.0"], "repos": [repo]}
        ),
        "upgrade/config/version.yaml": _yaml({"VERSION": {"release": "6.0"}}),
        f"upgrade/release_versions/{VERSION}.yaml": _yaml({"VERSION": {"release": "6.0"}}),
        f"upgrade/releases/{VERSION}.yaml": _yaml([{"pk": 1, "fields": fields}]),
        "upgrade/releases/metadata.yaml": _yaml({"diff_releases": {}}),
    }


def payload_files() -> dict[str, bytes]:
    sha256 = hashlib.sha256(_DEB).hexdigest()
    index = (
        "Package: p0\nVersion: 1.0-1\nArchitecture: all\nFilename: pool/main/p0.deb\n"
        f"Size: {len(_DEB)}\nSHA256: {sha256}\nDescription: a package\n"
    ).encode()
    place = "main/binary-amd64/Packages"
    release = (
        "Origin: Fuel\nLabel: Fuel\nSuite: precise\nCodename: precise\nArchitectures: amd64\n"
        f"Components: main\nSHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} {place}\n"
    ).encode()
    return {
        f"{PUPPET}/manifests/site.pp": b"node default { }\n",
        f"{PUPPET}/modules/m0/file0.pp": b"# 0\n",
        f"{REPO}/dists/precise/Release": release,
        f"{REPO}/dists/precise/{place}": index,
        f"{REPO}/pool/main/p0.deb": _DEB,
    }


@dataclass
class Tarball:
    """A valid upgrade tarball, with raw bytes at four places and changes of its seal.

    ``seal`` is the whole text of the seal; ``entries`` are added to it, ``unsealed`` taken out.
    """

    first: bytes = b""
    in_head: bytes = b""
    before_payload: bytes = b""
    behind_payload: bytes = b""
    end: bytes = END
    entries: Mapping[str, Any] = field(default_factory=dict)
    unsealed: Iterable[str] = ()
    head: dict[str, bytes] = field(default_factory=head_files)
    payload: dict[str, bytes] = field(default_factory=payload_files)
    absent: Iterable[str] = ()
    seal: bytes | None = None

    def seal_entries(self) -> dict[str, Any]:
        entries = {path: sealed(data) for path, data in {**self.head, **self.payload}.items()}
        for path in self.unsealed:
            del entries[path]
        return {**entries, **self.entries}

    def to_bytes(self) -> bytes:
        seal = seal_text(self.seal_entries()) if self.seal is None else self.seal
        return b"".join(
            (
                self.first,
                member(SEAL, seal),
                *(member(path, data) for path, data in self.head.items() if self._has(path)),
                self.in_head,
                self.before_payload,
                *(member(path, data) for path, data in self.payload.items() if self._has(path)),
                self.behind_payload,
                self.end,
            )
        )

    def _has(self, path: str) -> bool:
        return path not in self.absent
