"""Read one suite of an apt repo from disk."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.apt.columns import Columns, read_columns
from fuel_upgrade.repo.apt.index_files import (
    FASTEST_FIRST,
    choose_form,
    present_forms,
    read_batches,
    read_parts,
)
from fuel_upgrade.repo.apt.release_file import RELEASES, Listed, ReleaseFile, read_release
from fuel_upgrade.repo.apt.stanza import name_of, parse_by_sha256, parse_package
from fuel_upgrade.repo.apt.suite_path import index_path, index_stem, is_flat, suite_fault
from fuel_upgrade.repo.contradictions import Contradictions
from fuel_upgrade.repo.description import CURRENT_FOLDER, is_diff_repo
from fuel_upgrade.repo.metadata_place import require_inside, require_regular
from fuel_upgrade.repo.package import Package
from fuel_upgrade.repo.repo import Entry, IndexName

_FLAT_DEPTH = 3
_FLAT_INDEX: IndexName = ("", "all")
_FLAT_INDEXES = frozenset("Packages" + suffix for suffix in FASTEST_FIRST)
_INDEX_FILES = _FLAT_INDEXES.union(RELEASES)


class SuiteChoiceError(ConfigError):
    """The suite does not exist, or several exist and none is named."""


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
        """Read the index, as :func:`fuel_upgrade.repo.apt.index_files.read_batches` yields it.

        Raises:
            BundleError: it is damaged.
        """
        return read_batches(self.path)

    def columns(self) -> Iterator[Columns]:
        """Read the index from disk, many entries at a time.

        Raises:
            BundleError: it is damaged, or an entry is malformed.
            KeyError: as :func:`fuel_upgrade.repo.apt.columns.read_columns`.
        """
        before = 0

        def read(text: bytes) -> Columns:
            nonlocal before
            columns = read_columns(text, source=str(self.path), before=before)
            before += len(columns.identities)
            return columns

        return read_parts(self.path, read)

    def entry(self, package: Package, stanza: bytes = b"") -> Entry:
        """Return an entry of the index."""
        return Entry(package, self.component, self.architecture, stanza)


@dataclass(frozen=True)
class AptSuite:
    """One suite of an apt repo. ``release`` holds the one-line fields of ``Release``.

    A flat repo is a suite without components, whose name ends with a slash as in sources.list(5).
    Nodes of every architecture read its only index, as they read the one for all of others.
    The indexes stay on disk and are read again for each pass over the entries, so that memory
    does not grow with their text. ``computed`` maps locations to SHA-256 sums that the indexes
    lack.
    """

    root: Path
    suite: str
    release: Mapping[str, str]
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    indexes: tuple[AptIndex, ...]
    computed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, root: Path, *, suite: str | None = None) -> Self:
        """Find and check the indexes of a suite, but parse none of them yet.

        Raises:
            ConfigError: the suite does not exist, or several exist and none is named.
            BundleError: an index is missing, or differs from the one that ``Release`` lists.
        """
        name = _chosen_suite(root, suite)
        folder = root / index_path(name)
        _refuse_odd_files(root, folder, flat=is_flat(name))
        release = read_release(folder)
        if is_flat(name):
            index = AptIndex(_find_flat(folder, release.listed), *_FLAT_INDEX)
            return cls(root, name, release.fields, (), (index.architecture,), (index,))
        places = [index.relative_to(folder) for index in _indexes_below(folder)]
        components = _components(places, _words(release.fields, "Components"))
        architectures = _architectures(places, release)
        if fault := suite_fault(name, components):
            raise BundleError(f"{folder}: {fault}", remedy="rename that folder and its entries")
        indexes = (
            _find_index(folder, component, architecture, release.listed)
            for component in components
            for architecture in architectures
        )
        present = tuple(index for index in indexes if index)
        return cls(root, name, release.fields, components, architectures, present)

    @property
    def folder(self) -> Path:
        """The folder of the suite's indexes."""
        return self.root / index_path(self.suite)

    @property
    def index_names(self) -> tuple[IndexName, ...]:
        """Each component in each architecture."""
        if is_flat(self.suite):
            return (_FLAT_INDEX,)
        return tuple((c, a) for c in self.components for a in self.architectures)

    def entries(
        self, *, algorithm: str | None = None, names: Collection[str] | None = None
    ) -> Iterator[Entry]:
        """Read and parse every index, an entry at a time; only of packages in ``names`` if given.

        If one checksum is enough, ``algorithm`` may save time.

        Raises:
            BundleError: an index is damaged or malformed.
            KeyError: an entry lacks the checksum ``algorithm``.
        """
        parse = parse_package
        if algorithm == "sha256" and not self.computed:
            parse = parse_by_sha256
        for index in self.indexes:
            for number, stanza in enumerate(index.stanzas(), 1):
                if names is not None and (name := name_of(stanza)) and name not in names:
                    continue
                package = self._completed(parse(stanza, source=f"{index.path}, entry {number}"))
                if names is None or package.name in names:
                    yield index.entry(package, stanza)

    @cached_property
    def packages(self) -> tuple[Package, ...]:
        """The package of every entry; one for all architectures repeats in each index.

        Raises:
            BundleError: an index is damaged or malformed, or entries contradict each other.
        """
        contradictions = Contradictions(str(self.folder))
        packages = []
        for entry in self.entries():
            contradictions.add(entry.package, entry.index_architecture)
            packages.append(entry.package)
        return tuple(packages)

    def _completed(self, package: Package) -> Package:
        value = self.computed.get(package.location)
        if value is None:
            return package
        return replace(package, digests=(*package.digests, ("sha256", value)))


