"""A yum repo as a :class:`fuel_upgrade.repo.repo.Repo`."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from fuel_upgrade.repo.diff import QuickDiff
from fuel_upgrade.repo.package import Identity, Package, RepoKind
from fuel_upgrade.repo.repo import Entry, IndexChoice, IndexName
from fuel_upgrade.repo.requirements import PackageSet
from fuel_upgrade.repo.sign import SigningKey, sign_yum
from fuel_upgrade.repo.yum.extras import (
    Extras,
    merge_extras,
    read_base_extras,
    read_extras,
    select_extras,
)
from fuel_upgrade.repo.yum.metadata import (
    YumMetadata,
    index_files,
    iter_entries,
    write_yum_metadata,
)
from fuel_upgrade.repo.yum.repomd import write_metadata
from fuel_upgrade.repo.yum.rpm_relations import read_yum_requirements

_INDEX: IndexName = ("", "")


@dataclass(frozen=True, slots=True)
class YumRepo(YumMetadata):
    """The methods are documented in the protocol."""

    kind = RepoKind.YUM
    suite = None
    components = ()
    index_names = (_INDEX,)
    read_index_names = (_INDEX,)
    label = None
    must_keep_label = False

    @property
    def has_groups(self) -> bool:
        """Return whether ``repomd.xml`` lists groups."""
        return "group" in self.extras

    def entries(
        self, *, algorithm: str | None = None, names: Collection[str] | None = None
    ) -> Iterator[Entry]:
        """Yield the packages, which are in memory; ``algorithm`` has no influence."""
        return (Entry(p) for p in self.packages if names is None or p.name in names)

    def identities(self, algorithm: str) -> Iterator[tuple[IndexName, Identity]]:
        """Yield the identity of each package."""
        return ((_INDEX, package.identity(algorithm)) for package in self.packages)

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
        """Return nothing: every kind of metadata that nodes read is carried."""
        return ()

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
        write_yum_metadata(self, packages, out, extras.render())

    def write_merged(
        self, parts: Sequence[tuple[Self, Collection[str]]], out: Path, *, label: str
    ) -> None:
        """Write the metadata of all parts, as new as the newest of them."""
        form = replace(self.form, timestamp=max(repo.timestamp for repo, _ in parts))
        write_metadata(
            out,
            (entry for repo, locations in parts for entry in iter_entries(repo, locations)),
            sum(len(locations) for _, locations in parts),
            merge_extras(read_extras(repo) for repo, _ in parts).render(),
            form,
        )

    def add_by_hash(self, out: Path, names: Iterable[str]) -> None:
        """Do nothing: yum has no such names."""

    def sign(self, out: Path, key: SigningKey) -> None:
        """Write ``repomd.xml.asc``."""
        sign_yum(out / "repodata", key)
