"""What is installed on a node, as its dpkg or rpm database says it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import PreflightError

DPKG_STATUS = "var/lib/dpkg/status"
# Epoch only where there is one, as the versions of ``Package`` have it.
RPM_FORMAT = r"%{NAME}\t%{ARCH}\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\t%{SIGMD5}\n"
_DPKG_INFO = "var/lib/dpkg/info"
_DPKG_UPDATES = "var/lib/dpkg/updates"
_WHOLE = ("installed", "triggers-pending", "triggers-awaited")
_ABSENT = ("not-installed", "config-files")
_NO_VALUE = "(none)"  # of an rpm tag
_RPM_FIELDS = 4
_STATUS_WORDS = 3  # what is wanted, whether all is well, what is


@dataclass(frozen=True, slots=True)
class Installed:
    """One installed package; of an rpm the version is ``[epoch:]version-release``.

    ``witness`` changes when another copy of the same version is installed. Of an rpm it is the
    MD5 of header and payload, which the file itself names too. dpkg keeps nothing of the .deb's
    checksums: there it is made of when the files were unpacked and of their MD5 sums. Empty:
    the database has none.
    """

    name: str
    architecture: str
    version: str
    witness: str = ""
    held: bool = False

    @property
    def key(self) -> str:
        """Name and architecture in one word, as dpkg writes it."""
        return f"{self.name}:{self.architecture}"


def read_dpkg(root: Path) -> tuple[Installed, ...]:
    """Return what dpkg has installed below ``root``, sorted by name.

    Raises:
        PreflightError: there is no dpkg database, or packages are installed in part.
    """
    path = root / DPKG_STATUS
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        pending = any(p.name.isdecimal() for p in (root / _DPKG_UPDATES).glob("*"))
    except OSError as error:
        raise PreflightError(
            f"{path} cannot be read: {error.strerror}; expected the status of dpkg",
            remedy="name the root of an apt node with --root, or another --os",
        ) from error
    found, broken = parse_dpkg(text)
    if broken or pending:
        raise PreflightError(
            f"dpkg was interrupted: {', '.join(broken) or 'updates'} not installed whole",
            remedy="run 'dpkg --configure -a' on the node, then this command again",
        )
    info = root / _DPKG_INFO
    return tuple(
        Installed(p.name, p.architecture, p.version, _witness(info, p), p.held) for p in found
    )


def parse_dpkg(text: str) -> tuple[tuple[Installed, ...], tuple[str, ...]]:
    """Return what a dpkg status holds installed, without witnesses, and the names of the broken.

    The states are those of dpkg(1); removed packages whose configuration stayed count as absent.
    """
    found, broken = [], []
    for fields in _paragraphs(text):
        words = fields.get("Status", "").split()
        want, _, state = words if len(words) == _STATUS_WORDS else ("", "", "not-installed")
        if state in _ABSENT:
            continue
        if state not in _WHOLE:
            broken.append(fields["Package"])
            continue
        version = fields.get("Version", "")
        held = want == "hold"
        found.append(Installed(fields["Package"], fields["Architecture"], version, held=held))
    return tuple(sorted(found, key=lambda p: p.key)), tuple(sorted(broken))


def parse_rpm(text: str) -> tuple[Installed, ...]:
    """Return the packages of a query with ``RPM_FORMAT``, sorted; keys are no packages."""
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
    """Give the one-line fields of each paragraph that has a package."""
    for paragraph in text.split("\n\n"):
        lines = (line.partition(":") for line in paragraph.splitlines() if line[:1].strip())
        fields = {name: value.strip() for name, _, value in lines}
        if "Package" in fields:
            yield {"Architecture": "all", **fields}


def _witness(info: Path, package: Installed) -> str:
    """Say when the files were unpacked (dpkg rewrites the list then), and what they were."""
    for stem in (package.key, package.name):  # the first where dpkg may hold several of a name
        try:
            unpacked_ns = (info / f"{stem}.list").stat().st_mtime_ns
        except FileNotFoundError:
            continue
        sums = info / f"{stem}.md5sums"
        data = sums.read_bytes() if sums.exists() else b""
        return f"{unpacked_ns}:{hashlib.sha256(data).hexdigest()}"
    return ""
