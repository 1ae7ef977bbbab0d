"""Decide which entries of a chain nodes may see, so that they resolve as with one full repo.

Pure. The newest release of a chain names all its packages by checksum. Each repo of the chain shows
those that no newer repo has, and hides all its other entries.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import combinations, groupby
from typing import Any, TypeVar

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.apt_policy import INSTALLED_PRIORITY
from fuel_upgrade.nodes.chain_content import NATIVE_ARCHITECTURE, RepoContent
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.repo.package import Identity, Package, common_algorithm
from fuel_upgrade.repo.version import Compare, compare_deb, compare_rpm

_PIN_OF_OTHER_VERSION = 1
_PIN_OF_NOTHING_LEFT = -1
_PIN_ABOVE_NOT_AUTOMATIC = 2
_NAMED_AT_MOST = 10
_VIEW_REMEDY = "give the nodes the full view of the release (fuel-upgrade repo view) as one source"

_Key = tuple[str, str]
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class ResolvedRepo:
    """One repo of a chain, its entries split by visibility to nodes."""

    source: NodeSource
    shown: tuple[Package, ...]
    hidden: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """A chain, newest repo first; ``algorithm`` is that of the identities."""

    repos: tuple[ResolvedRepo, ...]
    algorithm: str

    @property
    def shown(self) -> Iterator[Package]:
        """Every package of the release, each once."""
        return (package for repo in self.repos for package in repo.shown)

    @property
    def hidden(self) -> Iterator[Package]:
        """Every package of the chain that nodes must not see."""
        return (package for repo in self.repos for package in repo.hidden)


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One stanza of apt's preferences: a version of a package, and its priority."""

    name: str
    architecture: str
    version: str
    priority: int


def resolve(contents: Sequence[RepoContent]) -> Resolution:
    """Split the entries of each repo of a chain, newest first, into shown and hidden ones.

    An entry is shown if the newest repo's release holds its identity (name, architecture,
    version, checksum) and no newer repo shows that identity already.

    Raises:
        ConfigError: the repos have no kind of checksum in common, or a package of the release is
            in none of them.
    """
    release = contents[0].release
    algorithm = common_algorithm(release, [p for content in contents for p in content.packages])
    if algorithm is None:
        raise ConfigError(
            "the repos of the chain have no kind of checksum in common",
            remedy="rebuild the index of the oldest repo with SHA-256 checksums",
        )
    remaining = {package.identity(algorithm): package for package in release}
    repos = tuple(_split(content, remaining, algorithm) for content in contents)
    if remaining:
        raise ConfigError(
            f"{contents[0].source.name} inherits packages that no repo of the chain has: "
            f"{_listed(remaining.values())}",
            remedy="name the whole chain, newest first, with all components of each repo",
        )
    return Resolution(repos, algorithm)


def apt_pins(resolution: Resolution, *, native: str = NATIVE_ARCHITECTURE) -> tuple[Pin, ...]:
    """Return the pins that make apt ignore hidden packages.

    apt counts a package for all architectures as one of the node's native architecture, and pins
    versions, not files: a hidden file whose version the release holds as well needs no pin, as
    the newest repo is listed first. A hidden version must not be negative where the release has
    another one, so that a node which has it installed keeps it, as with the full repo. There it is

    - below the priority of an installed version (100), and so below the release's;
    - unchanged if the release itself is below 100 (``NotAutomatic``): no fixed priority is below
      that and yet above it once installed. The newest version of the release is raised instead.

    Raises:
        ConfigError: the order of the repos cannot distinguish two files of one version, or only
            the newest repo is ``NotAutomatic``.
    """
    _require_order_decides(resolution, native)
    versions: dict[_Key, set[str]] = defaultdict(set)
    for package in resolution.shown:
        versions[_key(package, native)].add(package.version)
    hidden = {(_key(p, native), p.version) for p in resolution.hidden}
    gone = {(key, version) for key, version in hidden if key not in versions}
    others = {(key, v) for key, v in hidden - gone if v not in versions[key]}
    priority = resolution.repos[0].source.policy.priority
    priorities = dict.fromkeys(gone, _PIN_OF_NOTHING_LEFT)
    if priority < INSTALLED_PRIORITY:
        _require_one_priority(resolution, versions, native)
        priorities |= dict.fromkeys(_overtaken(versions, others), _PIN_ABOVE_NOT_AUTOMATIC)
    else:
        priorities |= dict.fromkeys(others, _PIN_OF_OTHER_VERSION)
        priorities |= dict.fromkeys(_of_other_priority(resolution, versions, native), priority)
    return tuple(sorted(Pin(*key, version, p) for (key, version), p in priorities.items()))


def _overtaken(
    versions: Mapping[_Key, Collection[str]], others: Iterable[tuple[_Key, str]]
) -> Iterator[tuple[_Key, str]]:
    """Yield the newest version of the release where a hidden one is not older."""
    by_version = cmp_to_key(compare_deb)
    for key, version in others:
        newest = max(versions[key], key=by_version)
        if compare_deb(version, newest) >= 0:
            yield key, newest


def _of_other_priority(
    resolution: Resolution, versions: Mapping[_Key, Collection[str]], native: str
) -> Iterator[tuple[_Key, str]]:
    """Yield versions of the release in a repo of another priority than the newest repo's."""
    for repo in resolution.repos:
        if repo.source.policy.priority != resolution.repos[0].source.policy.priority:
            for package in (*repo.shown, *repo.hidden):
                key = _key(package, native)
                if package.version in versions.get(key, ()):
                    yield key, package.version


