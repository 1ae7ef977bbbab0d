"""The full view: a diff repo and its bases as one self-sufficient repo, by hard links."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain as joined
from itertools import repeat
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import BundleError, ConfigError
from fuel_upgrade.repo.build import DiffOptions, place_all, written_whole
from fuel_upgrade.repo.description import DiffDescription, read_description
from fuel_upgrade.repo.original_indexes import copy_indexes, read_original
from fuel_upgrade.repo.package import (
    ALGORITHMS,
    Package,
    PackageKey,
    RepoKind,
    common_algorithm,
    fingerprint,
)
from fuel_upgrade.repo.read_repo import Role, opened_repo, read_repo, read_suites
from fuel_upgrade.repo.repo import IndexChoice, Repo
from fuel_upgrade.system.disk_space import own_bytes
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.progress import Progress, no_progress

_SHOWN = 20  # packages in a message


@dataclass(frozen=True, slots=True)
class View:
    """The content and the cost of a full view.

    ``own_indexes`` is true if it has the release's own indexes, with their signatures.
    ``package_bytes`` counts each package once; ``new_bytes`` is the disk space beyond the files
    that the view shares with the repos. ``dropped`` is the unreadable yum metadata of the chain,
    from which the view's own was made.
    """

    kind: RepoKind
    fingerprint: str
    packages: int
    package_bytes: int
    new_bytes: int
    own_indexes: bool
    dropped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the form for ``--json``."""
        return {**asdict(self), "kind": self.kind.value}


@dataclass(frozen=True, slots=True)
class _Located:
    """A package of the release, and the entry of the repo that has its file."""

    package: Package
    repo: Repo
    source: Package


@dataclass(frozen=True, slots=True)
class _Chain:
    """The repos to merge, newest first, with one item for each suite.

    ``description`` is that of the newest repo, None if it is full; ``original`` are the release's
    own indexes, if the newest repo carries them.
    """

    newest: Repo
    repos: tuple[Repo, ...]
    description: DiffDescription | None
    original: Repo | None

    @property
    def release(self) -> tuple[Package, ...]:
        """Every package of the release."""
        if self.original:
            return self.original.packages
        inherited = self.description.inherited_packages() if self.description else ()
        return (*self.newest.packages, *inherited)


def build_view(
    roots: Sequence[Path],
    out: Path,
    options: DiffOptions | None = None,
    *,
    progress: Progress = no_progress,
) -> View:
    """Write at ``out`` the whole release of ``roots``: a diff repo and its bases, newest first.

    Each root is a folder or an archive. ``out`` contains exactly the packages of the release, at
    their locations in the current repo; it appears complete or not at all.

    Raises:
        ConfigError: ``out`` exists, or an input does not.
        BundleError: none of the repos has a package, or an input is damaged.
    """
    chosen = options or DiffOptions()
    with written_whole(out) as staging, ExitStack() as stack:
        opened = [
            stack.enter_context(opened_repo(root, role, scratch=out.parent))
            for root, role in zip(roots, joined([Role.DIFF], repeat(Role.BASE)), strict=False)
        ]
        return _write(_read_chain(opened, chosen), staging, chosen, progress)


def _read_chain(roots: Sequence[Path], options: DiffOptions) -> _Chain:
    newest = read_repo(roots[0], suite=options.suite)
    bases = tuple(repo for root in roots[1:] for repo in read_suites(root))
    if any(base.kind is not newest.kind for base in bases):
        raise ConfigError(
            f"{', '.join(map(str, roots))}: both apt and yum repos",
            remedy="merge repos of one kind",
        )
    description = read_description(roots[0])
    if description is None:
        return _Chain(newest, (newest, *bases), None, newest)
    original = read_original(roots[0], description) if options.original else None
    return _Chain(newest, (newest, *bases), description, original)


def _write(chain: _Chain, out: Path, options: DiffOptions, progress: Progress) -> View:
    located = _locate_all(chain)
    name = _checked_fingerprint(chain, located)
    placed = _by_place(chain, located)
    places = tuple(
        (
            item.package if chain.original else item.source,
            item.repo.root / item.source.location,
            out / location,
        )
        for location, item in placed.items()
    )
    place_all(places, out, options, progress)
    if chain.original:
        names = copy_indexes(chain.original, out, IndexChoice(contents=True))
        chain.original.add_by_hash(out, names)
    else:
        label = options.label or f"fuel-view-{name.removeprefix('sha256:')[:12]}"
        chain.newest.write_merged(_parts(chain, located), out, label=label)
    return View(
        kind=chain.newest.kind,
        fingerprint=name,
        packages=len(placed),
        package_bytes=sum(item.source.size_bytes for item in placed.values()),
        new_bytes=own_bytes(out),
        own_indexes=chain.original is not None,
        dropped=() if chain.original else _unreadable(chain.repos),
    )


