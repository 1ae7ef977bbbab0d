"""Proving that a base and a diff repo together are the release, package by package."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Any

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.description import DiffDescription
from fuel_upgrade.repo.package import Identity, fingerprint_of
from fuel_upgrade.repo.repo import IndexName
from fuel_upgrade.repo.repo_contents import Holding, hidden

SHOWN = 20  # packages that an error names; --json has them all
_CHECKSUM_DIGITS = 12  # enough to tell two contents of one version apart
_LISTS = ("removed", "rebuilt", "downgraded", "changes")
_VALUES = ("kind", "algorithm", "base_fingerprint", "result_fingerprint", "carried_bytes",
           "result_bytes")  # fmt: skip


class FaultKind(Enum):
    """In which way base and diff are not the release."""

    MISSING = "missing: the release has it, neither the diff repo nor its inheritance does"
    EXTRA = "extra: the release does not have it"
    NOT_IN_BASE = "inherited, but the base does not have it"
    HIDDEN = "inherited, but not in the base's index of this architecture"
    LOST = "carried, but not in an index where the release has it"
    MISPLACED = "in an index where the release does not have it"
    TWICE = "both carried and inherited"
    DESCRIPTION = "diff.yaml is wrong"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that keeps a diff repo from being proved; ``where`` names an index, or nothing."""

    kind: FaultKind
    what: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.kind.value}" + (f" ({self.where})" if self.where else "")

    def to_json(self) -> dict[str, str]:
        """Return the form that ``--json`` prints."""
        return {"kind": self.kind.name.lower(), "what": self.what, "where": self.where}


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared, in packages, and what was found wrong: nothing, if ``proved``."""

    algorithm: str
    release: int
    carried: int
    inherited: int
    index_entries: int
    faults: tuple[Fault, ...]

    @property
    def proved(self) -> bool:
        """Whether base and diff are the release."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``--json`` prints."""
        return {
            "proved": self.proved,
            "algorithm": self.algorithm,
            "release": self.release,
            "carried": self.carried,
            "inherited": self.inherited,
            "index_entries": self.index_entries,
            "faults": [fault.to_json() for fault in self.faults],
        }

    def require(self, source: str) -> None:
        """Refuse what is not proved.

        Raises:
            BundleError: it names the first faults, and how many there are.
        """
        if self.proved:
            return
        shown = "".join(f"\n        - {fault}" for fault in self.faults[:SHOWN])
        more = len(self.faults) - SHOWN
        raise BundleError(
            f"{source}: base and diff are not the release: {len(self.faults)} fault(s){shown}"
            + (f"\n        and {more} more" if more > 0 else ""),
            remedy="make the diff repo again with fuel-upgrade repo diff, from these two repos",
        )


def prove(
    base: Holding,
    diff: Holding,
    current: Holding,
    *,
    found: DiffDescription,
    expected: DiffDescription,
) -> Proof:
    """Compare base and diff with the release, by identity, for every entry of every index.

    All identities have checksums of one kind. ``diff`` is what its indexes on the disk hold,
    with the inheritance that its ``diff.yaml``, ``found``, states; ``expected`` is the
    description that the comparison of base and current gives.
    """
    faults = chain(
        _content_faults(base, diff, current),
        _index_faults(diff, current),
        _hidden_faults(base, diff, current),
        _description_faults(found, expected),
    )
    entries = sum(map(len, current.indexes.values()))
    return _proof(diff, found.algorithm, len(current.content), entries, faults)


def prove_alone(diff: Holding, found: DiffDescription) -> Proof:
    """Prove what can be without base and current: that ``diff.yaml`` is this repo's own.

    What the repo carries and what it inherits must have the stated result fingerprint.
    """
    content = diff.content
    counts = {"carried": len(diff.own), "inherited": len(diff.inherited)}
    stated = {name: found.counts.get(name) for name in counts}
    faults = [Fault(FaultKind.TWICE, _text(i)) for i in sorted(diff.own & diff.inherited)]
    faults += _differences("counts", stated, counts)
    actual = fingerprint_of(content, found.algorithm)
    faults += _differences("result_fingerprint", found.result_fingerprint, actual)
    entries = sum(map(len, diff.indexes.values()))
    return _proof(diff, found.algorithm, len(content), entries, faults)


def _proof(
    diff: Holding, algorithm: str, release: int, entries: int, faults: Iterable[Fault]
) -> Proof:
    return Proof(
        algorithm=algorithm,
        release=release,
        carried=len(diff.own),
        inherited=len(diff.inherited),
        index_entries=entries,
        faults=tuple(faults),
    )


def _content_faults(base: Holding, diff: Holding, current: Holding) -> Iterator[Fault]:
    held, wanted = diff.content, current.content
    for kind, identities in (
        (FaultKind.MISSING, wanted - held),
        (FaultKind.EXTRA, held - wanted),
        (FaultKind.NOT_IN_BASE, diff.inherited - base.content),
        (FaultKind.TWICE, diff.own & diff.inherited),
    ):
        yield from (Fault(kind, _text(identity)) for identity in sorted(identities))


def _index_faults(diff: Holding, current: Holding) -> Iterator[Fault]:
    """Compare index by index what the whole has somewhere: the rest is told already."""
    held, wanted = diff.content, current.content
    nothing: frozenset[Identity] = frozenset()
    for name in sorted(current.indexes.keys() | diff.indexes.keys()):
        if name not in diff.indexes:
            yield Fault(FaultKind.LOST, "the whole index", _index_text(name))
        here, there = current.indexes.get(name, nothing), diff.indexes.get(name, nothing)
        lost = (here - diff.inherited - there) & held
        misplaced = (there - here) & wanted
        for kind, identities in ((FaultKind.LOST, lost), (FaultKind.MISPLACED, misplaced)):
            yield from (Fault(kind, _text(i), _index_text(name)) for i in sorted(identities))


def _hidden_faults(base: Holding, diff: Holding, current: Holding) -> Iterator[Fault]:
    for architecture, identities in sorted(hidden(base, current).items()):
        for identity in sorted(identities & diff.inherited):
            yield Fault(FaultKind.HIDDEN, _text(identity), architecture)


def _description_faults(found: DiffDescription, expected: DiffDescription) -> Iterator[Fault]:
    """Compare all but the inheritance, which is compared package by package."""
    for name in _VALUES:
        yield from _differences(name, getattr(found, name), getattr(expected, name))
    yield from _differences("counts", dict(found.counts), dict(expected.counts))
    for name in _LISTS:
        stated, actual = set(getattr(found, name)), set(getattr(expected, name))
        if name == "changes" and not stated:
            continue  # a file of an older fuel-upgrade has none
        yield from (_wrong(name, f"lacks {line!r}") for line in sorted(actual - stated))
        yield from (_wrong(name, f"has {line!r} too much") for line in sorted(stated - actual))


def _differences(name: str, found: object, expected: object) -> Iterator[Fault]:
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        for key in sorted(found.keys() | expected.keys()):
            yield from _differences(f"{name}.{key}", found.get(key), expected.get(key))
    elif found != expected:
        yield _wrong(name, f"expected {_value(expected)}, found {_value(found)}")


def _value(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _wrong(name: str, what: str) -> Fault:
    return Fault(FaultKind.DESCRIPTION, f"{name} {what}")


def _text(identity: Identity) -> str:
    package, _, checksum = identity.rpartition(" ")
    return f"{package} [{checksum[:_CHECKSUM_DIGITS]}]"


def _index_text(name: IndexName) -> str:
    component, architecture = name
    return f"{component}/binary-{architecture}" if component else "primary"