def _refuse_odd_files(root: Path, folder: Path, *, flat: bool) -> None:
    """Refuse metadata of a suite that is no regular file inside of the repo.

    Raises:
        BundleError: a file is none.
    """
    require_inside(root, [folder])
    if flat:  # packages are beside the indexes
        require_regular(root, (folder / name for name in _INDEX_FILES))
        return
    for name, folders, files in os.walk(folder):
        require_inside(root, (Path(name, inner) for inner in folders))
        require_regular(root, (Path(name, file) for file in (*files, *_INDEX_FILES)))
        folders[:] = set(folders) - {"by-hash"}  # no reader opens those names


def suites(root: Path) -> tuple[str, ...]:
    """Return the suites below ``dists/``, without links that name a suite a second time.

    The name of a suite is a path: ``trusty-updates/juno`` in the cloud archive. Without any, the
    flat repos at the root (``./``) and in its folders are returned.
    """
    dists = root / "dists"
    named = tuple(str(folder.relative_to(dists)) for folder in _suites_below(dists))
    return named or tuple(sorted(_flat_suites(root)))


def _flat_suites(root: Path) -> Iterator[str]:
    """Yield the folders with an index, if the repo is no yum repo.

    The original indexes in a diff repo are no part of it.
    """
    if (root / "repodata/repomd.xml").exists():
        return
    ignored = {"dists", CURRENT_FOLDER} if is_diff_repo(root) else {"dists"}
    for name, folders, files in os.walk(root):
        place = Path(name).relative_to(root)
        if not _FLAT_INDEXES.isdisjoint(files):
            yield f"{place}/"
        if len(place.parts) == _FLAT_DEPTH:
            folders.clear()
        if place == Path():
            folders[:] = set(folders) - ignored


def _suites_below(folder: Path) -> Iterator[Path]:
    for child in sorted(p for p in folder.glob("*") if p.is_dir() and not p.is_symlink()):
        if _has_release(child) or any(child.glob("*/binary-*")):
            yield child
        if not child.name.startswith("binary-"):
            yield from (p for p in _suites_below(child) if _has_release(p))


def _has_release(folder: Path) -> bool:
    return not folder.name.startswith("binary-") and any(
        (folder / name).exists() for name in RELEASES
    )


def _chosen_suite(root: Path, name: str | None) -> str:
    present = suites(root)
    if name is None and len(present) == 1:
        return present[0]
    if name in present or (name and _is_known(root, name, present)):
        return name
    raise SuiteChoiceError(
        f"{root}: {'no suite ' + name if name else 'several suites, or none'}"
        f" (present: {', '.join(present) or 'none'})",
        remedy="name one of them with --suite",
    )


