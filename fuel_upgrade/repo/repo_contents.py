"""What a repo offers, index by index: the values that proofs are made of."""

from collections.abc import Mapping
from dataclasses import dataclass

from fuel_upgrade.repo.package import Identity

IndexName = tuple[str, str]
"""(component, architecture) of an apt index; ("", "") is the one index of a yum repo."""
_ALL = "all"  # the index that apt reads besides the one of each architecture


@dataclass(frozen=True, slots=True)
class Holding:
    """The identities in each index of a repo, and those that its ``diff.yaml`` inherits."""

    indexes: Mapping[IndexName, frozenset[Identity]]
    inherited: frozenset[Identity] = frozenset()

    @property
    def own(self) -> frozenset[Identity]:
        """Everything in the repo's own indexes."""
        return frozenset().union(*self.indexes.values())

    @property
    def content(self) -> frozenset[Identity]:
        """Everything of the release whose repo this is."""
        return self.own | self.inherited

    def by_architecture(self) -> dict[str, frozenset[Identity]]:
        """Join the components: what a node of each architecture finds in its own index."""
        found: dict[str, frozenset[Identity]] = {}
        for (_, architecture), identities in self.indexes.items():
            found[architecture] = found.get(architecture, frozenset()) | identities
        return found


def hidden(base: Holding, current: Holding) -> dict[str, frozenset[Identity]]:
    """Return, by architecture, what both repos hold but nodes would not find in the base.

    A package for all architectures may stand in the base's index of one architecture and in
    the current repo's of two: left to the base, nodes of the other would lose it. What the base
    itself inherits is taken to be everywhere: its own proof has seen to that. Components do not
    count: nodes read all of a repo's.
    """
    old, new = base.by_architecture(), current.by_architecture()
    shared = base.own - base.inherited
    everywhere = old.get(_ALL, frozenset())
    # The index for all architectures is read by each: what stands there must be in all others.
    named = [a for a in new if a != _ALL]
    in_each = frozenset.intersection(*(old.get(a, frozenset()) for a in named)) if named else shared
    found = {}
    for architecture, identities in new.items():
        seen = in_each if architecture == _ALL else old.get(architecture, frozenset())
        if lost := (identities & shared) - seen - everywhere:
            found[architecture] = lost
    return found
