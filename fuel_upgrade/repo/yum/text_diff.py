"""Compare two yum repos by the identities in the text of their metadata."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from fuel_upgrade.repo.diff import diff
from fuel_upgrade.repo.package import Identity, Package, fingerprint_of
from fuel_upgrade.repo.repo import Entry, QuickDiff
from fuel_upgrade.repo.version import compare_rpm
from fuel_upgrade.repo.yum.primary_text import ALGORITHM, PrimaryText


def diff_texts(
    base: PrimaryText, current: PrimaryText, inherited: Sequence[Package]
) -> QuickDiff | None:
    """Return what :func:`fuel_upgrade.repo.diff.diff` returns, or None if a SHA-256 is missing.

    Packages are made only of the names that have changed; ``inherited`` are those of the base.
    """
    try:
        taken = {package.identity(ALGORITHM): package for package in inherited}
    except KeyError:
        return None
    old, new = base.files.keys() | taken.keys(), current.files.keys()
    touched = frozenset(map(_name, old ^ new))
    before = [base.package(identity) for identity in _of_names(base.files, touched)]
    now = [current.package(identity) for identity in _of_names(new, touched)]
    own = [taken[identity] for identity in _of_names(taken, touched)]
    part = diff([*before, *own], now, algorithm=ALGORITHM, compare=compare_rpm)
    whole = replace(
        part,
        inherited=tuple(sorted(old & new)),
        result_bytes=sum(size for _, size in current.files.values()),
        base_fingerprint=fingerprint_of(old, ALGORITHM),
        result_fingerprint=fingerprint_of(new, ALGORITHM),
    )
    carried = {package.identity(ALGORITHM) for package in whole.carried}
    fresh = [Entry(package) for package in now if package.identity(ALGORITHM) in carried]
    return QuickDiff(whole, tuple(map(Entry, before)), tuple(map(Entry, now)), fresh)


def _name(identity: Identity) -> str:
    return identity.partition(" ")[0]


def _of_names(identities: Iterable[Identity], names: frozenset[str]) -> Iterator[Identity]:
    return (identity for identity in identities if _name(identity) in names)
