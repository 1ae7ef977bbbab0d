"""Reading an apt repo from disk."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from debian.deb822 import Deb822

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.apt.index_files import FASTEST_FIRST, Listed, choose_form, read_batches
from fuel_upgrade.repo.apt.stanza import (
    RELEASE_DIGESTS,
    AptEntry,
    name_of,
    parse_by_sha256,
    parse_package,
    unwrap_signed,
)
from fuel_upgrade.repo.package import Package

RELEASES = ("InRelease", "Release")
"""The files that say what a suite is, in the order of apt itself."""


@dataclass(frozen=True, slots=True)
class AptIndex:
    """One ``Packages`` file, in one of its forms."""

    path: Path
    component: str
    architecture: str

    def stanzas(self) -> Iterator[bytes]:
        """Read the index from disk, a stanza at a time.

        Raises:
            BundleError: it is damaged.
        """
        for batch in self.batches():
            yield from (stanza for text in batch if (stanza := text.strip(b"\n")))

    def batches(self) -> Iterator[list[bytes]]:
        """Read the index, as :func:`fuel_upgrade.repo.apt.index_files.read_batches` gives it.

        Raises:
            BundleError: it is damaged.
        """
        return read_batches(self.path)


@dataclass(frozen=True)
class AptRepo:
    """One suite of an apt repo. ``release`` holds the plain fields of ``Release``.

    The indexes stay on disk: they are read anew by each walk over the entries, so that memory
    does not grow with the stanzas. ``computed`` are SHA-256 sums that the indexes lack, by
    location.
    """

    root: Path
    suite: str
    release: Mapping[str, str]
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    indexes: tuple[AptIndex, ...]
    computed: Mapping[str, str] = field(default_factory=dict)

    def stanzas(self) -> Iterator[bytes]:
        """Read every index, a stanza at a time.

        Raises:
            BundleError: an index is damaged.
        """
        for index in self.indexes:
            yield from index.stanzas()

    def batches(self) -> Iterator[list[bytes]]:
        """Read every index, many stanzas at a time (see :meth:`AptIndex.batches`).

        Raises:
            BundleError: an index is damaged.
        """
        for index in self.indexes:
            yield from index.batches()

    def iter_entries(
        self, *, algorithm: str | None = None, names: Collection[str] | None = None
    ) -> Iterator[AptEntry]:
        """Read and parse every index, an entry at a time; of packages of ``names`` alone if given.

        Where one checksum is enough, naming it by ``algorithm`` may spare time.

        Raises:
            BundleError: an index is damaged or malformed.
            KeyError: an entry lacks the checksum ``algorithm``.
        """
        parse = parse_package
        if algorithm == "sha256" and not self.computed:
            parse = parse_by_sha256
        for index in self.indexes:
            source = str(index.path)
            for stanza in index.stanzas():
                if names is not None and (known := name_of(stanza)) and known not in names:
                    continue
                package = self._completed(parse(stanza, source=source))
                if names is None or package.name in names:
                    yield AptEntry(package, index.component, index.architecture, stanza)

    @cached_property
    def packages(self) -> tuple[Package, ...]:
        """Every entry's package; one for all architectures stands here once an index."""
        return tuple(entry.package for entry in self.iter_entries())

    def _completed(self, package: Package) -> Package:
        value = self.computed.get(package.location)
        if value is None:
            return package
        return replace(package, digests=(*package.digests, ("sha256", value)))


def suites(root: Path) -> tuple[str, ...]:
    """Name the suites below ``dists/``; a link that gives one a second name does not count."""
    folders = sorted(p for p in (root / "dists").glob("*") if p.is_dir() and not p.is_symlink())
    return tuple(p.name for p in folders if _has_release(p) or _indexes_below(p))


def _has_release(folder: Path) -> bool:
    return any((folder / name).exists() for name in RELEASES)


def read_apt(root: Path, *, suite: str | None = None) -> AptRepo:
    """Read one suite; it may be left unnamed where there is only one.

    Every index is checked against the checksums in ``Release`` where that lists it.

    Raises:
        ConfigError: the suite is not there, or several are and none is named.
        BundleError: an index is missing, damaged or malformed.
    """
    repo = open_apt(root, suite=suite)
    _ = repo.packages  # what is malformed is told here, not at the first use
    return repo


