"""The venvs of one release in an upgrade tarball: the index of its tag, and the new blobs. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fuel_upgrade.bundle import manifest
from fuel_upgrade.bundle.seal import SealedFile
from fuel_upgrade.errors import BundleError
from fuel_upgrade.system import budgets
from fuel_upgrade.venv.venv_index import VenvEntry, VenvIndex, parse_index

_ITEMS_OF_WHEEL = 5  # an object of four members, and the comma behind it
_REMEDY = "build the tarball again with fuel-upgrade bundle build"


@dataclass(frozen=True, slots=True)
class VenvPart:
    """The venvs of the release ``version``; ``carried`` has the size of each blob that travels.

    The other blobs of the index are those of the base release, on the master.
    """

    version: str
    index: VenvIndex
    carried: Mapping[str, int]

    @property
    def tag(self) -> str:
        """The tag of all its venvs."""
        return self.index.entries[0].tag

    @property
    def inherited(self) -> dict[str, str]:
        """The blobs that do not travel: the SHA-256 and the name of each."""
        return {k: name for k, name in self.index.blobs.items() if k not in self.carried}

    @property
    def new_venvs(self) -> int:
        """The number of archives that travel."""
        return sum(entry.archive.sha256 in self.carried for entry in self.index.entries)

    def to_json(self) -> dict[str, Any]:
        """Return the form of ``--json``."""
        return {
            "version": self.version,
            "tag": self.tag,
            "venvs": len(self.index.entries),
            "carried": self.new_venvs,
            "bytes": sum(self.carried.values()),
        }


def index_path(version: str) -> str:
    """Return the path of the index of a release in the tarball."""
    return f"{manifest.VENVS}{version}/{manifest.VENV_INDEX}"


def blob_path(version: str, sha256: str) -> str:
    """Return the path of a blob of a release in the tarball."""
    return f"{manifest.VENVS}{version}/{manifest.VENV_BLOBS}/{sha256}"


def describe_venvs(index: VenvIndex) -> VenvIndex:
    """Return an index as it travels: numbers and releases are those of each repo."""
    return VenvIndex(tuple(replace(entry, number=0, releases=()) for entry in index.entries))


def spend_entries(text: str, *, source: str, left: int = budgets.ENTRIES) -> int:
    """Return the entries that a tarball may still have beside an index.

    Its items are counted before they are made: they take more memory than their text.

    Raises:
        BundleError: it is too long, or has too many items.
    """
    left -= sum(map(text.count, ",[{")) // _ITEMS_OF_WHEEL
    if left < 0 or len(text) > budgets.VENV_INDEX_CHARS:
        raise BundleError(
            f"{source}: {len(text)} characters, at most {budgets.VENV_INDEX_CHARS} can travel, and"
            f" at most {budgets.ENTRIES} wheels and files in a tarball",
            remedy="publish fewer venvs with one tag",
        )
    return left


def read_venvs(
    texts: Mapping[str, str], sealed: Mapping[str, SealedFile], *, source: str
) -> tuple[VenvPart, ...]:
    """Read the venvs in the header of a tarball.

    Raises:
        BundleError: an index is malformed, of several tags, or contradicts the seal.
    """
    blobs: dict[str, dict[str, SealedFile]] = {}
    for path, file in sealed.items():
        if path.startswith(manifest.VENVS):
            version, _, name = path.removeprefix(manifest.VENVS).partition("/")
            blobs.setdefault(version, {})[name.rpartition("/")[2]] = file
    left = budgets.ENTRIES - len(sealed)
    parts = []
    for version in sorted(blobs):
        name = f"{source}: {index_path(version)}"
        text = texts.get(index_path(version))
        if blobs[version].pop(manifest.VENV_INDEX, None) is None or text is None:
            raise BundleError(f"{name}: missing in the header", remedy=_REMEDY)
        left = spend_entries(text, source=name, left=left)
        parts.append(_read_part(version, text, blobs[version], source=name))
    check_agreement(parts, source=source)
    return tuple(parts)


def check_agreement(parts: Iterable[VenvPart], *, source: str) -> None:
    """Check that no two releases have another venv of one service, tag and platform.

    Raises:
        BundleError: two have.
    """
    seen: dict[tuple[str, str, str], VenvEntry] = {}
    for part in parts:
        for entry in part.index.entries:
            if seen.setdefault(entry.key, entry).archive != entry.archive:
                raise BundleError(
                    f"{source}: {entry.name} of {part.version} differs from that of another"
                    " release in the tarball",
                    remedy="give the venvs of each release a tag of their own",
                )


def _read_part(
    version: str, text: str, files: Mapping[str, SealedFile], *, source: str
) -> VenvPart:
    index = describe_venvs(parse_index(text, source=source))
    part = VenvPart(version, index, {name: file.length_bytes for name, file in files.items()})
    if fault := _fault(part, files):
        raise BundleError(f"{source}: {fault}", remedy=_REMEDY)
    return part


def _fault(part: VenvPart, files: Mapping[str, SealedFile]) -> str:
    """Return the first contradiction between the index and the sealed blobs; empty if none."""
    entries = part.index.entries
    if len({entry.tag for entry in entries}) != 1:
        return "expected venvs of one tag"
    if len({entry.key for entry in entries}) != len(entries):
        return "a venv is listed twice"
    needed = part.index.blobs
    for name, file in files.items():
        if name not in needed:
            return f"{name} is the SHA-256 of no archive and no wheel"
        if file.sha256 != name or file.link_target is not None:
            return f"{needed[name]}: SHA-256 {name}, but the seal says {file.sha256}"
    for entry in entries:
        size = part.carried.get(entry.archive.sha256, entry.archive.size_bytes)
        if size != entry.archive.size_bytes:
            return f"{entry.name}: {entry.archive.size_bytes} bytes, but the seal says {size}"
    return ""
