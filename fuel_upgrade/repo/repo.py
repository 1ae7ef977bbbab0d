"""The operations of a repo that differ between apt and yum, as one protocol."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from fuel_upgrade.repo.diff import RepoDiff
from fuel_upgrade.repo.package import Identity, Package, RepoKind
from fuel_upgrade.repo.requirements import PackageSet
from fuel_upgrade.repo.sign import SigningKey

IndexName = tuple[str, str]
"""(component, architecture) of an apt index; ("", "") is the only index of a yum repo."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an index. ``stanza`` is the unchanged text of an apt entry, empty for yum."""

    package: Package
    component: str = ""
    index_architecture: str = ""
    stanza: bytes = b""

    @property
    def index(self) -> IndexName:
        """The index that lists the entry."""
        return self.component, self.index_architecture


@dataclass(frozen=True, slots=True)
class QuickDiff:
    """A diff, and the entries of all names that may have changed, without their stanzas.

    ``carried`` are the entries to write, with their stanzas: each iteration reads them from disk.
    """

    diff: RepoDiff
    base: tuple[Entry, ...]
    current: tuple[Entry, ...]
    carried: Iterable[Entry]


@dataclass(frozen=True, slots=True)
class IndexChoice:
    """The indexes to write beside ``Packages``; ``by_hash`` None does as the source repo does."""

    by_hash: bool | None = None
    translations: bool = True
    contents: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """The identities of all entries, in parts of an index, as ``reader`` reads them.

    ``reader`` is a library, or "".
    """

    reader: str
    identities: Iterable[tuple[IndexName, Sequence[Identity]]]


class Repo(Protocol):
    """One suite of an apt repo, or a yum repo. Methods that take ``Self`` want the same kind."""

    @property
    def root(self) -> Path:
        """The folder to which all locations are relative."""

    @property
    def kind(self) -> RepoKind:
        """The family of package managers that reads the repo."""

    @property
    def suite(self) -> str | None:
        """The apt suite."""

    @property
    def components(self) -> tuple[str, ...]:
        """The apt components, in the order of ``Release``."""

    @property
    def index_names(self) -> tuple[IndexName, ...]:
        """Every package index, including empty ones."""

    @property
    def packages(self) -> tuple[Package, ...]:
        """The package of every entry: an apt package for all architectures repeats per index."""

    @property
    def label(self) -> str | None:
        """The ``Label`` of the apt ``Release``."""

    @property
    def must_keep_label(self) -> bool:
        """Whether a repo that replaces this one needs the same label (apt-secure(8)).

        A signed repo cannot be replaced under its label without its key.
        """

    @property
    def has_groups(self) -> bool:
        """Whether the repo defines package groups (yum)."""

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The yum metadata beside primary that cannot be read, as ``KIND PATH: FAULT``.

        It counts as empty; of filelists and other the entries before the fault are used.
        """

    def entries(
        self, *, algorithm: str | None = None, names: Collection[str] | None = None
    ) -> Iterator[Entry]:
        """Yield the entries of every index; only of the packages in ``names`` if given.

        If one checksum is enough, ``algorithm`` makes parsing faster.

        Raises:
            BundleError: an index is damaged or malformed.
            KeyError: an entry lacks the checksum ``algorithm``.
        """

    def require_well_formed(self) -> None:
        """Parse what other methods skip: the details of packages in the metadata of yum.

        Raises:
            BundleError: they are malformed.
        """

    def identities(self, algorithm: str) -> Iterator[tuple[IndexName, Sequence[Identity]]]:
        """Yield the identities of all entries, in parts of an index; errors as :meth:`entries`."""

    def read_for_proof(self, algorithm: str) -> Reading:
        """Read all indexes again, with a library that shares no code with the other methods.

        It may read before the first identity is requested; errors are raised then.

        Raises:
            BundleError: the library refuses an index, or an index that the repo lists is not read.
            KeyError: an entry lacks the checksum ``algorithm``.
        """

    def read_both_for_proof(self, base: Self, algorithm: str) -> tuple[Reading, ...]:
        """Read ``base`` and this repo as :meth:`read_for_proof` does."""

    def with_sha256(self, sums: Mapping[str, str]) -> Self:
        """Return the repo with SHA-256 sums, by location, that its indexes lack."""

    def quick_diff(self, base: Self, inherited: Sequence[Package]) -> QuickDiff | None:
        """Compare with ``base``, reading each index once; None where that is impossible.

        Raises:
            BundleError: an index is damaged or malformed, or entries contradict each other.
        """

    def requirements(self) -> tuple[PackageSet, ...]:
        """Return the dependencies of the packages, one set for each architecture of nodes.

        Raises:
            BundleError: an index is damaged or malformed.
        """

    def index_files(self, choice: IndexChoice) -> tuple[str, ...]:
        """Return the paths of the index files to copy, relative to the root.

        Of a large apt index that is the smallest form: apt accepts any form that ``Release``
        lists. Of a yum repo it is every file that ``repomd.xml`` lists and that exists.
        """

    def dropped(self, choice: IndexChoice) -> tuple[str, ...]:
        """Return the indexes that ``choice`` leaves out, as ``KIND PATH``, and unreadable ones."""

    def write_indexes(
        self,
        entries: Iterable[Entry],
        out: Path,
        *,
        label: str,
        choice: IndexChoice,
        base: Self | None = None,
    ) -> None:
        """Write complete indexes for ``entries`` of this repo below ``out``.

        Of yum groups, modules and advisories it writes those that a node with ``base`` lacks.
        """

    def write_merged(
        self, parts: Sequence[tuple[Self, Collection[str]]], out: Path, *, label: str
    ) -> None:
        """Write the indexes of one repo below ``out``, made of ``parts``.

        Each part is a repo, newest first, with the locations of the packages to take from it.
        Entries are unchanged; an apt package keeps its component.
        """

    def add_by_hash(self, out: Path, names: Iterable[str]) -> None:
        """Link copied indexes under the names of ``Acquire-By-Hash`` if ``Release`` promises it."""

    def sign(self, out: Path, key: SigningKey) -> None:
        """Sign the indexes that :meth:`write_indexes` wrote below ``out``.

        Raises:
            CommandError: gpg is not installed, or cannot sign with the key.
        """
