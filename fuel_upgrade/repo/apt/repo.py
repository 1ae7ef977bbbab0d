"""One suite of an apt repo as a :class:`fuel_upgrade.repo.repo.Repo`."""

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Self

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.repo.apt.deb_relations import read_apt_requirements
from fuel_upgrade.repo.apt.fast_diff import quick_diff
from fuel_upgrade.repo.apt.index_files import SMALLEST_FIRST
from fuel_upgrade.repo.apt.library_reader import ReadPart, read_identities, reader_name
from fuel_upgrade.repo.apt.listed_indexes import require_all_read
from fuel_upgrade.repo.apt.other_indexes import find_extras, is_chosen
from fuel_upgrade.repo.apt.suite import AptSuite
from fuel_upgrade.repo.apt.suite_path import index_path, index_stem, is_flat
from fuel_upgrade.repo.apt.write_indexes import add_by_hash, is_by_hash, write_apt_indexes
from fuel_upgrade.repo.package import Identity, Package, RepoKind
from fuel_upgrade.repo.repo import Entry, IndexChoice, IndexName, QuickDiff, Reading
from fuel_upgrade.repo.requirements import PackageSet
from fuel_upgrade.repo.sign import SigningKey, sign_apt

_SIGNATURES = ("InRelease", "Release.gpg")
_SIGNED = ("Release", *_SIGNATURES)


@dataclass(frozen=True)
class AptRepo(AptSuite):
    """The methods are documented in the protocol."""

    kind = RepoKind.APT
    has_groups = False
    unreadable = ()

    @property
    def label(self) -> str | None:
        """Return the ``Label`` of ``Release``."""
        return self.release.get("Label")

    @property
    def must_keep_label(self) -> bool:
        """Return whether the repo is unsigned: apt refuses another label."""
        return not any((self.folder / name).exists() for name in _SIGNATURES)

    def require_well_formed(self) -> None:
        """Do nothing: every method reads whole entries."""

    def identities(self, algorithm: str) -> Iterator[tuple[IndexName, Sequence[Identity]]]:
        """Yield identities; by SHA-256 many entries are read at once."""
        if algorithm != "sha256" or self.computed:
            return (
                (e.index, (e.package.identity(algorithm),))
                for e in self.entries(algorithm=algorithm)
            )
        return (
            ((index.component, index.architecture), columns.identities)
            for index in self.indexes
            for columns in index.columns()
        )

    def read_for_proof(self, algorithm: str) -> Reading:
        """Read them with apt's own parser, or with python-debian on a host without it."""
        parts = read_identities([index.path for index in self.indexes], algorithm)
        return Reading(reader_name(), self._completed_parts(parts))

    def read_both_for_proof(self, base: Self, algorithm: str) -> tuple[Reading, ...]:
        """Read each for itself."""
        return base.read_for_proof(algorithm), self.read_for_proof(algorithm)

    def _completed_parts(
        self, parts: Iterable[ReadPart]
    ) -> Iterator[tuple[IndexName, Sequence[Identity]]]:
        names = {index.path: (index.component, index.architecture) for index in self.indexes}
        if not is_flat(self.suite):  # of a flat repo apt reads no other index
            require_all_read(self.folder, names)
        for part in parts:
            sums = (
                (identity, self.computed[posixpath.normpath(location.strip())])
                for identity, location in part.incomplete
            )
            yield names[part.path], [*part.identities, *map("".join, sums)]

    def with_sha256(self, sums: Mapping[str, str]) -> Self:
        """Return the suite with these sums, which are added to entries as they are read."""
        return replace(self, computed=sums)

    def quick_diff(self, base: Self, inherited: Sequence[Package]) -> QuickDiff | None:
        """Compare by identity; None if an entry lacks its SHA-256."""
        return quick_diff(base, self, inherited)

    def requirements(self) -> tuple[PackageSet, ...]:
        """Return one set for each architecture."""
        return read_apt_requirements(self.entries())

    def index_files(self, choice: IndexChoice) -> tuple[str, ...]:
        """Return the signed files, and of each other index the smallest form."""
        stems = [index_stem(c, a) for c, a in self.index_names]
        others = [e.stem for e in find_extras(self.folder, self.components) if is_chosen(e, choice)]
        names = [*_SIGNED, *(f"{stem.removesuffix('Packages')}Release" for stem in stems)]
        for stem in [*stems, *others]:
            forms = [stem + suffix for suffix in SMALLEST_FIRST]
            names += [form for form in forms if (self.folder / form).is_file()][:1]
        files = (name for name in names if (self.folder / name).is_file())
        return tuple(index_path(self.suite, name) for name in files)

    def dropped(self, choice: IndexChoice) -> tuple[str, ...]:
        """Return the indexes beside ``Packages`` that ``choice`` leaves out."""
        others = find_extras(self.folder, self.components)
        return tuple(str(extra) for extra in others if not is_chosen(extra, choice))

    def write_indexes(
        self,
        entries: Iterable[Entry],
        out: Path,
        *,
        label: str,
        choice: IndexChoice,
        base: Self | None = None,
    ) -> None:
        """Write every component and architecture; ``base`` has no influence."""
        write_apt_indexes(self, entries, out, label=label, choice=choice)

    def write_merged(
        self, parts: Sequence[tuple[Self, Collection[str]]], out: Path, *, label: str
    ) -> None:
        """Write the components and architectures of all parts.

        Raises:
            ConfigError: only some of them are flat.
        """
        repos = [repo for repo, _ in parts]
        _require_one_layout(repos)
        merged = replace(
            self,
            components=tuple(dict.fromkeys(c for repo in repos for c in repo.components)),
            architectures=tuple(dict.fromkeys(a for repo in repos for a in repo.architectures)),
        )
        entries = [
            entry
            for repo, locations in parts
            for entry in repo.entries()
            if entry.package.location in locations
        ]
        entries.sort(key=attrgetter("index"))
        # The translations of the bases are not available by component.
        write_apt_indexes(merged, entries, out, label=label, choice=IndexChoice(translations=False))

    def add_by_hash(self, out: Path, names: Iterable[str]) -> None:
        """Link the copied indexes; the signed files have no such names."""
        if is_by_hash(self):
            indexes = tuple(name for name in names if not name.endswith(_SIGNED))
            add_by_hash(out, indexes, ("sha256", "sha512"))

    def sign(self, out: Path, key: SigningKey) -> None:
        """Write ``InRelease`` and ``Release.gpg``."""
        sign_apt(out / index_path(self.suite), key)


def _require_one_layout(repos: Sequence[AptRepo]) -> None:
    flat = [repo for repo in repos if is_flat(repo.suite)]
    if flat and len(flat) != len(repos):
        raise ConfigError(
            f"{flat[0].root} is a flat repo, others of the chain have suites: the packages of one"
            " have no place in the indexes of the other",
            remedy="make the diff repo again without --no-original: the view then has the"
            " release's own indexes",
        )


def read_apt(root: Path, *, suite: str | None = None) -> AptRepo:
    """Read one suite; ``suite`` may be None if there is only one.

    Every index that ``Release`` lists is checked against its checksum.

    Raises:
        ConfigError: the suite does not exist, or several exist and none is named.
        BundleError: an index is missing, damaged or malformed.
    """
    repo = AptRepo.open(root, suite=suite)
    _ = repo.packages  # reports a malformed entry now, not at the first use
    return repo