def open_apt(root: Path, *, suite: str | None = None) -> AptRepo:
    """Find and check one suite's indexes as :func:`read_apt` does, but parse none of them yet.

    Raises:
        ConfigError: the suite is not there, or several are and none is named.
        BundleError: an index is missing, or not the one that ``Release`` lists.
    """
    name = _chosen_suite(root, suite)
    folder = root / "dists" / name
    release, listed = read_release(folder)
    components = _present(folder, 0, _words(release, "Components"))
    architectures = _present(folder, 1, _words(release, "Architectures"))
    found = (
        _find_index(folder, component, architecture, listed)
        for component in components
        for architecture in architectures
    )
    indexes = tuple(index for index in found if index)
    return AptRepo(root, name, release, components, architectures, indexes)


def _chosen_suite(root: Path, wanted: str | None) -> str:
    found = suites(root)
    if wanted is None and len(found) == 1:
        return found[0]
    if wanted in found:
        return wanted
    raise ConfigError(
        f"{root}: {'no suite ' + wanted if wanted else 'which suite is meant?'}"
        f" (found: {', '.join(found) or 'none'})",
        remedy="name one of them with --suite",
    )


def read_release(folder: Path) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Read the ``InRelease`` or ``Release`` of a suite; nothing where it has neither.

    Returns:
        The plain fields, and for each listed path its best checksum with its kind.
    """
    path = next((folder / name for name in RELEASES if (folder / name).exists()), None)
    if path is None:
        return {}, {}
    paragraph = _paragraph(path)
    fields = _plain_fields(paragraph)
    listed: dict[str, tuple[str, str]] = {}
    for name, algorithm in RELEASE_DIGESTS:  # the best comes last and counts
        rows = (line.split() for line in str(paragraph.get(name, "")).splitlines())
        listed |= {row[2]: (algorithm, row[0].lower()) for row in rows if len(row) == 3}  # noqa: PLR2004 - sum size path
    return fields, listed


def _paragraph(path: Path) -> Deb822:
    return Deb822(unwrap_signed(path.read_text(encoding="utf-8", errors="replace")))


def _plain_fields(paragraph: Deb822) -> dict[str, str]:
    return {str(k): str(v).strip() for k, v in paragraph.items() if "\n" not in str(v)}


def _words(release: Mapping[str, str], field: str) -> tuple[str, ...]:
    # Components may carry a path ("updates/main"); the folder below the suite is the last part.
    return tuple(word.split("/")[-1] for word in release.get(field, "").split())


def _indexes_below(folder: Path) -> list[Path]:
    return [p for p in folder.glob("*/binary-*") if p.is_dir()]


def _present(folder: Path, level: int, named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the components (level 0) or architectures (1) on disk, in the order of ``Release``.

    A partial mirror keeps the ``Release`` of the whole; what it left out is not in this repo.
    """
    parts = (p.relative_to(folder).parts[level] for p in _indexes_below(folder))
    found = {part.removeprefix("binary-") for part in parts}
    return (*(n for n in dict.fromkeys(named) if n in found), *sorted(found - set(named)))


def _find_index(folder: Path, component: str, architecture: str, listed: Listed) -> AptIndex | None:
    stem = f"{component}/binary-{architecture}/Packages"
    path = choose_form(folder, stem, listed)
    if path is None:
        _refuse_unread(folder, stem, listed)
        return None
    return AptIndex(path, component, architecture)


def _refuse_unread(folder: Path, stem: str, listed: Collection[str]) -> None:
    """Refuse an index that is missing, or only there in a form that we do not read."""
    if not (folder / stem).parent.exists():
        return
    missing = [stem + suffix for suffix in FASTEST_FIRST if stem + suffix in listed]
    if missing:
        raise BundleError(
            f"{folder}: Release lists {missing[0]}, which is not there",
            remedy="copy the repo whole, with its indexes",
        )
    if others := sorted(p.name for p in (folder / stem).parent.glob("Packages.*")):
        raise BundleError(
            f"{folder}: of {stem} there is only {', '.join(others)}",
            remedy="add it unpacked, or packed by gzip, xz, lzma, bzip2 or zstd",
        )