def _require_one_priority(resolution: Resolution, versions: Collection[_Key], native: str) -> None:
    """Refuse a release below 100 with packages of a repo above: no pin lowers these alike."""
    newest = resolution.repos[0].source
    for repo in resolution.repos:
        packages = (*repo.shown, *repo.hidden)
        differs = repo.source.policy.priority != newest.policy.priority
        if differs and any(_key(package, native) in versions for package in packages):
            raise ConfigError(
                f"the Release of {newest.name} says NotAutomatic, that of {repo.source.name} does "
                "not: pins cannot give the packages of both one policy",
                remedy=_VIEW_REMEDY,
            )


def yum_excludes(resolution: Resolution) -> tuple[tuple[str, ...], ...]:
    """Return for each repo the ``name-epoch:version-release.arch`` of its hidden packages, sorted.

    Raises:
        ConfigError: one repo has a hidden and a shown file of one such name, or dnf would choose
            between two files of the release by the order of the repos.
    """
    refused = list(_tied(resolution))
    for repo in resolution.repos:
        hidden = {nevra(package) for package in repo.hidden}
        refused += [package for package in repo.shown if nevra(package) in hidden]
    if refused:
        raise _same_version_twice(refused)
    return tuple(tuple(sorted({nevra(p) for p in repo.hidden})) for repo in resolution.repos)


def nevra(package: Package) -> str:
    """Return the form of an rpm's name that dnf and yum match in ``exclude``: epoch always."""
    epoch, _, rest = package.version.rpartition(":")
    return f"{package.name}-{epoch or '0'}:{rest}.{package.architecture}"


def _split(
    content: RepoContent, remaining: dict[Identity, Package], algorithm: str
) -> ResolvedRepo:
    """Split a repo, and remove the packages that it shows from ``remaining``."""
    shown: dict[Identity, Package] = {}
    hidden: list[Package] = []
    for package in content.packages:
        identity = package.identity(algorithm)
        if remaining.pop(identity, None) is not None:
            shown[identity] = package
        elif identity not in shown:  # a package for all architectures is in every index
            hidden.append(package)
    return ResolvedRepo(content.source, tuple(shown.values()), tuple(hidden))


def _require_order_decides(resolution: Resolution, native: str) -> None:
    """Refuse a chain in which the first listed file of a version is not the release's.

    This only happens where a repo, against Debian Policy, has two files of one version (two
    components, or for all and for one architecture), or spells one version in two ways.
    """
    counts: dict[_Key, int] = defaultdict(int)
    for package in resolution.shown:
        counts[_key(package, native)] += 1
    offers: dict[_Key, list[tuple[int, bool, Package]]] = defaultdict(list)
    for number, repo in enumerate(resolution.repos):
        for is_shown, packages in ((True, repo.shown), (False, repo.hidden)):
            for package in packages:
                key = _key(package, native)
                if key in counts:
                    offers[key].append((number, is_shown, package))
    contested = (rows for rows in offers.values() if len(rows) > 1)
    refused = [package for rows in contested for package in _undecided(rows)]
    if refused:
        raise _same_version_twice(refused)


def _undecided(rows: Sequence[tuple[int, bool, Package]]) -> Iterator[Package]:
    """Yield shown packages for which apt may take another file of the same version."""
    for equal in _by_version(rows, lambda row: row[2].version, compare_deb):
        first = min(number for number, _, _ in equal)
        showing = [number for number, is_shown, _ in equal if is_shown]
        is_first = all(is_shown for number, is_shown, _ in equal if number == first)
        if not is_first or (len(showing) > 1 and any(showing)):  # repo 0 is indexed as the release
            yield from (package for _, is_shown, package in equal if is_shown)


def _tied(resolution: Resolution) -> Iterator[Package]:
    """Yield packages that dnf ranks equal to one in another index.

    Of one version for noarch and for an architecture, dnf takes the first that it reads. Only the
    newest repo is known to have the order of the release.
    """
    named: dict[str, list[tuple[int, Package]]] = defaultdict(list)
    for number, repo in enumerate(resolution.repos):
        for package in repo.shown:
            named[package.name].append((number, package))
    for rows in named.values():
        for equal in _by_version(rows, lambda row: row[1].version, compare_rpm):
            for (number, package), (other_number, other) in combinations(equal, 2):
                architectures = {package.architecture, other.architecture}
                are_rivals = len(architectures) == 1 or "noarch" in architectures
                if are_rivals and (number > 0 or other_number > 0):
                    yield package


def _by_version(
    rows: Iterable[_Row], version: Callable[[_Row], str], compare: Compare
) -> Iterator[list[_Row]]:
    """Group rows of equal version, in the order of versions."""
    order = cmp_to_key(compare)

    def key(row: _Row) -> Any:
        return order(version(row))

    return (list(group) for _, group in groupby(sorted(rows, key=key), key))


def _key(package: Package, native: str) -> _Key:
    architecture = native if package.architecture == "all" else package.architecture
    return package.name, architecture


def _same_version_twice(packages: Iterable[Package]) -> ConfigError:
    return ConfigError(
        "several files of one version, which no order or exclusion distinguishes: "
        f"{_listed(packages)}",
        remedy=_VIEW_REMEDY,
    )


def _listed(packages: Iterable[Package]) -> str:
    names = sorted({str(package) for package in packages})
    rest = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return ", ".join(names[:_NAMED_AT_MOST]) + rest