def _unreadable(repos: Iterable[Repo]) -> tuple[str, ...]:
    return tuple(f"{fault} ({repo.root})" for repo in repos for fault in repo.unreadable)


def _locate_all(chain: _Chain) -> list[_Located]:
    """Return the file of every package.

    Raises:
        BundleError: no repo of the chain has some packages; it names them.
    """
    finder = _Finder(chain.repos)
    pairs = [(package, finder.find(package)) for package in _once(chain.release)]
    missing = [str(package) for package, located in pairs if located is None]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        searched = ", ".join(dict.fromkeys(str(repo.root) for repo in chain.repos))
        base = chain.description.base_fingerprint if chain.description else "none"
        raise BundleError(
            f"{len(missing)} package(s) of the release, by checksum, are in none of"
            f" {searched}: {shown}",
            remedy=f"name all bases, newest first; the one to begin with has the content {base}",
        )
    return [located for _, located in pairs if located is not None]


def _once(packages: Iterable[Package]) -> Iterable[Package]:
    """Drop repetitions of an apt package in the indexes of several architectures."""
    return {(str(p), p.location, p.digests): p for p in packages}.values()


class _Finder:
    """Finds packages by content in the newest repo that has them."""

    def __init__(self, repos: Sequence[Repo]) -> None:
        self._known: dict[PackageKey, list[tuple[Repo, Package]]] = {}
        for repo in repos:
            for package in _once(repo.packages):
                self._known.setdefault(package.key, []).append((repo, package))

    def find(self, package: Package) -> _Located | None:
        """Return the location of a package, or None."""
        known = self._known.get(package.key, ())
        same = (_Located(package, repo, p) for repo, p in known if _is_same(package, repo, p))
        return next(same, None)


def _is_same(wanted: Package, repo: Repo, package: Package) -> bool:
    """Compare by the preferred common checksum; without one, hash the file."""
    ours, theirs = dict(wanted.digests), dict(package.digests)
    shared = next((name for name in ALGORITHMS if name in ours and name in theirs), None)
    if shared:
        return ours[shared] == theirs[shared]
    path = repo.root / package.location
    if not wanted.digests or not path.is_file():
        return False
    algorithm, value = wanted.digests[0]
    return hash_file(path, algorithm) == value


def _by_place(chain: _Chain, located: Iterable[_Located]) -> dict[str, _Located]:
    """Map each location in the view to its package.

    Raises:
        BundleError: two packages have the same location.
    """
    placed: dict[str, _Located] = {}
    for item in located:
        location = item.package.location if chain.original else item.source.location
        before = placed.setdefault(location, item)
        if (before.package.key, before.package.digests) != (item.package.key, item.package.digests):
            raise BundleError(
                f"{chain.newest.root}/{location}: two packages of the release have this location",
                remedy="make the diff repo again, with the current repo's own indexes",
            )
    return placed


def _parts(chain: _Chain, located: Sequence[_Located]) -> list[tuple[Repo, frozenset[str]]]:
    used: dict[int, set[str]] = {}
    for item in located:
        used.setdefault(id(item.repo), set()).add(item.source.location)
    return [(repo, frozenset(used.get(id(repo), ()))) for repo in chain.repos]


def _checked_fingerprint(chain: _Chain, located: Sequence[_Located]) -> str:
    """Return the fingerprint of the view.

    Raises:
        BundleError: it differs from the one in ``diff.yaml``.
    """
    packages = [item.package for item in located]
    described = chain.description
    algorithm = described.algorithm if described else common_algorithm(packages, packages)
    if algorithm is None or any(algorithm not in dict(p.digests) for p in packages):
        # The index of the release lacks the algorithm of diff.yaml: each file was matched by an
        # algorithm that the index has.
        return described.result_fingerprint if described else "unknown"
    name = fingerprint(packages, algorithm)
    if described and name != described.result_fingerprint:
        raise BundleError(
            f"{chain.newest.root}: its indexes make {name},"
            f" but diff.yaml says {described.result_fingerprint}",
            remedy="make the diff repo again with fuel-upgrade repo diff",
        )
    return name
