"""A yum repo as a :class:`fuel_upgrade.repo.repo.Repo`."""

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from fuel_upgrade.repo.package import Identity, Package, RepoKind
from fuel_upgrade.repo.repo import Entry, IndexChoice, IndexName, QuickDiff, Reading
from fuel_upgrade.repo.requirements import PackageSet
from fuel_upgrade.repo.sign import SigningKey, sign_yum
from fuel_upgrade.repo.yum.expat_reader import READER, read_rows
from fuel_upgrade.repo.yum.extras import (
    Extras,
    find_unreadable,
    merge_extras,
    read_base_extras,
    read_extras,
    select_extras,
)
from fuel_upgrade.repo.yum.metadata import YumMetadata, index_files
from fuel_upgrade.repo.yum.rpm_relations import read_yum_requirements
from fuel_upgrade.repo.yum.write_metadata import write_yum_metadata

_INDEX: IndexName = ("", "")


@dataclass(frozen=True)
class YumRepo(YumMetadata):
    """The methods are documented in the protocol."""

    kind = RepoKind.YUM
    suite = None
    components = ()
    index_names = (_INDEX,)
    label = None
    must_keep_label = False

    @property
    def has_groups(self) -> bool:
        """Return whether ``repomd.xml`` lists groups."""
        return "group" in self.extras

    @cached_property
    def unreadable(self) -> tuple[str, ...]:
        """Return the listed files beside primary that cannot be read."""
        return find_unreadable(self)

    def entries(
        self, *, algorithm: str | None = None, names: Collection[str] | None = None
    ) -> Iterator[Entry]:
        """Yield the packages, which are in memory; ``algorithm`` has no influence."""
        return (Entry(p) for p in self.packages if names is None or p.name in names)

    def identities(self, algorithm: str) -> Iterator[tuple[IndexName, Sequence[Identity]]]:
        """Yield the identity of each package."""
        return ((_INDEX, (package.identity(algorithm),)) for package in self.packages)

    def read_for_proof(self, algorithm: str) -> Reading:
        """Read them with expat; the checksums that the metadata lacks are those of this repo."""
        return Reading(READER, self._read_by_expat(algorithm))

    def _read_by_expat(self, algorithm: str) -> Iterator[tuple[IndexName, Sequence[Identity]]]:
        computed: dict[str, str] = {}
        for key, location, kind, checksum in read_rows(self.root):
            if kind == algorithm:
                yield _INDEX, (f"{key} {checksum}",)
                continue
            computed = computed or {p.location: p.digest(algorithm) for p in self.packages}
            yield _INDEX, (f"{key} {computed[posixpath.normpath(location)]}",)

    def with_sha256(self, sums: Mapping[str, str]) -> Self:
        """Return the repo with these sums in its packages."""
        packages = (
            replace(p, digests=(*p.digests, ("sha256", sums[p.location])))
            if p.location in sums
            else p
            for p in self.packages
        )
        return replace(self, packages=tuple(packages))

    def quick_diff(self, base: Self, inherited: Sequence[Package]) -> QuickDiff | None:
        """Return None: the library has parsed the metadata already."""
        return None

    def requirements(self) -> tuple[PackageSet, ...]:
        """Return one set."""
        return read_yum_requirements(self)

    def index_files(self, choice: IndexChoice) -> tuple[str, ...]:
        """Return every metadata file, with the signature."""
        return index_files(self.root)

    def dropped(self, choice: IndexChoice) -> tuple[str, ...]:
        """Return the unreadable files: every kind of metadata that nodes read is carried."""
        return self.unreadable

    def write_indexes(
        self,
        entries: Iterable[Entry],
        out: Path,
        *,
        label: str,
        choice: IndexChoice,
        base: Self | None = None,
    ) -> None:
        """Write the metadata, in the form of this repo; label and choice have no influence."""
        packages = {entry.package.location: entry.package for entry in entries}
        extras = Extras()
        if base is not None:
            carried = tuple(packages.values())
            extras = select_extras(read_extras(self), read_base_extras(base), carried)
        write_yum_metadata([(self, packages)], out, extras.render(), self.form)

    def write_merged(
        self, parts: Sequence[tuple[Self, Collection[str]]], out: Path, *, label: str
    ) -> None:
        """Write the metadata of all parts, as new as the newest of them."""
        form = replace(self.form, timestamp=max(repo.timestamp for repo, _ in parts))
        extras = merge_extras(read_extras(repo) for repo, _ in parts)
        write_yum_metadata(parts, out, extras.render(), form)

    def add_by_hash(self, out: Path, names: Iterable[str]) -> None:
        """Do nothing: yum has no such names."""

    def sign(self, out: Path, key: SigningKey) -> None:
        """Write ``repomd.xml.asc``."""
        sign_yum(out / "repodata", key)
