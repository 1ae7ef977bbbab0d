"""Random chains of releases, to compare a chain with the full repo by real package managers."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import strategies as st

NAMES = ("alpha", "beta", "libgamma", "delta++")
LONGEST_CHAIN = 3
_MOST_NEW = 6


@dataclass(frozen=True, order=True)
class Item:
    """One package of a release. ``content`` 0 and 1 give files of one size, 2 a larger one, and
    3 is of the size of 0 with other fields in its index entry.
    """

    name: str
    version: str
    architecture: str
    content: int = 0
    component: str = "main"


Release = tuple[Item, ...]
Chain = tuple[Release, ...]
"""The releases of a chain, oldest first."""


@dataclass
class Tally:
    """The coverage of a run of a property test, for the report at its end."""

    cases: int = 0
    refused: int = 0
    refused_alike: int = 0
    names: int = 0
    hidden: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def note(self, chain: Chain, shapes: Sequence[str] = ()) -> None:
        self.cases += 1
        changes = [kind for older, newer in pairwise(chain) for kind in _changes(older, newer)]
        self.kinds.update([*changes, *shapes, f"chains of {len(chain)}"])

    def refuse(self, reason: str) -> None:
        self.refused += 1
        self.kinds[f"refused: {reason}"] += 1


def cases_wanted(variable: str, short: int) -> int:
    """Return the number of cases: from the environment, or that of the short run."""
    return int(os.environ.get(variable, short))


def chains(
    versions: Sequence[str],
    architectures: Sequence[str],
    contents: int,
    components: Sequence[str] = ("main",),
    names: Sequence[str] = NAMES,
) -> st.SearchStrategy[Chain]:
    """Give chains of two or three releases; each keeps a part of the one before."""
    item = st.builds(
        Item,
        st.sampled_from(names),
        st.sampled_from(versions),
        st.sampled_from(architectures),
        st.integers(0, contents - 1),
        st.sampled_from(components),
    )
    return st.composite(_draw_chain)(item, contents)


def _draw_chain(draw: st.DrawFn, item: st.SearchStrategy[Item], contents: int) -> Chain:
    releases = [_tidy(draw(st.lists(item, min_size=1, max_size=_MOST_NEW)))]
    for _ in range(draw(st.integers(1, LONGEST_CHAIN - 1))):
        earlier = sorted({known for release in releases for known in release})
        kept = [known for known in releases[-1] if draw(st.integers(0, 3)) > 0]
        again = draw(st.lists(st.sampled_from(earlier), max_size=1))
        rebuilt = [
            Item(
                old.name,
                old.version,
                old.architecture,
                draw(st.integers(0, contents - 1)),
                old.component,
            )
            for old in draw(st.lists(st.sampled_from(earlier), max_size=2))
        ]
        new = draw(st.lists(item, max_size=3))
        releases.append(_tidy([*new, *rebuilt, *kept, *again]) or releases[-1])
    return tuple(releases)


def _tidy(items: Sequence[Item]) -> Release:
    """Drop second files of one name, architecture and version: Debian Policy allows but one."""
    return tuple(sorted({(i.name, _native(i), i.version): i for i in reversed(items)}.values()))


def _native(item: Item) -> str:
    return "amd64" if item.architecture == "all" else item.architecture


def _changes(older: Release, newer: Release) -> set[str]:
    """Name the kinds of change between two releases, for the tally."""
    before = {(i.name, i.version, i.architecture): i for i in older}
    after = {(i.name, i.version, i.architecture): i for i in newer}
    both = [(before[key], after[key]) for key in before.keys() & after.keys()]
    names = {i.name for i in older}, {i.name for i in newer}
    actual = {
        "rebuilt": any(a.content != b.content for a, b in both),
        "moved": any(a.component != b.component for a, b in both),
        "name removed": bool(names[0] - names[1]),
        "version removed": bool(before.keys() - after.keys()),
        "added": bool(after.keys() - before.keys()),
        "several versions": len({(i.name, i.architecture) for i in newer}) < len(newer),
    }
    return {kind for kind, is_so in actual.items() if is_so}


def report(tool: str, tally: Tally) -> None:
    """Print the coverage of the cases; pytest shows it with ``-s``."""
    kinds = ", ".join(f"{name} {number}" for name, number in sorted(tally.kinds.items()))
    text = (
        f"\n{tool}: {tally.cases} cases, {tally.refused} refused by us, {tally.refused_alike} "
        f"refused by {tool.partition(' ')[0]} alike, {tally.names} names compared, "
        f"{tally.hidden} entries hidden ({kinds})\n"
    )
    sys.stdout.write(text)
