"""The packages of a repo, index by index: the values that proofs compare."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from fuel_upgrade.repo.package import Identity, fingerprint_of
from fuel_upgrade.repo.repo import IndexName, Reading, Repo

_ALL = "all"  # apt reads this index in addition to that of the node's architecture


@dataclass(frozen=True)
class Holding:
    """The identities in each index of a repo, and those that its ``diff.yaml`` inherits.

    ``reader`` is the library that read the indexes.
    """

    indexes: Mapping[IndexName, frozenset[Identity]]
    inherited: frozenset[Identity] = frozenset()
    reader: str = ""

    @cached_property
    def own(self) -> frozenset[Identity]:
        """The identities in the repo's own indexes."""
        first, *others = (*self.indexes.values(), frozenset[Identity]())
        return first.union(*others) if any(others) else first

    @cached_property
    def content(self) -> frozenset[Identity]:
        """The identities of the whole release."""
        return self.own | self.inherited if self.inherited else self.own

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        return {}

    def fingerprint(self, algorithm: str) -> str:
        """Return the fingerprint of the content, computed once."""
        if algorithm not in self._fingerprints:
            self._fingerprints[algorithm] = fingerprint_of(self.content, algorithm)
        return self._fingerprints[algorithm]

    def by_architecture(self) -> dict[str, frozenset[Identity]]:
        """Join the components: the identities in the index of each architecture."""
        joined: dict[str, frozenset[Identity]] = {}
        for (_, architecture), identities in self.indexes.items():
            before = joined.get(architecture)
            joined[architecture] = before | identities if before else identities
        return joined


def holding_of(
    repo: Repo,
    reading: Reading,
    inherited: Iterable[Identity],
    *,
    pool: dict[Identity, Identity] | None = None,
) -> Holding:
    """Return the content of ``repo``: that of its indexes by ``reading``, and ``inherited``.

    Holdings made with the same ``pool`` share their strings: most packages are in all of them.

    Raises:
        BundleError, KeyError: as :meth:`fuel_upgrade.repo.repo.Repo.read_for_proof`.
    """
    once = (pool if pool is not None else {}).setdefault
    indexes: dict[IndexName, set[Identity]] = {name: set() for name in repo.index_names}
    for name, identities in reading.identities:
        indexes[name].update(map(once, identities, identities))
    frozen = {name: frozenset(identities) for name, identities in indexes.items()}
    taken = frozenset(once(identity, identity) for identity in inherited)
    return Holding(frozen, taken, reading.reader)


def hidden(base: Holding, current: Holding) -> dict[str, frozenset[Identity]]:
    """Return, by architecture, the packages of both repos that nodes do not see in the base.

    The base may list a package for all architectures in the index of one architecture, and the
    current repo in those of two: if it were inherited, nodes of the other one would lose it.
    Packages that the base itself inherits count as visible everywhere: its own proof has checked
    that. Components have no influence: nodes read all components of a repo.
    """
    old, new = base.by_architecture(), current.by_architecture()
    shared = base.own - base.inherited
    everywhere = old.get(_ALL, frozenset())
    # Nodes of each architecture read the index for all: its packages must be in all the others.
    named = [a for a in new if a != _ALL]
    in_each = frozenset.intersection(*(old.get(a, frozenset()) for a in named)) if named else shared
    lost = {}
    for architecture, identities in new.items():
        visible = in_each if architecture == _ALL else old.get(architecture, frozenset())
        if unseen := (identities & shared) - visible - everywhere:
            lost[architecture] = unseen
    return lost
