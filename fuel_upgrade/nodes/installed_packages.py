"""Read the packages that the dpkg or rpm database of a node lists as installed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Deb822

from fuel_upgrade.errors import PreflightError

DPKG_STATUS = "var/lib/dpkg/status"
# With an epoch only if the package has one, like the versions of ``Package``.
RPM_FORMAT = r"%{NAME}\t%{ARCH}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\t%{SIGMD5}\n"
_DPKG_INFO = "var/lib/dpkg/info"
_DPKG_UPDATES = "var/lib/dpkg/updates"
_WHOLE = ("installed", "triggers-pending", "triggers-awaited")
_ABSENT = ("not-installed", "config-files")
_NO_VALUE = "(none)"  # of an rpm tag
_RPM_FIELDS = 4
_STATUS_WORDS = 3  # selection, error flag, state
_DPKG_FIELDS = ["Package", "Status", "Version", "Architecture"]


@dataclass(frozen=True, slots=True)
class Installed:
    """One installed package; of an rpm the version is ``[epoch:]version-release``.

    ``witness`` changes when another copy of the same version is installed; empty if unknown. Of
    an rpm it is the MD5 of header and payload, which the file contains as well. dpkg keeps no
    checksum of the .deb: the witness is the time of unpacking and a digest of the files' MD5 sums.
    """

    name: str
    architecture: str
    version: str
    witness: str = ""
    held: bool = False

    @property
    def key(self) -> str:
        """``name:architecture``, as dpkg writes it."""
        return f"{self.name}:{self.architecture}"


def read_dpkg(root: Path) -> tuple[Installed, ...]:
    """Return the packages that dpkg has installed below ``root``, sorted by name.

    Raises:
        PreflightError: there is no dpkg database, or packages are partly installed.
    """
    path = root / DPKG_STATUS
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        pending = any(p.name.isdecimal() for p in (root / _DPKG_UPDATES).glob("*"))
    except OSError as error:
        raise PreflightError(
            f"{path} cannot be read: {error.strerror}; expected the dpkg status",
            remedy="name the root of an apt node with --root, or another --os",
        ) from error
    installed, broken = parse_dpkg(text)
    if broken or pending:
        raise PreflightError(
            f"dpkg was interrupted: {', '.join(broken) or 'updates'} only partly installed",
            remedy="run 'dpkg --configure -a' on the node, then this command again",
        )
    info = root / _DPKG_INFO
    return tuple(
        Installed(p.name, p.architecture, p.version, _witness(info, p), p.held) for p in installed
    )


def parse_dpkg(text: str) -> tuple[tuple[Installed, ...], tuple[str, ...]]:
    """Return the installed packages, without witnesses, and the names of broken ones.

    The states are those of dpkg(1); a removed package with configuration files counts as absent.
    """
    installed, broken = [], []
    for fields in _paragraphs(text):
        words = fields.get("Status", "").split()
        selection, _, state = words if len(words) == _STATUS_WORDS else ("", "", "not-installed")
        if state in _ABSENT:
            continue
        if state not in _WHOLE:
            broken.append(fields["Package"])
            continue
        version = fields.get("Version", "")
        held = selection == "hold"
        installed.append(Installed(fields["Package"], fields["Architecture"], version, held=held))
    return tuple(sorted(installed, key=lambda p: p.key)), tuple(sorted(broken))


def parse_rpm(text: str) -> tuple[Installed, ...]:
    """Return the packages of a query with ``RPM_FORMAT``, sorted, without public keys."""
    rows = (line.split("\t") for line in text.splitlines() if line.count("\t") == _RPM_FIELDS - 1)
    return tuple(
        sorted(
            (
                Installed(name, arch, version.removeprefix("0:"), "" if md5 == _NO_VALUE else md5)
                for name, arch, version, md5 in rows
                if arch != _NO_VALUE
            ),
            key=lambda p: (p.key, p.version),
        )
    )


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each paragraph that has a package."""
    for paragraph in Deb822.iter_paragraphs(text.split("\n"), fields=_DPKG_FIELDS):
        if "Package" in paragraph:
            yield {"Architecture": "all", **{str(k): str(v) for k, v in paragraph.items()}}


def _witness(info: Path, package: Installed) -> str:
    """Return the time of unpacking (when dpkg rewrites the list) and a digest of the files."""
    for stem in (package.key, package.name):  # the first if dpkg may hold several architectures
        try:
            unpacked_ns = (info / f"{stem}.list").stat().st_mtime_ns
        except FileNotFoundError:
            continue
        sums = info / f"{stem}.md5sums"
        data = sums.read_bytes() if sums.exists() else b""
        return f"{unpacked_ns}:{hashlib.sha256(data).hexdigest()}"
    return ""