def _is_known(root: Path, name: str, present: tuple[str, ...]) -> bool:
    if is_flat(name):
        with suppress(OSError):  # such as a name that is too long for the file system
            return name.isprintable() and bool(present_forms(root / index_path(name), "Packages"))
        return False
    return _is_link_to(root / "dists" / name, present)


def _is_link_to(folder: Path, present: tuple[str, ...]) -> bool:
    """Return whether a name such as ``stable`` is a link to one of the suites."""
    dists = folder.parent
    return folder.is_symlink() and any(
        folder.samefile(dists / p) for p in present if folder.exists()
    )


def _words(release: Mapping[str, str], field: str) -> tuple[str, ...]:
    return tuple(release.get(field, "").split())


def _components(places: Iterable[Path], named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the components on disk, in the order of ``Release``.

    A partial mirror keeps the ``Release`` of the whole; the parts that it lacks are left out. A
    name with a slash is the path of its folder (reprepro, aptly), or it has the prefix of the
    suite, as in ``updates/main``, and its folder is the last part.
    """
    present = {str(place.parent) for place in places}
    names = [n if n in present else n.rpartition("/")[2] for n in named]
    return (*(n for n in dict.fromkeys(names) if n in present), *sorted(present - set(names)))


def _architectures(places: Iterable[Path], release: ReleaseFile) -> tuple[str, ...]:
    """Return the architectures on disk that apt reads, in the order of ``Release``."""
    named = _words(release.fields, "Architectures")
    present = {place.name.removeprefix("binary-") for place in places}
    if not _has_index_for_all(release):
        present.discard("all")
    return (*(n for n in dict.fromkeys(named) if n in present), *sorted(present - set(named)))


def _has_index_for_all(release: ReleaseFile) -> bool:
    """Return whether apt reads ``binary-all``; else each architecture repeats its packages."""
    is_listed = not release.listed or any("/binary-all/Packages" in n for n in release.listed)
    return is_listed and release.reads_index_for_all


def _indexes_below(folder: Path) -> list[Path]:
    """Return the folders of binary indexes of a suite, but not those of a suite inside it.

    Those of ``debian-installer`` list udebs, which no node installs.
    """
    inside = [suite for suite in _suites_below(folder) if _has_release(suite)]
    return [
        p
        for p in folder.rglob("binary-*")
        if p.is_dir() and p.parent != folder and p.parent.name != "debian-installer"
        and not any(p.is_relative_to(suite) for suite in inside)
    ]  # fmt: skip


def _find_index(folder: Path, component: str, architecture: str, listed: Listed) -> AptIndex | None:
    stem = index_stem(component, architecture)
    path = choose_form(folder, stem, listed)
    if path is None:
        _refuse_unread(folder, stem, listed)
        return None
    if listed and str(path.relative_to(folder)) not in listed:
        raise BundleError(
            f"{folder}: Release does not list {stem}, so that apt does not read it",
            remedy="write Release again, for example with apt-ftparchive, or remove that index",
        )
    return AptIndex(path, component, architecture)


def _find_flat(folder: Path, listed: Listed) -> Path:
    path = choose_form(folder, "Packages", listed)
    if path is None:
        _refuse_unread(folder, "Packages", listed)
    if path is None or (listed and path.name not in listed):
        raise BundleError(
            f"{folder}: Release does not list Packages, so that apt reads no package",
            remedy="write Release again, in that folder: apt-ftparchive release . > Release",
        )
    return path


def _refuse_unread(folder: Path, stem: str, listed: Collection[str]) -> None:
    """Refuse an index that is missing, or exists only in an unsupported compression."""
    if not (folder / stem).parent.exists():
        return
    missing = [stem + suffix for suffix in FASTEST_FIRST if stem + suffix in listed]
    if missing:
        raise BundleError(
            f"{folder}: Release lists {missing[0]}, which does not exist",
            remedy="copy the repo whole, with its indexes",
        )
    if others := sorted(p.name for p in (folder / stem).parent.glob("Packages.*")):
        raise BundleError(
            f"{folder}: {stem} exists only as {', '.join(others)}",
            remedy="add it uncompressed, or compressed by gzip, xz, lzma, bzip2 or zstd",
        )
