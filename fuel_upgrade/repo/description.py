"""``diff.yaml``, at the root of every diff repo: its base, its result, and the changes."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.diff import RepoDiff, total_bytes
from fuel_upgrade.repo.metadata_place import require_regular
from fuel_upgrade.repo.package import (
    ALGORITHMS,
    Identity,
    Package,
    RepoKind,
    checked_location,
    package_of,
)
from fuel_upgrade.repo.report.package_changes import Change, RepoReport, checked_line, summed
from fuel_upgrade.system.yaml_text import DIFF, dump_yaml, load_yaml

FILE_NAME = "diff.yaml"
CURRENT_FOLDER = "current"
"""The folder of a diff repo with the indexes of its current repo."""
FORMAT = 1
_REMEDY = "make the diff repo again with fuel-upgrade repo diff"
_SPACES = 3  # in a line of an inherited package
_FINGERPRINT = re.compile("sha256:[0-9a-f]{64}")
_CARRIED = ("added", "upgraded", "rebuilt", "downgraded")
_COUNTS = (*_CARRIED, "inherited", "removed", "carried", "restored")
MAX_NUMBER = 2**53
"""The largest number of packages or bytes: every JSON parser reads it."""


@dataclass(frozen=True, slots=True)
class DiffDescription:
    """The content of ``diff.yaml``.

    ``removed``, ``rebuilt`` and ``downgraded`` are texts ``name architecture version``;
    ``inherited`` are identities, with checksums of kind ``algorithm``. ``counts`` are of
    packages: added, upgraded, rebuilt, downgraded, inherited, removed, carried; a repaired diff
    repo also has restored. Sizes are in bytes. ``changes`` are for reports, in the form of
    ``Change.line``; files of older versions have none. ``original`` are the paths of the current
    repo's own indexes, if the diff repo carries them; ``dropped`` are texts ``KIND PATH`` of
    indexes that it does not carry.
    """

    kind: RepoKind
    algorithm: str
    base_fingerprint: str
    result_fingerprint: str
    counts: Mapping[str, int]
    carried_bytes: int
    result_bytes: int
    removed: tuple[str, ...]
    rebuilt: tuple[str, ...]
    downgraded: tuple[str, ...]
    inherited: tuple[Identity, ...]
    changes: tuple[str, ...] = ()
    original: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @classmethod
    def of(cls, diff: RepoDiff, kind: RepoKind, changes: Iterable[Change] = ()) -> Self:
        """Describe a diff."""
        groups = (*_CARRIED, "inherited", "removed", "carried")
        return cls(
            kind=kind,
            algorithm=diff.algorithm,
            base_fingerprint=diff.base_fingerprint,
            result_fingerprint=diff.result_fingerprint,
            counts={name: len(getattr(diff, name)) for name in groups},
            carried_bytes=total_bytes(diff.carried),
            result_bytes=diff.result_bytes,
            removed=_texts(diff.removed),
            rebuilt=_texts(diff.rebuilt),
            downgraded=_texts(diff.downgraded),
            inherited=diff.inherited,
            changes=tuple(change.line() for change in changes),
        )

    def inherited_packages(self) -> tuple[Package, ...]:
        """Return the packages inherited from the base, without size and location."""
        return tuple(package_of(identity, self.algorithm) for identity in self.inherited)

    @property
    def lists_changes(self) -> bool:
        """Whether ``changes`` is complete; files of older versions have none."""
        return bool(self.changes) or not self.counts["carried"] + self.counts["removed"]

    def report(self, name: str) -> RepoReport:
        """Report the changes; only their counts if the file is of an older version."""
        packages, size = self.counts["carried"] + self.counts["inherited"], self.result_bytes
        if not self.lists_changes:
            counts = ", ".join(f"{count} {kind}" for kind, count in self.counts.items())
            note = f"Made by an older fuel-upgrade: diff.yaml does not list the changes. {counts}"
            return RepoReport(name, None, packages, None, size, (), note)
        changes = tuple(map(Change.parse, self.changes))
        note = f"dropped: {', '.join(self.dropped)}" if self.dropped else ""
        return summed(name, changes, new_packages=packages, new_bytes=size, note=note)

    def to_json(self) -> dict[str, Any]:
        """Return the fields for printing, without the long lists."""
        return {
            "format": FORMAT,
            "kind": self.kind.value,
            "algorithm": self.algorithm,
            "base_fingerprint": self.base_fingerprint,
            "result_fingerprint": self.result_fingerprint,
            "counts": dict(self.counts),
            "carried_bytes": self.carried_bytes,
            "result_bytes": self.result_bytes,
            "removed": list(self.removed),
            "rebuilt": list(self.rebuilt),
            "downgraded": list(self.downgraded),
            "original": list(self.original),
            "dropped": list(self.dropped),
        }

    def render(self) -> str:
        """Return the text of ``diff.yaml``.

        The changes and the inherited packages are text blocks, not YAML lists: there may be tens
        of thousands, and a YAML list of them takes seconds to parse.
        """
        text = dump_yaml(self.to_json())
        return text + _block("changes", self.changes) + _block("inherited", self.inherited)

    @classmethod
    def parse(cls, text: str, *, source: str) -> Self:
        """Read the text of ``diff.yaml``.

        Raises:
            BundleError: it is malformed, or of a later format.
        """
        data = load_yaml(text, source=source, bounds=DIFF, remedy=_REMEDY)
        try:
            if data["format"] != FORMAT:
                raise BundleError(
                    f"{source}: format {data['format']}, expected {FORMAT}",
                    remedy="upgrade fuel-upgrade on this machine",
                )
            description = cls(
                kind=RepoKind(data["kind"]),
                algorithm=_one_of(ALGORITHMS, data["algorithm"]),
                base_fingerprint=_fingerprint(data["base_fingerprint"]),
                result_fingerprint=_fingerprint(data["result_fingerprint"]),
                counts={_one_of(_COUNTS, k): _number(v) for k, v in data["counts"].items()},
                carried_bytes=_number(data["carried_bytes"]),
                result_bytes=_number(data["result_bytes"]),
                removed=tuple(map(_checked_package, data["removed"])),
                rebuilt=tuple(map(_checked_package, data["rebuilt"])),
                downgraded=tuple(map(_checked_package, data["downgraded"])),
                inherited=_checked_lines(data["inherited"] or ""),
                changes=tuple(map(checked_line, (data.get("changes") or "").splitlines())),
                original=tuple(
                    checked_location(n, source=source) for n in _listed(data, "original")
                ),
                dropped=tuple(_listed(data, "dropped")),
            )
            description._check_counts()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(
                f"{source}: not a description of a diff repo: {error!r}",
                remedy=_REMEDY,
            ) from error
        return description

    def _check_counts(self) -> None:
        """Raise ValueError if the counts and sizes contradict the lists or each other."""
        counts = self.counts
        lists = ("inherited", "removed", "rebuilt", "downgraded")
        actual = {name: len(getattr(self, name)) for name in lists}
        stated = {name: counts[name] for name in lists}
        if stated != actual:
            raise ValueError(f"counts {stated}, but the lists have {actual}")
        carried = sum(counts[name] for name in _CARRIED) + counts.get("restored", 0)
        if counts["carried"] != carried or self.carried_bytes > self.result_bytes:
            raise ValueError(f"{counts['carried']} carried packages, but {carried} by their kind")


def is_diff_repo(root: Path) -> bool:
    """Return whether the repo at ``root`` is a diff repo."""
    return (root / FILE_NAME).exists()


def read_description(root: Path, *, source: str | None = None) -> DiffDescription | None:
    """Read the ``diff.yaml`` of a repo; None if it is a full repo. ``source`` names it in errors.

    Raises:
        BundleError: it is malformed, no regular file inside of the repo, or cannot be read.
    """
    path = root / FILE_NAME
    require_regular(root, [path])
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BundleError(
            f"{path}: {error.strerror}", remedy=f"make {FILE_NAME} a readable file"
        ) from error
    return DiffDescription.parse(text, source=source or str(path))


def require_description(root: Path) -> DiffDescription:
    """Read the ``diff.yaml`` of a diff repo.

    Raises:
        BundleError: the repo is a full repo, or as :func:`read_description`.
    """
    description = read_description(root)
    if description is None:
        raise BundleError(
            f"{root}: no {FILE_NAME}, expected the root of a diff repo",
            remedy="name a folder or archive that fuel-upgrade repo diff made",
        )
    return description


def read_inherited(root: Path) -> tuple[Package, ...]:
    """Return the packages that a repo inherits; none if it is a full repo. Errors as above."""
    description = read_description(root)
    return description.inherited_packages() if description else ()


def _listed(data: Mapping[str, Any], name: str) -> Iterable[str]:
    return (str(text) for text in data.get(name, ()))  # older diff repos lack these lists


def _one_of(names: Collection[str], value: object) -> str:
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{value!r:.80} is none of {', '.join(names)}")
    return value


def _fingerprint(value: object) -> str:
    if not isinstance(value, str) or not _FINGERPRINT.fullmatch(value):
        raise ValueError(f"{value!r:.80} is no fingerprint")
    return value


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_NUMBER:
        raise ValueError(f"{value!r:.80} is no number of packages or bytes")
    return value


def _checked_package(text: object) -> str:
    if not isinstance(text, str) or text.count(" ") != _SPACES - 1 or not text.isprintable():
        raise ValueError(f"{text!r:.200} is not NAME ARCHITECTURE VERSION")
    return text


def _checked_lines(text: str) -> tuple[str, ...]:
    lines = tuple(text.splitlines())
    if {line.count(" ") for line in lines} - {_SPACES} or not "".join(lines).isprintable():
        wrong = next(i for i in lines if i.count(" ") != _SPACES or not i.isprintable())
        raise ValueError(f"{wrong!r:.200} is not NAME ARCHITECTURE VERSION CHECKSUM")
    return lines


def _block(name: str, lines: Iterable[str]) -> str:
    return f"{name}: |\n" + "".join(f"  {line}\n" for line in lines)


def _texts(packages: Iterable[Package]) -> tuple[str, ...]:
    return tuple(str(package) for package in packages)
