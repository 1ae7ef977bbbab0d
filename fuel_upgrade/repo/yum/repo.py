"""A yum repo as a :class:`fuel_upgrade.repo.repo.Repo`."""

import posixpath
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from fuel_upgrade.repo.package import Identity, Package, RepoKind
from fuel_upgrade.repo.repo import Entry, IndexChoice, IndexName, QuickDiff, Reading
from fuel_upgrade.repo.requirements import PackageSet
from fuel_upgrade.repo.sign import SigningKey, sign_yum
from fuel_upgrade.repo.yum.createrepo import RpmPackage
from fuel_upgrade.repo.yum.expat_reader import READER, read_lines
from fuel_upgrade.repo.yum.extras import (
    Extras,
    find_unreadable,
    merge_extras,
    read_base_extras,
    read_extras,
    select_extras,
)
from fuel_upgrade.repo.yum.metadata import YumMetadata, index_files, parse_metadata
from fuel_upgrade.repo.yum.primary_text import (
    ALGORITHM,
    PrimaryText,
    read_primary_text,
    select_text,
)
from fuel_upgrade.repo.yum.rpm_relations import read_yum_requirements
from fuel_upgrade.repo.yum.text_diff import diff_texts
from fuel_upgrade.repo.yum.write_metadata import write_yum_metadata
from fuel_upgrade.system.beside import beside

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
    texts: list[PrimaryText | None] = field(default_factory=list, compare=False)

    @property
    def has_groups(self) -> bool:
        """Return whether ``repomd.xml`` lists groups."""
        return "group" in self.extras

    @cached_property
    def unreadable(self) -> tuple[str, ...]:
        """Return the listed files beside primary that cannot be read."""
        return find_unreadable(self)

    def require_well_formed(self) -> None:
        """Parse primary with createrepo_c, if that was not done."""
        if "primary" not in self.faults:
            self.parse("primary", lambda _: None)

    def entries(
        self, *, algorithm: str | None = None, names: Collection[str] | None = None
    ) -> Iterator[Entry]:
        """Yield the packages, which are in memory; ``algorithm`` has no influence."""
        return (Entry(p) for p in self.packages if names is None or p.name in names)

    @property
    def text(self) -> PrimaryText | None:
        """The packages by the text of primary, None if only the library can read it."""
        if not self.texts:  # a cached property of Python 3.11 is computed in one thread at a time
            self.texts.append(read_primary_text(self.metadata["primary"], self.primary))
        return self.texts[0]

    def parse_packages(
        self, locations: Collection[str], take: Callable[[RpmPackage], None]
    ) -> None:
        """Parse only the packages at these locations if the text has been read."""
        path = self.metadata["primary"]
        if not self.texts or self.texts[0] is None:
            super().parse_packages(locations, take)
            return
        with tempfile.NamedTemporaryFile(prefix="fuel-upgrade-") as part:
            part.writelines(select_text(path, locations))
            part.flush()
            parse_metadata(Path(part.name), "primary", take, files=True, source=path)
        self.faults["primary"] = ""

    def identities(self, algorithm: str) -> Iterator[tuple[IndexName, Sequence[Identity]]]:
        """Yield the identity of each package."""
        if algorithm == ALGORITHM and not self.computed and self.text:
            return iter(((_INDEX, tuple(self.text.files)),))
        return ((_INDEX, (package.identity(algorithm),)) for package in self.packages)

    def read_for_proof(self, algorithm: str) -> Reading:
        """Read them with expat; the checksums that the metadata lacks are those of this repo."""
        return _read_for_proof((self,), algorithm)[0]

    def read_both_for_proof(self, base: Self, algorithm: str) -> tuple[Reading, ...]:
        """Read both with expat, a package with the same text in both once."""
        return _read_for_proof((base, self), algorithm)

    def completed(
        self, parts: Iterable[Sequence[str]], algorithm: str
    ) -> Iterator[tuple[IndexName, Sequence[Identity]]]:
        """Add the checksums that the metadata lacks to the lines of expat."""
        computed: dict[str, str] = {}
        for lines in parts:
            identities = [line for line in lines if "\0" not in line]
            for line in lines if len(identities) < len(lines) else ():
                key, lacks, location = line.partition("\0")
                computed = computed or {p.location: p.digest(algorithm) for p in self.packages}
                if lacks:
                    identities.append(key + computed[posixpath.normpath(location)])
            yield _INDEX, identities

    def with_sha256(self, sums: Mapping[str, str]) -> Self:
        """Return the repo with these sums in its packages."""
        return replace(self, computed=sums)

    def quick_diff(
        self, base: Self, inherited: Sequence[Package], when_read: Callable[[], None]
    ) -> QuickDiff | None:
        """Compare by the text of primary; None if only the library can read one of them."""
        when_read()  # the proof takes longer than this
        with beside(lambda: base.text, lambda text, _: text) as base_text:
            new = self.text
            old = base_text(None)
        base.texts[:] = [old]
        return diff_texts(old, new, inherited) if old and new else None

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
        packages = [entry.package for entry in entries]
        extras = Extras()
        if base is not None:
            extras = select_extras(read_extras(self), read_base_extras(base), packages)
        write_yum_metadata([(self, packages)], out, extras.render(), self.form)

    def write_merged(
        self, parts: Sequence[tuple[Self, Collection[str]]], out: Path, *, label: str
    ) -> None:
        """Write the metadata of all parts, as new as the newest of them."""
        form = replace(self.form, timestamp=max(repo.timestamp for repo, _ in parts))
        extras = merge_extras(read_extras(repo) for repo, _ in parts)
        packages = [(r, [p for p in r.packages if p.location in places]) for r, places in parts]
        write_yum_metadata(packages, out, extras.render(), form)

    def add_by_hash(self, out: Path, names: Iterable[str]) -> None:
        """Do nothing: yum has no such names."""

    def sign(self, out: Path, key: SigningKey) -> None:
        """Write ``repomd.xml.asc``."""
        sign_yum(out / "repodata", key)


def _read_for_proof(repos: Sequence[YumRepo], algorithm: str) -> tuple[Reading, ...]:
    parts = zip(repos, read_lines([repo.root for repo in repos], algorithm), strict=True)
    return tuple(Reading(READER, repo.completed(part, algorithm)) for repo, part in parts)
